// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/uvc/uvc_camera.h"

#include <linux/usb/ch9.h>
#include <linux/usb/video.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <utility>

#include "fusefs/base/error.h"
#include "tests/vm/guest/device.h"

namespace grabfs::vm {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{30};
// In front of each payload: its length, and the bits.
constexpr uint32_t kHeaderBytes = 2;
constexpr uint8_t kInvalidRequest = 7;

// Values on the wire are little-endian, as this machine is.
template <typename T>
Bytes ToBytes(const T& value, size_t bytes = sizeof(T)) {
  Bytes result(bytes);
  std::memcpy(result.data(), &value, bytes);
  return result;
}

uvc_streaming_control ToStream(const Bytes& bytes) {
  uvc_streaming_control stream = {};
  std::memcpy(&stream, bytes.data(), std::min(bytes.size(), sizeof stream));
  return stream;
}

// What was asked for, as far as there is such a thing.
Bytes Negotiate(uvc_streaming_control wish, bool bulk) {
  const auto& sizes = UvcSizes();
  uvc_streaming_control stream = {};
  stream.bmHint = 1;
  stream.bFormatIndex =
      std::clamp<uint8_t>(wish.bFormatIndex, 1, static_cast<uint8_t>(kLastUvcFormat));
  stream.bFrameIndex = std::clamp<uint8_t>(wish.bFrameIndex, 1, static_cast<uint8_t>(sizes.size()));
  const UvcSize& size = sizes[stream.bFrameIndex - 1];
  stream.dwFrameInterval = UvcInterval(size.rates.front());
  for (const uint32_t rate : size.rates) {
    if (wish.dwFrameInterval >= UvcInterval(rate)) stream.dwFrameInterval = UvcInterval(rate);
  }
  stream.dwMaxVideoFrameSize = UvcMaxBytes(static_cast<UvcFormat>(stream.bFormatIndex), size);
  const bool small = &size == &sizes.back();
  stream.dwMaxPayloadTransferSize = bulk    ? kUvcBulkBytes
                                    : small ? kUvcPacketBytes
                                            : kUvcMaxPacketBytes;
  return ToBytes(stream);
}

// The video node of the device at a port: the first that its driver has made, since the second is
// for metadata.
std::optional<std::string> FindNode(unsigned port) {
  const std::string place = std::to_string(port + 1);
  for (const auto& entry : fs::directory_iterator("/sys/class/video4linux")) {
    try {
      const fs::path interface = fs::canonical(entry.path() / "device");
      if (interface.string().find("/vhci_hcd.0/") == std::string::npos) continue;
      if (ReadText(interface.parent_path() / "devpath") != place + "\n") continue;
      if (ReadText(entry.path() / "index") != "0\n") continue;
    } catch (const std::exception&) {
      continue;  // It is coming, or going.
    }
    const std::string node = "/dev/" + entry.path().filename().string();
    if (fs::exists(node)) return node;
  }
  return std::nullopt;
}

}  // namespace

UvcCamera::UvcCamera(Model model)
    : model_(std::move(model)),
      levels_{{kUvcBrightness, {2, -64, 64, 0, 0}},
              {kUvcContrast, {2, 0, 95, 32, 32}},
              {kUvcPowerLineFrequency, {1, 0, 2, 1, 1}}},
      probe_(Negotiate({}, model_.bulk)),
      commit_(probe_) {}

void UvcCamera::Plug(unsigned port) {
  UsbFunction& function = *this;
  port_ = port;
  device_.emplace(function, port);
  WaitUntil(
      "the camera's node", [port] { return FindNode(port).has_value(); }, kPatience);
}

void UvcCamera::Unplug() {
  if (!device_) return;
  device_.reset();
  WaitUntil(
      "the camera's node to go", [this] { return !FindNode(port_); }, kPatience);
}

std::string UvcCamera::node() const {
  const auto node = FindNode(port_);
  if (!node) throw Error(ENODEV, "the camera has no node");
  return *node;
}

void UvcCamera::Spoil(Fault fault, unsigned pictures) {
  const std::lock_guard lock(mutex_);
  faults_[fault] += pictures;
}

std::set<uint32_t> UvcCamera::spoiled() const {
  const std::lock_guard lock(mutex_);
  return spoiled_;
}

void UvcCamera::SetPaused(bool paused) {
  const std::lock_guard lock(mutex_);
  paused_ = paused;
}

int UvcCamera::Control(UvcSelector selector) const {
  const std::lock_guard lock(mutex_);
  return levels_.at(selector).now;
}

uint32_t UvcCamera::interval() const {
  const std::lock_guard lock(mutex_);
  return ToStream(commit_).dwFrameInterval;
}

uint32_t UvcCamera::next() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

UvcPictures UvcCamera::Pictures(UvcFormat format, const UvcSize& size) const {
  return {.camera = static_cast<uint32_t>(std::hash<std::string>()(model_.serial)),
          .format = format,
          .max_bytes = UvcMaxBytes(format, size)};
}

// --- Requests

std::optional<Bytes> UvcCamera::Descriptor(uint8_t type, uint8_t index) {
  if (type == USB_DT_DEVICE) return UvcDeviceDescriptor(!model_.serial.empty());
  if (type == USB_DT_CONFIG) return UvcConfigurationDescriptor(model_.bulk);
  if (type != USB_DT_STRING) return std::nullopt;
  if (index == 0) return UsbLanguageDescriptor();
  if (index == kUvcProductString) return UsbStringDescriptor("grabfs test camera");
  if (index == kUvcSerialString) return UsbStringDescriptor(model_.serial);
  return std::nullopt;
}

std::optional<Bytes> UvcCamera::Get(const Setup& setup) {
  const std::lock_guard lock(mutex_);
  const auto interface = static_cast<uint8_t>(setup.index);
  const auto entity = static_cast<uint8_t>(setup.index >> 8);
  if (interface == kUvcStreaming) return GetStream(setup);
  if (entity == kUvcProcessingUnit) return GetLevel(setup);
  if (entity == 0 && setup.value >> 8 == UVC_VC_REQUEST_ERROR_CODE_CONTROL) {
    return Bytes{kInvalidRequest};
  }
  return std::nullopt;
}

bool UvcCamera::Set(const Setup& setup, const Bytes& data) {
  const std::lock_guard lock(mutex_);
  if (static_cast<uint8_t>(setup.index) == kUvcStreaming) return SetStream(setup, data);
  return setup.index >> 8 == kUvcProcessingUnit && SetLevel(setup, data);
}

std::optional<Bytes> UvcCamera::GetLevel(const Setup& setup) const {
  const auto found = levels_.find(static_cast<uint8_t>(setup.value >> 8));
  if (found == levels_.end()) return std::nullopt;
  const Level& level = found->second;
  switch (setup.request) {
    case UVC_GET_CUR:
      return ToBytes(level.now, level.bytes);
    case UVC_GET_MIN:
      return ToBytes(level.minimum, level.bytes);
    case UVC_GET_MAX:
      return ToBytes(level.maximum, level.bytes);
    case UVC_GET_RES:
      return ToBytes(1, level.bytes);
    case UVC_GET_DEF:
      return ToBytes(level.initial, level.bytes);
    case UVC_GET_LEN:
      return ToBytes(level.bytes);
    case UVC_GET_INFO:
      return Bytes{UVC_CONTROL_CAP_GET | UVC_CONTROL_CAP_SET};
    default:
      return std::nullopt;
  }
}

bool UvcCamera::SetLevel(const Setup& setup, const Bytes& data) {
  const auto found = levels_.find(static_cast<uint8_t>(setup.value >> 8));
  if (found == levels_.end() || data.size() != found->second.bytes) return false;
  Level& level = found->second;
  const int value =
      data.size() == 1 ? data[0] : static_cast<int16_t>(data[0] | static_cast<int>(data[1]) << 8);
  if (value < level.minimum || value > level.maximum) return false;
  level.now = value;
  return true;
}

std::optional<Bytes> UvcCamera::GetStream(const Setup& setup) const {
  const bool commits = setup.value >> 8 == UVC_VS_COMMIT_CONTROL;
  if (!commits && setup.value >> 8 != UVC_VS_PROBE_CONTROL) return std::nullopt;
  switch (setup.request) {
    case UVC_GET_CUR:
      return commits ? commit_ : probe_;
    case UVC_GET_MIN:
    case UVC_GET_MAX:
    case UVC_GET_DEF:
      return Negotiate({}, model_.bulk);
    case UVC_GET_LEN:
      return ToBytes(static_cast<uint16_t>(probe_.size()));
    case UVC_GET_INFO:
      return Bytes{UVC_CONTROL_CAP_GET | UVC_CONTROL_CAP_SET};
    default:
      return std::nullopt;
  }
}

bool UvcCamera::SetStream(const Setup& setup, const Bytes& data) {
  const bool commits = setup.value >> 8 == UVC_VS_COMMIT_CONTROL;
  if (!commits && setup.value >> 8 != UVC_VS_PROBE_CONTROL) return false;
  probe_ = Negotiate(ToStream(data), model_.bulk);
  if (commits) commit_ = probe_;
  return true;
}

// --- Pictures

void UvcCamera::Restart() {
  const std::lock_guard lock(mutex_);
  sending_.reset();
}

// A request ends with a picture, so that the host need not wait for the next one. Between pictures
// there are no empty packets, which a real bus would have.
std::optional<Answer> UvcCamera::Fill(const Urb& urb) {
  const std::lock_guard lock(mutex_);
  if (!sending_ && !Begin()) return std::nullopt;
  Answer answer;
  answer.data.reserve(urb.length);
  if (urb.packets.empty()) {
    Pay(answer.data, urb.length);
    return answer;
  }
  const uint32_t most = ToStream(commit_).dwMaxPayloadTransferSize;
  for (const uint32_t room : urb.packets) {
    answer.packets.push_back(sending_ ? Pay(answer.data, std::min(room, most)) : 0);
  }
  return answer;
}

// Is there a picture to send?
bool UvcCamera::Begin() {
  const auto now = Clock::now();
  if (paused_ || now < due_) return false;
  const uvc_streaming_control stream = ToStream(commit_);
  due_ = std::max(due_ + std::chrono::nanoseconds(stream.dwFrameInterval * 100ULL), now);
  const uint32_t number = next_++;
  frame_id_ ^= UVC_STREAM_FID;
  sending_.emplace(Sending{.picture = Pictures(static_cast<UvcFormat>(stream.bFormatIndex),
                                               UvcSizes()[stream.bFrameIndex - 1])
                                          .Make(number)});
  for (auto& [fault, pictures] : faults_) {
    if (pictures == 0) continue;
    --pictures;
    spoiled_.insert(number);
    if (fault == Fault::kErrorBit) sending_->error = true;
    if (fault == Fault::kShort) sending_->picture.resize(sending_->picture.size() / 2);
  }
  return true;
}

// Appends one payload, at most `room` bytes with its header, and returns its size.
uint32_t UvcCamera::Pay(Bytes& to, uint32_t room) {
  const size_t left = sending_->picture.size() - sending_->sent;
  const size_t part = std::min<size_t>(left, room - kHeaderBytes);
  const bool last = part == left;
  to.push_back(kHeaderBytes);
  to.push_back(static_cast<uint8_t>(UVC_STREAM_EOH | frame_id_ | (last ? UVC_STREAM_EOF : 0) |
                                    (sending_->error ? UVC_STREAM_ERR : 0)));
  const auto begin = sending_->picture.begin() + static_cast<ptrdiff_t>(sending_->sent);
  to.insert(to.end(), begin, begin + static_cast<ptrdiff_t>(part));
  sending_->sent += part;
  if (last) sending_.reset();
  return static_cast<uint32_t>(kHeaderBytes + part);
}

}  // namespace grabfs::vm
