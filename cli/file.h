// SPDX-License-Identifier: Apache-2.0
//
// Small files read and written whole, as attributes of the mount want it: one value, one call.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace grabfs::cli {

// The whole file. Throws Error with the errno of open() or read().
std::string ReadFile(const std::filesystem::path& path);

// Hands `text` to an existing file in exactly one write(), because one write() is one command.
// Throws Error with the errno of open() or write().
void WriteCommand(const std::filesystem::path& path, std::string_view text);

// All of `text` into `fd`, however often write() must be called. `name` is for the message.
void WriteAll(int fd, std::string_view text, const std::string& name);

}  // namespace grabfs::cli
