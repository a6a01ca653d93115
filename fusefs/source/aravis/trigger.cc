// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/trigger.h"

#include <ranges>

namespace grabfs {

KeepFeatures::KeepFeatures(ArvCamera* camera, std::initializer_list<const char*> features)
    : camera_(camera) {
  for (const char* const feature : features) {
    GErrorSlot error;
    if (arv_camera_is_feature_available(camera, feature, error) == FALSE) continue;
    const std::string text = TextOf(arv_camera_get_string(camera, feature, error));
    if (!error.failed()) texts_.emplace_back(feature, text);
  }
}

KeepFeatures::~KeepFeatures() {
  for (const auto& [feature, text] : texts_) {
    GErrorSlot ignored;
    arv_camera_set_string(camera_, feature.c_str(), text.c_str(), ignored);
  }
}

bool SoftwareTrigger::IsSupported(AravisCamera& camera) {
  return camera.With([](ArvCamera* arv) {
    GErrorSlot error;
    return arv_camera_is_software_trigger_supported(arv, error) != FALSE && !error.failed();
  });
}

SoftwareTrigger::SoftwareTrigger(AravisCamera& camera) : camera_(camera) {
  camera_.With([this](ArvCamera* arv) {
    try {
      GErrorSlot error;
      if (arv_camera_is_feature_available(arv, "TriggerSelector", error) != FALSE) {
        Set(arv, "TriggerSelector", "FrameStart");
      }
      // Some cameras take another source only while the trigger is off.
      Set(arv, "TriggerMode", "Off");
      Set(arv, "TriggerSource", "Software");
      Set(arv, "TriggerMode", "On");
    } catch (const Error&) {
      Restore(arv);
      throw;
    }
  });
}

SoftwareTrigger::~SoftwareTrigger() {
  try {
    camera_.With([this](ArvCamera* arv) { Restore(arv); });
  } catch (const Error&) {
    // It is gone, and its settings with it.
  }
}

void SoftwareTrigger::Set(ArvCamera* camera, const char* feature, const char* value) {
  GErrorSlot error;
  const std::string before = TextOf(arv_camera_get_string(camera, feature, error));
  error.Check(feature);
  arv_camera_set_string(camera, feature, value, error);
  error.Check(feature);
  before_.emplace_back(feature, before);
}

void SoftwareTrigger::Restore(ArvCamera* camera) noexcept {
  for (const auto& [feature, value] : std::views::reverse(before_)) {
    GErrorSlot ignored;
    arv_camera_set_string(camera, feature.c_str(), value.c_str(), ignored);
  }
}

void SoftwareTrigger::Fire() {
  camera_.With([](ArvCamera* arv) {
    GErrorSlot error;
    arv_camera_software_trigger(arv, error);
    error.Check("the software trigger");
  });
}

}  // namespace grabfs
