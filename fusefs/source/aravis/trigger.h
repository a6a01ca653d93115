// SPDX-License-Identifier: Apache-2.0
//
// The settings of a camera's triggers: has it wait for software triggers, and puts the settings
// back at the end.
#pragma once

#include <arv.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "fusefs/source/aravis/camera.h"

namespace grabfs {

// Puts these features back to the texts that they have now, in this order. Those that the camera
// does not have are left out. The camera is locked as long as this object lives.
class KeepFeatures {
 public:
  KeepFeatures(ArvCamera* camera, std::initializer_list<const char*> features);
  ~KeepFeatures();
  KeepFeatures(const KeepFeatures&) = delete;
  KeepFeatures& operator=(const KeepFeatures&) = delete;

 private:
  ArvCamera* const camera_;
  std::vector<std::pair<std::string, std::string>> texts_;
};

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
