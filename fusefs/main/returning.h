// SPDX-License-Identifier: Apache-2.0
//
// Brings cameras back that have no device node, whose coming nobody announces: while one is
// missing, it is looked for every few seconds.
#pragma once

#include <chrono>
#include <thread>
#include <vector>

#include "fusefs/base/unique_fd.h"
#include "fusefs/main/options.h"
#include "fusefs/vfs/file_system.h"

namespace grabfs {

class Returning {
 public:
  static constexpr std::chrono::milliseconds kInterval{2000};

  // Takes from `named` those of loadable sources. `file_system` must outlive this object.
  Returning(const std::vector<DeviceOption>& named, FileSystem* file_system);
  // Joins the thread.
  ~Returning();
  Returning(const Returning&) = delete;
  Returning& operator=(const Returning&) = delete;

  // Starts the thread, unless there is nothing to look for.
  void Start();

 private:
  void Run();
  void LookFor(const DeviceOption& option);

  std::vector<DeviceOption> cameras_;
  FileSystem* const file_system_;
  UniqueFd stop_;
  std::string last_failure_;
  std::thread thread_;
};

}  // namespace grabfs
