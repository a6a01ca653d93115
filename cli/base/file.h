// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes small files in one call, as the attributes of the mount require.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "cli/base/deadline.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

// The whole file. Throws Error with the errno of open() or read().
std::string ReadFile(const std::filesystem::path& path);

// A file of a mount. Its daemon may be another user's, and what it shows there may be links to
// anywhere: whoever opens a file of a mount by one of the functions below gets a file of that
// mount, or an Error(EXDEV) that says where the name leads.
struct MountFile {
  std::filesystem::path mount;
  std::filesystem::path name;  // relative

  [[nodiscard]] std::filesystem::path path() const { return mount / name; }
};

// As open(2) does; O_CLOEXEC is added. Throws Error.
UniqueFd Open(const MountFile& file, int flags, mode_t mode = 0);
std::string ReadFile(const MountFile& file);
// Hands `text` to an existing file in exactly one write(), because one write() is one command.
// Throws Error with the errno of open() or write().
void WriteCommand(const MountFile& file, std::string_view text);
void Unlink(const MountFile& file);

// Waits until there is something to read, or the end of it. False: neither came in time.
bool AwaitReadable(int fd, const Deadline& deadline);

// Writes all of `text` to `fd`, with as many write() calls as necessary. `name` is for the message.
void WriteAll(int fd, std::string_view text, const std::string& name);

}  // namespace grabfs::cli
