// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/uvc/usb_device.h"

#include <linux/usb/ch9.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace grabfs::vm {
namespace {

// How often an endpoint whose data have to come yet is looked at.
constexpr int kLookMs = 5;

Setup Parse(const std::array<uint8_t, 8>& bytes) {
  const auto word = [&](size_t at) {
    return static_cast<uint16_t>(bytes[at] | bytes[at + 1] << 8);
  };
  return {
      .type = bytes[0], .request = bytes[1], .value = word(2), .index = word(4), .length = word(6)};
}

bool IsStandard(const Setup& setup) { return (setup.type & USB_TYPE_MASK) == USB_TYPE_STANDARD; }

}  // namespace

UsbDevice::UsbDevice(UsbFunction& function, unsigned port)
    : function_(function), port_(port), host_(port), thread_([this] { Serve(); }) {}

UsbDevice::~UsbDevice() {
  host_.Pull();
  thread_.join();
  UsbIp::WaitUntilFree(port_);
}

void UsbDevice::Serve() {
  for (;;) {
    FillQueue();
    pollfd polled = {host_.fd(), POLLIN, 0};
    if (::poll(&polled, 1, queue_.empty() ? -1 : kLookMs) <= 0) continue;
    auto request = host_.Read();
    if (!request) return;
    std::visit([this](auto& one) { Do(std::move(one)); }, *request);
  }
}

void UsbDevice::FillQueue() {
  while (!queue_.empty()) {
    const auto answer = function_.Fill(queue_.front());
    if (!answer) return;
    host_.Complete(queue_.front(), *answer);
    queue_.pop_front();
  }
}

void UsbDevice::Do(Urb urb) {
  newest_ = urb.seqnum;
  const auto early = std::ranges::find(early_, urb.seqnum, &Unlink::victim);
  if (early != early_.end()) {
    host_.Complete(*early, true);
    early_.erase(early);
  } else if (urb.endpoint != 0) {
    queue_.push_back(std::move(urb));
  } else {
    host_.Complete(urb, Control(urb));
  }
}

// vhci_hcd may send it before the request itself, and takes the answer only afterwards.
void UsbDevice::Do(const Unlink& unlink) {
  if (unlink.victim > newest_) {
    early_.push_back(unlink);
    return;
  }
  const auto erased =
      std::erase_if(queue_, [&](const Urb& urb) { return urb.seqnum == unlink.victim; });
  host_.Complete(unlink, erased > 0);
}

Answer UsbDevice::Control(const Urb& urb) {
  const Setup setup = Parse(urb.setup);
  if (!urb.in) return {.status = Write(setup, urb.data) ? 0 : -EPIPE};
  auto data = Read(setup);
  if (!data) return {.status = -EPIPE};
  data->resize(std::min<size_t>(data->size(), setup.length));
  return {.data = std::move(*data)};
}

std::optional<Bytes> UsbDevice::Read(const Setup& setup) {
  if (!IsStandard(setup)) return function_.Get(setup);
  switch (setup.request) {
    case USB_REQ_GET_DESCRIPTOR:
      return function_.Descriptor(static_cast<uint8_t>(setup.value >> 8),
                                  static_cast<uint8_t>(setup.value));
    case USB_REQ_GET_STATUS:
      return Bytes{0, 0};
    default:
      return std::nullopt;
  }
}

bool UsbDevice::Write(const Setup& setup, const Bytes& data) {
  if (!IsStandard(setup)) return function_.Set(setup, data);
  switch (setup.request) {
    case USB_REQ_SET_INTERFACE:
    case USB_REQ_CLEAR_FEATURE:
      function_.Restart();
      return true;
    case USB_REQ_SET_CONFIGURATION:
    case USB_REQ_SET_FEATURE:
      return true;
    default:
      return false;
  }
}

}  // namespace grabfs::vm
