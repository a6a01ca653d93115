// SPDX-License-Identifier: Apache-2.0
//
// Aravis' simulator of a GigE Vision camera, on the loopback address.
#pragma once

#include <arv.h>

#include <cstdint>

#include "fusefs/source/aravis/glib.h"

namespace grabfs {

class Simulator {
 public:
  static constexpr char kSerial[] = "GV01";

  // `lost`: the part of its packets that it loses.
  explicit Simulator(double lost = 0);

  // It waits for triggers from now on, and makes a frame for each.
  void WaitForTriggers();
  // One frame, soon.
  void Trigger();
  [[nodiscard]] uint32_t Register(uint32_t address) const;
  void SetRegister(uint32_t address, uint32_t value);

 private:
  GOwned<ArvGvFakeCamera> camera_;
};

// Whether the bytes are a Mono8 picture that Aravis' cameras make: each pixel one more than its
// neighbours, from 0 again after 254.
bool IsDiagonalRamp(const uint8_t* bytes, uint32_t width, uint32_t height);

}  // namespace grabfs
