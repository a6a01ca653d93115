// SPDX-License-Identifier: Apache-2.0
//
// The hold pages of all ring readers (docs/ring.md), by the numbers in their inodes. A page lives
// from its open until the kernel sends FORGET for the inode: then its last descriptor and mapping
// have gone.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "fusefs/base/mutex.h"
#include "fusefs/base/shared_pages.h"
#include "fusefs/ring/ring_file.h"
#include "fusefs/vfs/hold_limit.h"

namespace grabfs {

struct HoldPage {
  uid_t uid;
  gid_t gid;
  HoldLimit::Page share;
  std::shared_ptr<SharedPages> pages;
  std::unique_ptr<RingFile::Reader> reader;
  std::shared_ptr<void> attachment;  // its registration for passthrough
};

class HoldPages {
 public:
  // Returns its number.
  uint64_t Add(std::shared_ptr<HoldPage> page);
  [[nodiscard]] std::shared_ptr<HoldPage> Find(uint64_t number) const;  // nullptr: forgotten
  void Forget(uint64_t number);

 private:
  mutable Mutex mutex_;  // guards all below; leaf
  std::map<uint64_t, std::shared_ptr<HoldPage>> pages_;
  uint64_t next_number_ = 0;
};

}  // namespace grabfs
