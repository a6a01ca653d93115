// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/uvc/uvc_descriptors.h"

#include <linux/usb/ch9.h>
#include <linux/usb/video.h>

#include <string_view>

#include "tests/vm/guest/uvc/uvc_mode.h"

namespace grabfs::vm {
namespace {

constexpr uint16_t kUvcVersion = 0x0110;
constexpr uint32_t kClockHz = 48'000'000;
constexpr uint8_t kEndpoint = USB_DIR_IN | 1;
constexpr uint8_t kVideoInterfaceCollection = 3;

// A descriptor, or several; its length is known at the end.
class Writer {
 public:
  explicit Writer(uint8_t type) : bytes_{0, type} {}

  Writer& U8(uint32_t value) { return Little(value, 1); }
  Writer& U16(uint32_t value) { return Little(value, 2); }
  Writer& U32(uint32_t value) { return Little(value, 4); }
  Writer& Add(const Bytes& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  [[nodiscard]] Bytes Done() const {
    Bytes done = bytes_;
    done[0] = static_cast<uint8_t>(done.size());
    return done;
  }

 private:
  Writer& Little(uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) bytes_.push_back(static_cast<uint8_t>(value >> 8 * i));
    return *this;
  }

  Bytes bytes_;
};

Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// In front of descriptors that together have a length of their own: `head` bytes with it at `at`.
Bytes WithTotal(Bytes head, size_t at, const Bytes& rest) {
  head.insert(head.end(), rest.begin(), rest.end());
  head[at] = static_cast<uint8_t>(head.size());
  head[at + 1] = static_cast<uint8_t>(head.size() >> 8);
  return head;
}

Bytes Interface(uint8_t number, uint8_t alternate, uint8_t endpoints, uint8_t subclass) {
  return Writer(USB_DT_INTERFACE)
      .U8(number)
      .U8(alternate)
      .U8(endpoints)
      .U8(USB_CLASS_VIDEO)
      .U8(subclass)
      .U8(0)
      .U8(0)
      .Done();
}

Bytes Endpoint(uint8_t type, uint16_t packet) {
  const uint8_t interval = (type & USB_ENDPOINT_XFERTYPE_MASK) == USB_ENDPOINT_XFER_ISOC ? 1 : 0;
  return Writer(USB_DT_ENDPOINT).U8(kEndpoint).U8(type).U16(packet).U8(interval).Done();
}

// --- Video control

Bytes ControlHeader() {
  return Writer(USB_DT_CS_INTERFACE)
      .U8(UVC_VC_HEADER)
      .U16(kUvcVersion)
      .U16(0)
      .U32(kClockHz)
      .U8(1)
      .U8(kUvcStreaming)
      .Done();
}

Bytes CameraTerminal() {
  constexpr uint32_t kControls = 0;
  return Writer(USB_DT_CS_INTERFACE)
      .U8(UVC_VC_INPUT_TERMINAL)
      .U8(kUvcCameraTerminal)
      .U16(UVC_ITT_CAMERA)
      .U8(0)
      .U8(0)
      .U16(0)
      .U16(0)
      .U16(0)
      .U8(2)
      .U16(kControls)
      .Done();
}

Bytes ProcessingUnit() {
  constexpr uint32_t kControls = 1 << 0 | 1 << 1 | 1 << 10;  // brightness, contrast, power line
  return Writer(USB_DT_CS_INTERFACE)
      .U8(UVC_VC_PROCESSING_UNIT)
      .U8(kUvcProcessingUnit)
      .U8(kUvcCameraTerminal)
      .U16(0)
      .U8(2)
      .U16(kControls)
      .U8(0)
      .U8(0)
      .Done();
}

Bytes OutputTerminal() {
  return Writer(USB_DT_CS_INTERFACE)
      .U8(UVC_VC_OUTPUT_TERMINAL)
      .U8(kUvcOutputTerminal)
      .U16(UVC_TT_STREAMING)
      .U8(0)
      .U8(kUvcProcessingUnit)
      .U8(0)
      .Done();
}

Bytes Control() {
  return Join({Interface(kUvcControl, 0, 0, UVC_SC_VIDEOCONTROL),
               WithTotal(ControlHeader(), 5,
                         Join({CameraTerminal(), ProcessingUnit(), OutputTerminal()}))});
}

// --- Video streaming

Bytes InputHeader() {
  return Writer(USB_DT_CS_INTERFACE)
      .U8(UVC_VS_INPUT_HEADER)
      .U8(static_cast<uint32_t>(kLastUvcFormat))  // formats
      .U16(0)
      .U8(kEndpoint)
      .U8(0)
      .U8(kUvcOutputTerminal)
      .U8(0)
      .U8(0)
      .U8(0)
      .U8(1)  // controls of each format: one byte
      .U8(0)
      .U8(0)
      .U8(0)
      .Done();
}

// A format that has a fourcc, as DirectShow has it.
Bytes Guid(std::string_view fourcc) {
  Bytes guid(fourcc.begin(), fourcc.end());
  const Bytes rest = {0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};
  guid.insert(guid.end(), rest.begin(), rest.end());
  return guid;
}

Bytes FormatYuyv() {
  constexpr uint8_t kBitsPerPixel = 16;
  return Writer(USB_DT_CS_INTERFACE)
      .U8(UVC_VS_FORMAT_UNCOMPRESSED)
      .U8(static_cast<uint8_t>(UvcFormat::kYuyv))
      .U8(static_cast<uint32_t>(UvcSizes().size()))
      .Add(Guid("YUY2"))
      .U8(kBitsPerPixel)
      .U8(1)
      .U8(0)
      .U8(0)
      .U8(0)
      .U8(0)
      .Done();
}

Bytes FormatMjpg() {
  return Writer(USB_DT_CS_INTERFACE)
      .U8(UVC_VS_FORMAT_MJPEG)
      .U8(static_cast<uint8_t>(UvcFormat::kMjpg))
      .U8(static_cast<uint32_t>(UvcSizes().size()))
      .U8(0)
      .U8(1)
      .U8(0)
      .U8(0)
      .U8(0)
      .U8(0)
      .Done();
}

Bytes FormatH264() {
  return Writer(USB_DT_CS_INTERFACE)
      .U8(UVC_VS_FORMAT_FRAME_BASED)
      .U8(static_cast<uint8_t>(UvcFormat::kH264))
      .U8(static_cast<uint32_t>(UvcSizes().size()))
      .Add(Guid("H264"))
      .U8(0)
      .U8(1)
      .U8(0)
      .U8(0)
      .U8(0)
      .U8(0)
      .U8(1)  // of variable size
      .Done();
}

uint8_t FrameType(UvcFormat format) {
  switch (format) {
    case UvcFormat::kYuyv:
      return UVC_VS_FRAME_UNCOMPRESSED;
    case UvcFormat::kMjpg:
      return UVC_VS_FRAME_MJPEG;
    case UvcFormat::kH264:
      return UVC_VS_FRAME_FRAME_BASED;
  }
  return UVC_VS_UNDEFINED;
}

Bytes Frame(UvcFormat format, uint8_t index, const UvcSize& size) {
  const uint32_t bytes = UvcMaxBytes(format, size);
  Writer frame(USB_DT_CS_INTERFACE);
  frame.U8(FrameType(format))
      .U8(index)
      .U8(0)
      .U16(size.width)
      .U16(size.height)
      .U32(bytes * 8 * size.rates.back())
      .U32(bytes * 8 * size.rates.front());
  if (format != UvcFormat::kH264) frame.U32(bytes);
  frame.U32(UvcInterval(size.rates.front())).U8(static_cast<uint32_t>(size.rates.size()));
  if (format == UvcFormat::kH264) frame.U32(0);  // bytes in a line
  for (const uint32_t rate : size.rates) frame.U32(UvcInterval(rate));
  return frame.Done();
}

Bytes Frames(UvcFormat format) {
  Bytes frames;
  uint8_t index = 0;
  for (const UvcSize& size : UvcSizes()) frames = Join({frames, Frame(format, ++index, size)});
  return frames;
}

// sRGB, BT.709, SMPTE 170M.
Bytes Colors() {
  return Writer(USB_DT_CS_INTERFACE).U8(UVC_VS_COLORFORMAT).U8(1).U8(1).U8(4).Done();
}

// Only at its end is it known how long the header and what follows are together.
Bytes Formats() {
  return WithTotal(
      InputHeader(), 4,
      Join({FormatYuyv(), Frames(UvcFormat::kYuyv), Colors(), FormatMjpg(),
            Frames(UvcFormat::kMjpg), Colors(), FormatH264(), Frames(UvcFormat::kH264), Colors()}));
}

Bytes Streaming(bool bulk) {
  if (bulk) {
    return Join({Interface(kUvcStreaming, 0, 1, UVC_SC_VIDEOSTREAMING), Formats(),
                 Endpoint(USB_ENDPOINT_XFER_BULK, 512)});
  }
  constexpr uint8_t kIsochronous = USB_ENDPOINT_XFER_ISOC | USB_ENDPOINT_SYNC_ASYNC;
  constexpr uint16_t kThreeTransactions = 2 << 11;
  return Join({Interface(kUvcStreaming, 0, 0, UVC_SC_VIDEOSTREAMING), Formats(),
               Interface(kUvcStreaming, 1, 1, UVC_SC_VIDEOSTREAMING),
               Endpoint(kIsochronous, kUvcPacketBytes),
               Interface(kUvcStreaming, 2, 1, UVC_SC_VIDEOSTREAMING),
               Endpoint(kIsochronous, kThreeTransactions | kUvcPacketBytes)});
}

Bytes Association() {
  return Writer(USB_DT_INTERFACE_ASSOCIATION)
      .U8(kUvcControl)
      .U8(2)
      .U8(USB_CLASS_VIDEO)
      .U8(kVideoInterfaceCollection)
      .U8(0)
      .U8(0)
      .Done();
}

}  // namespace

Bytes UvcDeviceDescriptor(bool has_serial) {
  constexpr uint16_t kVendor = 0x1209;  // pid.codes; product 0x0001 is for tests
  constexpr uint16_t kProduct = 0x0001;
  return Writer(USB_DT_DEVICE)
      .U16(0x0200)
      .U8(USB_CLASS_MISC)
      .U8(2)
      .U8(1)
      .U8(64)
      .U16(kVendor)
      .U16(kProduct)
      .U16(0x0100)
      .U8(0)
      .U8(kUvcProductString)
      .U8(has_serial ? kUvcSerialString : 0)
      .U8(1)
      .Done();
}

Bytes UvcConfigurationDescriptor(bool bulk) {
  constexpr uint8_t kBusPowered = 0x80;
  constexpr uint8_t kHalfAnAmpere = 250;
  const Bytes head =
      Writer(USB_DT_CONFIG).U16(0).U8(2).U8(1).U8(0).U8(kBusPowered).U8(kHalfAnAmpere).Done();
  return WithTotal(head, 2, Join({Association(), Control(), Streaming(bulk)}));
}

Bytes UsbLanguageDescriptor() {
  constexpr uint16_t kEnglish = 0x0409;
  return Writer(USB_DT_STRING).U16(kEnglish).Done();
}

Bytes UsbStringDescriptor(const std::string& ascii) {
  Writer text(USB_DT_STRING);
  for (const char letter : ascii) text.U16(static_cast<uint8_t>(letter));
  return text.Done();
}

}  // namespace grabfs::vm
