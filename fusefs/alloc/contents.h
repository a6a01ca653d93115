// SPDX-License-Identifier: Apache-2.0
//
// The bytes of one file of alloc/: its storage, its size, and whether either is being changed.
//
//                    ┌───────────── Exclusive ──────────────┐
//     open for writes ──▶ closed: a change is under way ──▶ open for writes
//
// During a change, reads go on and find the old contents. A write during a change, or beyond the
// allocated memory, returns false, and the caller posts it as a Change: no function here waits for
// memory.
//
// Threads: any. All functions are quick, except Exclusive, which waits for writes under way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "fusefs/alloc/storage.h"
#include "fusefs/base/mutex.h"
#include "fusefs/base/outdated_pages.h"

namespace grabfs::alloc {

class Contents {
 public:
  explicit Contents(std::shared_ptr<Storage> storage) : storage_(std::move(storage)) {}

  [[nodiscard]] uint64_t size() const;
  // Bytes whose memory the user asked for, by the size or by fallocate().
  [[nodiscard]] uint64_t wanted() const;
  // All bytes that have memory.
  [[nodiscard]] uint64_t reserved() const;
  [[nodiscard]] std::shared_ptr<Storage> storage() const;
  // The backing file for passthrough; -1: there is none, or it is about to be replaced.
  [[nodiscard]] int direct_fd() const;

  // Bytes read: fewer at the end.
  size_t Read(uint64_t offset, std::span<std::byte> data);
  // Makes the file longer if necessary. False: not now, see above.
  [[nodiscard]] bool Write(uint64_t offset, std::span<const std::byte> data);
  // Writeback of a mapping's dirty page: does not make the file longer, and does not write to the
  // first `protected_bytes`. False: not now.
  [[nodiscard]] bool WriteBack(uint64_t offset, std::span<const std::byte> data,
                               uint64_t protected_bytes);
  // A device has replaced the first `bytes`; see OutdatedPages.
  void Replaced(uint64_t bytes) { outdated_.Replaced(bytes); }

  // While it exists, writes return false. One at a time.
  class Exclusive {
   public:
    explicit Exclusive(Contents* contents);
    ~Exclusive();
    Exclusive(const Exclusive&) = delete;
    Exclusive& operator=(const Exclusive&) = delete;

   private:
    Contents* const contents_;
  };

  // The backing file is about to be replaced: while this exists, direct_fd() returns -1.
  class Replacing {
   public:
    explicit Replacing(Contents* contents);
    ~Replacing();
    Replacing(const Replacing&) = delete;
    Replacing& operator=(const Replacing&) = delete;

   private:
    Contents* const contents_;
  };

  // For the owner of an Exclusive. Within reserved().
  void WriteExclusively(uint64_t offset, std::span<const std::byte> data);
  void WriteBackExclusively(uint64_t offset, std::span<const std::byte> data,
                            uint64_t protected_bytes);
  // A smaller size also drops the wish for memory behind the end.
  void SetSize(uint64_t size);
  void SetWanted(uint64_t bytes);
  void Replace(std::shared_ptr<Storage> storage);

 private:
  // Begins a write; null: not now.
  [[nodiscard]] std::shared_ptr<Storage> BeginWrite(uint64_t end);
  void EndWrite(uint64_t end);
  template <typename Body>
  bool WriteBy(uint64_t end, Body&& body);
  void Apply(const Storage& storage, uint64_t offset, std::span<const std::byte> data);
  void ApplyBack(const Storage& storage, uint64_t offset, std::span<const std::byte> data,
                 uint64_t protected_bytes);

  mutable Mutex mutex_;  // guards what follows; before those of the storage
  std::shared_ptr<Storage> storage_;
  uint64_t size_ = 0;
  uint64_t wanted_ = 0;  // counts where it is beyond size_
  unsigned writes_ = 0;  // under way
  bool closed_ = false;
  bool replacing_ = false;
  Condition written_;  // writes_ is 0

  OutdatedPages outdated_;  // in the page cache of FUSE
};

}  // namespace grabfs::alloc
