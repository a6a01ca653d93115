// SPDX-License-Identifier: Apache-2.0
//
// What all kinds of files (kinds/) share: the devices of the mount, the files of alloc/, and what
// each user has open, holds and locks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "fusefs/alloc/store.h"
#include "fusefs/vfs/devices.h"
#include "fusefs/vfs/hold_limit.h"
#include "fusefs/vfs/hold_pages.h"
#include "fusefs/vfs/kernel.h"
#include "fusefs/vfs/lock_table.h"
#include "fusefs/vfs/modes.h"
#include "fusefs/vfs/open_limit.h"
#include "fusefs/vfs/pages_in_flight.h"
#include "fusefs/vfs/picture_file.h"
#include "fusefs/vfs/status.h"

namespace grabfs {

// Threads: see each member.
struct Mount {
  struct Options {
    // How much of a device's buffers one user may hold, except root and the owner.
    static constexpr unsigned kHoldPercent = 50;

    uid_t uid = 0;
    gid_t gid = 0;
    Modes modes;
    std::string mountpoint;
    std::string options;  // the words of -o, as given; what remounting must not change
    mode_t alloc_mode = 01777;
    alloc::Quota::Limits alloc_limits;
    unsigned hold_percent = kHoldPercent;  // see HoldLimit
  };

  explicit Mount(Options the_options);
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  const Options options;
  const uint64_t mounted_at_ns;  // CLOCK_REALTIME
  Kernel* kernel = nullptr;      // set before the first request
  HoldLimit hold_limit;
  HoldPages hold_pages;
  OpenLimit open_limit;
  LockTable locks;
  alloc::Store store;
  OpenPictures open_pictures;
  PagesInFlight pages_in_flight;
  Printed<MountReport> status;
  Devices devices;

 private:
  alloc::Store::Options StoreOptions();
  // The memory of a new file of alloc/.
  std::unique_ptr<alloc::Storage> MakeStorage(const std::string& device, const std::string& name);
  bool MappedByOthers(uint64_t serial, const Caller& caller);
};

}  // namespace grabfs
