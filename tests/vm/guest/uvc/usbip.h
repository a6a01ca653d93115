// SPDX-License-Identifier: Apache-2.0
//
// A device's end of a cable into a port of vhci_hcd, the kernel's host controller without hardware:
// what the host asks of the device, and the answers. It knows the wire format of USB/IP
// (Documentation/usb/usbip_protocol.rst) and nothing of what the requests mean.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "fusefs/base/unique_fd.h"

namespace grabfs::vm {

using Bytes = std::vector<uint8_t>;

// One request for one endpoint.
struct Urb {
  uint32_t seqnum = 0;
  uint32_t endpoint = 0;
  bool in = false;      // towards the host
  uint32_t length = 0;  // of its buffer
  std::array<uint8_t, 8> setup{};
  Bytes data{};  // from the host
  // Isochronous: the size of each packet.
  std::vector<uint32_t> packets{};
};

struct Unlink {
  uint32_t seqnum = 0;
  uint32_t victim = 0;  // the seqnum of the Urb
};

// What a device has for an Urb.
struct Answer {
  int status = 0;  // negative errno
  Bytes data{};    // for the host, packet behind packet
  // Isochronous: the bytes in each packet.
  std::vector<uint32_t> packets{};
};

class UsbIp {
 public:
  // Plugs a high-speed device into a port, which must be free. Throws Error.
  explicit UsbIp(unsigned port);
  UsbIp(const UsbIp&) = delete;
  UsbIp& operator=(const UsbIp&) = delete;
  ~UsbIp() { Pull(); }

  // Readable when there is a request.
  [[nodiscard]] int fd() const { return socket_.get(); }
  // Waits for the next request; nullopt when the cable has been pulled.
  std::optional<std::variant<Urb, Unlink>> Read();
  // Answers go nowhere when the cable has been pulled.
  void Complete(const Urb& urb, const Answer& answer);
  // `found`: the victim had not been answered, and will not be.
  void Complete(const Unlink& unlink, bool found);

  // Pulls the cable; other threads may be reading. All requests are lost.
  void Pull() const;
  // Waits until the host has noticed, and the port is free again. Throws Error.
  static void WaitUntilFree(unsigned port);

 private:
  [[nodiscard]] bool Receive(std::span<uint8_t> bytes) const;
  void Send(const Bytes& bytes) const;

  UniqueFd socket_;
};

}  // namespace grabfs::vm
