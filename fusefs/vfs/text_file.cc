// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/text_file.h"

#include <cerrno>
#include <mutex>
#include <utility>

namespace grabfs {

TextFile::TextFile(std::unique_ptr<DeviceUse> use, Print print, OnWrite on_write)
    : use_(std::move(use)), print_(std::move(print)), on_write_(std::move(on_write)) {}

void TextFile::Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) {
  std::string part;
  {
    const std::lock_guard lock(mutex_);
    if (offset == 0) text_ = print_();
    if (offset < text_.size()) part = text_.substr(offset, size);
  }
  reply(std::as_bytes(std::span(part)), nullptr);
}

void TextFile::Write(uint64_t /*offset*/, std::span<const std::byte> data, bool /*writeback*/,
                     WriteReply reply) {
  TakesTime();
  if (!on_write_) throw Error(EBADF, "write: not open for writing");
  const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  on_write_(text, [reply = std::move(reply), size = data.size()](const Error* error) {
    reply(error ? 0 : size, error);
  });
}

}  // namespace grabfs
