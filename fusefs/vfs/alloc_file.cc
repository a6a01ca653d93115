// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/alloc_file.h"

#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

namespace grabfs {

AllocFile::AllocFile(alloc::Store* store, TaskThread* resizer, alloc::FilePtr file,
                     const Caller& opener)
    : store_(store),
      resizer_(resizer),
      file_(std::move(file)),
      opener_(opener),
      handle_(file_->Opened(opener)),
      backing_{file_, file_->backing_fd(), &file_->attachment()} {}

AllocFile::~AllocFile() {
  file_->Closed(handle_, direct_);
  store_->Closed(file_);
  // The last reference frees gigabytes, and the thread that answers RELEASE leads the others.
  resizer_->Post([file = std::move(file_)]() mutable { file.reset(); });
}

void AllocFile::Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) {
  std::vector<std::byte> data(size);
  const size_t count = file_->Read(offset, data);
  reply(std::span(data).first(count), nullptr);
}

void AllocFile::Write(uint64_t offset, std::span<const std::byte> data, bool writeback,
                      WriteReply reply) {
  if (writeback) {
    file_->WriteBack(offset, data);
  } else if (offset + data.size() > file_->size()) {
    return WriteGrowing(offset, data, std::move(reply));
  } else {
    file_->Write(offset, data, opener_, handle_);
  }
  reply(data.size(), nullptr);
}

void AllocFile::WriteGrowing(uint64_t offset, std::span<const std::byte> data, WriteReply reply) {
  resizer_->Post([file = file_, opener = opener_, handle = handle_, offset,
                  reply = std::move(reply),
                  copy = std::vector<std::byte>(data.begin(), data.end())] {
    std::optional<Error> failure;
    try {
      file->Write(offset, copy, opener, handle);
    } catch (const Error& error) {
      failure = error;
    }
    reply(failure ? 0 : copy.size(), failure ? &*failure : nullptr);
  });
}

}  // namespace grabfs
