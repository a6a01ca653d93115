// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/contents.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/alloc/transfer.h"

namespace grabfs::alloc {

uint64_t Contents::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

uint64_t Contents::wanted() const {
  const std::lock_guard lock(mutex_);
  return std::max(size_, wanted_);
}

uint64_t Contents::reserved() const {
  const std::lock_guard lock(mutex_);
  return std::max(size_, storage_->bytes());
}

std::shared_ptr<Storage> Contents::storage() const {
  const std::lock_guard lock(mutex_);
  return storage_;
}

int Contents::direct_fd() const {
  const std::lock_guard lock(mutex_);
  return replacing_ ? -1 : storage_->fd();
}

size_t Contents::Read(uint64_t offset, std::span<std::byte> data) {
  outdated_.Read(offset, data.size());
  std::shared_ptr<Storage> storage;
  std::shared_ptr<const void> pages;
  int fd = -1;
  {
    const std::lock_guard lock(mutex_);
    if (offset >= size_) return 0;
    data = data.first(static_cast<size_t>(std::min<uint64_t>(data.size(), size_ - offset)));
    storage = storage_;
    pages = storage_->pages();
    fd = storage_->fd();
  }
  return ReadAt(fd, offset, data);
}

std::shared_ptr<Storage> Contents::BeginWrite(uint64_t end) {
  const std::lock_guard lock(mutex_);
  if (closed_ || end > std::max(size_, storage_->bytes())) return nullptr;
  ++writes_;
  return storage_;
}

void Contents::EndWrite(uint64_t end) {
  const std::lock_guard lock(mutex_);
  size_ = std::max(size_, end);
  if (--writes_ == 0) written_.notify_all();
}

template <typename Body>
bool Contents::WriteBy(uint64_t end, Body&& body) {
  const auto storage = BeginWrite(end);
  if (!storage) return false;
  try {
    std::forward<Body>(body)(*storage);
  } catch (...) {
    EndWrite(0);
    throw;
  }
  EndWrite(end);
  return true;
}

bool Contents::Write(uint64_t offset, std::span<const std::byte> data) {
  const uint64_t end = data.empty() ? 0 : offset + data.size();
  return WriteBy(end, [&](const Storage& storage) { Apply(storage, offset, data); });
}

bool Contents::WriteBack(uint64_t offset, std::span<const std::byte> data,
                         uint64_t protected_bytes) {
  return WriteBy(
      0, [&](const Storage& storage) { ApplyBack(storage, offset, data, protected_bytes); });
}

void Contents::Apply(const Storage& storage, uint64_t offset, std::span<const std::byte> data) {
  outdated_.Written(offset, data.size());
  WriteAt(storage.fd(), offset, data);
}

void Contents::ApplyBack(const Storage& storage, uint64_t offset, std::span<const std::byte> data,
                         uint64_t protected_bytes) {
  const uint64_t end = std::min<uint64_t>(size(), offset + data.size());
  const uint64_t begin = std::max(offset, protected_bytes);
  if (begin >= end) return;
  outdated_.WriteBack(
      begin, data.subspan(begin - offset, end - begin),
      [&](uint64_t place, std::span<const std::byte> part) { WriteAt(storage.fd(), place, part); });
}

// --- Changes

Contents::Exclusive::Exclusive(Contents* contents) : contents_(contents) {
  std::unique_lock lock(contents_->mutex_);
  contents_->closed_ = true;
  contents_->written_.wait(lock, [this] { return contents_->writes_ == 0; });
}

Contents::Exclusive::~Exclusive() {
  const std::lock_guard lock(contents_->mutex_);
  contents_->closed_ = false;
}

Contents::Replacing::Replacing(Contents* contents) : contents_(contents) {
  const std::lock_guard lock(contents_->mutex_);
  contents_->replacing_ = true;
}

Contents::Replacing::~Replacing() {
  const std::lock_guard lock(contents_->mutex_);
  contents_->replacing_ = false;
}

void Contents::WriteExclusively(uint64_t offset, std::span<const std::byte> data) {
  Apply(*storage(), offset, data);
  const std::lock_guard lock(mutex_);
  size_ = std::max(size_, offset + data.size());
}

void Contents::WriteBackExclusively(uint64_t offset, std::span<const std::byte> data,
                                    uint64_t protected_bytes) {
  ApplyBack(*storage(), offset, data, protected_bytes);
}

void Contents::SetSize(uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (size <= size_) wanted_ = 0;
  size_ = size;
}

void Contents::SetWanted(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  wanted_ = std::max(wanted_, bytes);
}

void Contents::Replace(std::shared_ptr<Storage> storage) {
  const std::lock_guard lock(mutex_);
  storage_.swap(storage);
}

}  // namespace grabfs::alloc
