// SPDX-License-Identifier: Apache-2.0
//
// Has a camera wait for software triggers, and puts its trigger settings back at the end.
#pragma once

#include <arv.h>

#include <string>
#include <utility>
#include <vector>

#include "fusefs/source/aravis/camera.h"

namespace grabfs {

class SoftwareTrigger {
 public:
  static bool IsSupported(AravisCamera& camera);

  // Throws Error as the camera does; then its settings are as before.
  explicit SoftwareTrigger(AravisCamera& camera);
  ~SoftwareTrigger();
  SoftwareTrigger(const SoftwareTrigger&) = delete;
  SoftwareTrigger& operator=(const SoftwareTrigger&) = delete;

  void Fire();

 private:
  void Set(ArvCamera* camera, const char* feature, const char* value);
  void Restore(ArvCamera* camera) noexcept;

  AravisCamera& camera_;
  std::vector<std::pair<std::string, std::string>> before_;  // features and their texts
};

}  // namespace grabfs
