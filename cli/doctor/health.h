// SPDX-License-Identifier: Apache-2.0
//
// What `doctor` finds. A finding is one statement about one subject, with a severity and an advice.
#pragma once

#include <string>
#include <vector>

#include "cli/base/context.h"
#include "cli/mount/status.h"
#include "fusefs/base/mount_info.h"

namespace grabfs::cli {

struct Finding {
  enum class Severity {
    kGood,
    kNote,    // worth knowing; nothing is wrong
    kSlow,    // works, but could be faster
    kBroken,  // does not work
  };
  Severity severity = Severity::kGood;
  std::string subject;
  std::string text;
  std::string advice;  // empty when there is nothing to do
};

std::string SeverityName(Finding::Severity severity);

// The machine: kernel, /dev/fuse, fusermount3, privileges, huge pages, kernel module.
std::vector<Finding> ExamineSystem(const Context& context);
// Cameras that could be mounted, and the line to type for each. The daemon's program looks for
// them.
std::vector<Finding> ExamineCameras(const Context& context);
// Every mount: alive or stale, and which data path its devices are on.
std::vector<Finding> ExamineMounts(const Context& context);
// Who may see the pictures of a living mount, and who may steer it, by the files of one device: in
// words. Waits for the mount's daemon.
std::string ExamineRights(const MountInfo& mount, const std::string& device);
// One device of a living mount.
std::vector<Finding> ExamineDevice(const DeviceStatus& device);

}  // namespace grabfs::cli
