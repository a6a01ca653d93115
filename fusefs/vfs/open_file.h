// SPDX-License-Identifier: Apache-2.0
//
// An open file of the mount. The destructor is RELEASE: it ends holds and waiting reads.
// fusefs/fuse owns the object and calls it; the object knows nothing of FUSE.
//
// Threads: several threads may call one open file at once. Each reply callback is called exactly
// once, within the call or later by another thread, never with a lock held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs {

// The part of `bytes` that a read of `size` bytes at `offset` returns.
std::span<const std::byte> Window(std::span<const std::byte> bytes, uint64_t offset, size_t size);

// The backing file of an open file, for passthrough.
struct Backing {
  std::shared_ptr<const void> owner;  // keeps what follows alive
  int fd = -1;
  std::shared_ptr<void>* attachment = nullptr;  // where passthrough keeps its registration of `fd`
};

class OpenFile {
 public:
  using ReadReply = std::function<void(std::span<const std::byte> data, const Error* error)>;
  using WriteReply = std::function<void(size_t written, const Error* error)>;

  virtual ~OpenFile() = default;
  // Keeps `share` as long as this object lives. Call it once, before the first other call.
  void Keep(std::shared_ptr<void> share) { share_ = std::move(share); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  // The kernel must not cache its pages: the length is unknown, or reading has an effect.
  [[nodiscard]] virtual bool uncached() const = 0;
  [[nodiscard]] virtual bool seekable() const { return true; }
  // nullptr: only read() and write() through the daemon.
  [[nodiscard]] virtual const Backing* backing() const { return nullptr; }
  // Called when the file takes the passthrough path: mappings may outlive this object.
  virtual void UsesBackingDirectly() {}

  // `data` is valid during the reply only. `wait`: false for O_NONBLOCK.
  virtual void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) = 0;
  // Cancels a Read() that waits. True: its `reply` will not be called.
  virtual bool CancelRead() { return false; }
  // `writeback`: not a write(2): the kernel writes back a page that a mapping has dirtied before.
  virtual void Write(uint64_t offset, std::span<const std::byte> data, bool writeback,
                     WriteReply reply);
  using SyncReply = std::function<void(const Error* error)>;
  // fsync(2). `reply` is called when what was written is where it belongs.
  virtual void Sync(SyncReply reply) { reply(nullptr); }
  // poll(2): false if Read() would wait; then `wake` is called once when that changes.
  virtual bool Readable(std::function<void()> wake);

 protected:
  OpenFile() = default;

 private:
  std::shared_ptr<void> share_;
};

}  // namespace grabfs
