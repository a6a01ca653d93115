// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace grabfs {

std::span<const std::byte> Window(std::span<const std::byte> bytes, uint64_t offset, size_t size) {
  if (offset >= bytes.size()) return {};
  return bytes.subspan(offset, std::min<uint64_t>(size, bytes.size() - offset));
}

FrameFile::FrameFile(std::unique_ptr<DeviceUse> use, std::shared_ptr<Pool> pool,
                     const Ring::Frame& frame, std::unique_ptr<HoldLimit::Share> share,
                     std::function<void()> on_suspect)
    : use_(std::move(use)),
      pool_(std::move(pool)),
      slot_(frame.slot),
      backing_{pool_, pool_->memory[slot_]->frame_fd(), &pool_->frame_attachments[slot_]},
      bytes_used_(frame.info.bytes_used),
      share_(std::move(share)),
      on_suspect_(std::move(on_suspect)) {}

FrameFile::~FrameFile() {
  pool_->ring.Release(slot_, direct_);
  if (!direct_) return;
  if (share_) share_->MayBeMapped();
  on_suspect_();
}

const Backing* FrameFile::backing() const {
  // The backing file has the size of the buffer: a shorter frame must be read through the daemon.
  return bytes_used_ == pool_->format.bytes ? &backing_ : nullptr;
}

void FrameFile::Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) {
  const auto bytes = pool_->memory[slot_]->bytes().first(bytes_used_);
  reply(Window(bytes, offset, size), nullptr);
}

BufferFile::BufferFile(std::unique_ptr<DeviceUse> use, std::shared_ptr<Pool> pool, uint32_t slot)
    : use_(std::move(use)),
      pool_(std::move(pool)),
      slot_(slot),
      backing_{pool_, pool_->memory[slot_]->live_fd(), &pool_->live_attachments[slot_]} {}

void BufferFile::Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) {
  pool_->outdated[slot_].Read(offset, size);
  reply(Window(pool_->memory[slot_]->bytes(), offset, size), nullptr);
}

void BufferFile::Write(uint64_t offset, std::span<const std::byte> data, bool writeback,
                       WriteReply reply) {
  if (data.empty()) return reply(0, nullptr);
  const auto bytes = pool_->memory[slot_]->bytes();
  if (offset >= bytes.size()) {
    throw Error(ENOSPC, "write past the end of a buffer of " + std::to_string(bytes.size()) +
                            " bytes: buffers do not grow");
  }
  const size_t count = std::min<uint64_t>(data.size(), bytes.size() - offset);
  const auto put = [bytes](uint64_t place, std::span<const std::byte> part) {
    std::memcpy(bytes.data() + place, part.data(), part.size());
  };
  OutdatedPages& outdated = pool_->outdated[slot_];
  if (!writeback) {
    outdated.Written(offset, count);
    put(offset, data.first(count));
  } else if (!pool_->ring.Filling(slot_)) {
    // A page that a mapping dirtied before this capture must not be laid over the new frame.
    outdated.WriteBack(offset, data.first(count), put);
  }
  if (use_->device().output()) pool_->notes[slot_] |= Pool::kBufferDirty;
  reply(count, nullptr);
}

void BufferFile::Sync(SyncReply reply) {
  Device& device = use_->device();
  if (!device.output()) return reply(nullptr);
  device.Output(pool_, slot_, device.sees_writes(), std::move(reply));
}

EventsFile::EventsFile(std::unique_ptr<DeviceUse> use)
    : use_(std::move(use)), reader_(use_->device().events().Open()) {}

void EventsFile::Read(uint64_t /*offset*/, size_t size, bool wait, ReadReply reply) {
  const auto deliver = [reply](const std::string& lines) {
    reply(std::as_bytes(std::span(lines)), nullptr);
  };
  if (!wait) {
    const auto lines = reader_->TryRead(size);
    if (!lines) throw Error(EAGAIN, "events: none now");
    deliver(*lines);
  } else if (!reader_->Read(size, deliver)) {
    throw Error(EBUSY, "events: another read() of the same open file is waiting");
  }
}

bool EventsFile::Readable(std::function<void()> wake) {
  if (reader_->Ready()) return true;
  reader_->NotifyReady(std::move(wake));
  return false;
}

TextFile::TextFile(std::unique_ptr<DeviceUse> use, Print print, Order order)
    : use_(std::move(use)), print_(std::move(print)), order_(std::move(order)) {}

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
  if (!order_) throw Error(EBADF, "write: not open for writing");
  const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  order_(text, [reply = std::move(reply), size = data.size()](const Error* error) {
    reply(error ? 0 : size, error);
  });
}

}  // namespace grabfs
