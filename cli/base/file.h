// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes small files in one call, as the attributes of the mount require.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "cli/base/deadline.h"

namespace grabfs::cli {

// The whole file. Throws Error with the errno of open() or read().
std::string ReadFile(const std::filesystem::path& path);

// Hands `text` to an existing file in exactly one write(), because one write() is one command.
// Throws Error with the errno of open() or write().
void WriteCommand(const std::filesystem::path& path, std::string_view text);

// Waits until there is something to read, or the end of it. False: neither came in time.
bool AwaitReadable(int fd, const Deadline& deadline);

// Writes all of `text` to `fd`, with as many write() calls as necessary. `name` is for the message.
void WriteAll(int fd, std::string_view text, const std::string& name);

}  // namespace grabfs::cli
