// SPDX-License-Identifier: Apache-2.0
//
// An open file of alloc/.
#pragma once

#include <memory>

#include "fusefs/alloc/store.h"
#include "fusefs/base/task_thread.h"
#include "fusefs/vfs/open_file.h"

namespace grabfs {

class AllocFile : public OpenFile {
 public:
  // `store`, `resizer`: outlive it. What takes long is done by `resizer`: writes that make the file
  // larger, and giving up its pages after the last close.
  AllocFile(alloc::Store* store, TaskThread* resizer, alloc::FilePtr file, const Caller& opener);
  ~AllocFile() override;

  [[nodiscard]] alloc::File::Handle handle() const { return handle_; }

  [[nodiscard]] bool uncached() const override { return false; }
  [[nodiscard]] const Backing* backing() const override {
    return backing_.fd >= 0 ? &backing_ : nullptr;
  }
  void UsesBackingDirectly() override { direct_ = true; }
  void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) override;
  void Write(uint64_t offset, std::span<const std::byte> data, bool writeback,
             WriteReply reply) override;

 private:
  void WriteGrowing(uint64_t offset, std::span<const std::byte> data, WriteReply reply);

  alloc::Store* const store_;
  TaskThread* const resizer_;
  alloc::FilePtr file_;
  const Caller opener_;
  const alloc::File::Handle handle_;
  const Backing backing_;
  bool direct_ = false;
};

}  // namespace grabfs
