// SPDX-License-Identifier: Apache-2.0
//
// The camera's descriptors: USB Device Class Definition for Video Devices 1.1. A camera terminal, a
// processing unit and an output terminal; one stream, isochronous or bulk.
#pragma once

#include <cstdint>
#include <string>

#include "tests/vm/guest/uvc/usbip.h"

namespace grabfs::vm {

enum UvcInterface : uint8_t { kUvcControl = 0, kUvcStreaming = 1 };
enum UvcEntity : uint8_t { kUvcCameraTerminal = 1, kUvcProcessingUnit = 2, kUvcOutputTerminal = 3 };
// Selectors of the processing unit.
enum UvcSelector : uint8_t {
  kUvcBrightness = 0x02,
  kUvcContrast = 0x03,
  kUvcPowerLineFrequency = 0x05
};

// An isochronous packet of one transaction in a microframe, and one of three.
inline constexpr uint32_t kUvcPacketBytes = 1024;
inline constexpr uint32_t kUvcMaxPacketBytes = 3 * kUvcPacketBytes;
// A bulk payload: what uvcvideo takes in one request.
inline constexpr uint32_t kUvcBulkBytes = 32 * 512;

inline constexpr uint8_t kUvcProductString = 1;
inline constexpr uint8_t kUvcSerialString = 2;

Bytes UvcDeviceDescriptor(bool has_serial);
Bytes UvcConfigurationDescriptor(bool bulk);
Bytes UsbLanguageDescriptor();
Bytes UsbStringDescriptor(const std::string& ascii);

}  // namespace grabfs::vm
