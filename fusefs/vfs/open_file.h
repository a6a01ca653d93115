// SPDX-License-Identifier: Apache-2.0
//
// What an open() of a file of the mount yields. The destructor is the release: it ends holds and
// waiting reads. The edge towards the kernel owns it and calls it; it knows nothing of FUSE.
//
// Threads: calls on one open file may come from several threads at once. Replies may be given
// within the call or later by another thread, exactly once, never with a lock held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "fusefs/base/error.h"

namespace grabfs {

// The memory behind an open file, for a data path that does without the daemon.
struct Backing {
  std::shared_ptr<const void> owner;  // keeps what follows
  int fd = -1;
  std::shared_ptr<void>* attachment = nullptr;  // room for what that path needs beside `fd`
};

class OpenFile {
 public:
  using ReadReply = std::function<void(std::span<const std::byte> data, const Error* error)>;
  using WriteReply = std::function<void(size_t written, const Error* error)>;

  virtual ~OpenFile() = default;
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  // The kernel must not cache what it reads: the length is unknown or reading is an action.
  [[nodiscard]] virtual bool uncached() const = 0;
  [[nodiscard]] virtual bool seekable() const { return true; }
  // nullptr: only read() and write() through the daemon.
  [[nodiscard]] virtual const Backing* backing() const { return nullptr; }
  // The reader goes to the backing memory directly: mappings may outlive this object.
  virtual void UsesBackingDirectly() {}

  // `data` is valid during the reply only. `wait`: false for O_NONBLOCK.
  virtual void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) = 0;
  // Gives up a Read() that waits; true: it will not be replied to.
  virtual bool CancelRead() { return false; }
  // `writeback`: the kernel pushes out a page that a mapping has dirtied some time ago.
  virtual void Write(uint64_t offset, std::span<const std::byte> data, bool writeback,
                     WriteReply reply);
  using SyncReply = std::function<void(const Error* error)>;
  // fsync(): what was written is where it belongs when `reply` is called.
  virtual void Sync(SyncReply reply) { reply(nullptr); }
  // Whether Read() would wait; if so, calls `wake` once when that changes.
  virtual bool Readable(std::function<void()> wake);

 protected:
  OpenFile() = default;
};

}  // namespace grabfs
