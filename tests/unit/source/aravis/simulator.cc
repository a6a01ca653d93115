// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/source/aravis/simulator.h"

#include <stdexcept>

namespace grabfs {

Simulator::Simulator(double lost) : camera_(arv_gv_fake_camera_new("127.0.0.1", kSerial)) {
  if (arv_gv_fake_camera_is_running(camera_.get()) == FALSE) {
    throw std::runtime_error("the simulator does not run");
  }
  g_object_set(camera_.get(), "gvsp-lost-ratio", lost, nullptr);
}

uint32_t Simulator::Register(uint32_t address) const {
  uint32_t value = 0;
  arv_fake_camera_read_register(arv_gv_fake_camera_get_fake_camera(camera_.get()), address, &value);
  return value;
}

void Simulator::SetRegister(uint32_t address, uint32_t value) {
  arv_fake_camera_write_register(arv_gv_fake_camera_get_fake_camera(camera_.get()), address, value);
}

// The registers of the trigger FrameStart.
void Simulator::WaitForTriggers() {
  SetRegister(ARV_FAKE_CAMERA_REGISTER_TRIGGER_SOURCE, 1);  // software
  SetRegister(ARV_FAKE_CAMERA_REGISTER_TRIGGER_MODE, 1);
  arv_fake_camera_set_trigger_frequency(arv_gv_fake_camera_get_fake_camera(camera_.get()), 500);
}

void Simulator::Trigger() { SetRegister(ARV_FAKE_CAMERA_REGISTER_TRIGGER_SOFTWARE, 1); }

bool IsDiagonalRamp(const uint8_t* bytes, uint32_t width, uint32_t height) {
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) {
      if (bytes[size_t{y} * width + x] != (bytes[0] + x + y) % 255) return false;
    }
  }
  return true;
}

}  // namespace grabfs
