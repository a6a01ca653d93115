// SPDX-License-Identifier: Apache-2.0
//
// A USB device in a thread: its standard requests, and the queue of its one streaming endpoint.
// What it is a device of, a UsbFunction says.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include "tests/vm/guest/uvc/usbip.h"

namespace grabfs::vm {

// Chapter 9 of the USB specification.
struct Setup {
  uint8_t type = 0;
  uint8_t request = 0;
  uint16_t value = 0;
  uint16_t index = 0;
  uint16_t length = 0;
};

// Called in the device's thread.
class UsbFunction {
 public:
  UsbFunction() = default;
  UsbFunction(const UsbFunction&) = delete;
  UsbFunction& operator=(const UsbFunction&) = delete;
  virtual ~UsbFunction() = default;

  // nullopt here and below: there is none, and the request is stalled.
  virtual std::optional<Bytes> Descriptor(uint8_t type, uint8_t index) = 0;
  // Requests of the class, to read and to write.
  virtual std::optional<Bytes> Get(const Setup& setup) = 0;
  virtual bool Set(const Setup& setup, const Bytes& data) = 0;
  // The host has done something to the endpoint that ends a transfer which had begun.
  virtual void Restart() = 0;
  // The data for the endpoint's next request; nullopt: not yet.
  virtual std::optional<Answer> Fill(const Urb& urb) = 0;
};

class UsbDevice {
 public:
  // The function outlives it.
  UsbDevice(UsbFunction& function, unsigned port);
  // Pulled out; returns when the host has noticed.
  ~UsbDevice();
  UsbDevice(const UsbDevice&) = delete;
  UsbDevice& operator=(const UsbDevice&) = delete;

 private:
  void Serve();
  void FillQueue();
  void Do(Urb urb);
  void Do(const Unlink& unlink);
  Answer Control(const Urb& urb);
  std::optional<Bytes> Read(const Setup& setup);
  bool Write(const Setup& setup, const Bytes& data);

  UsbFunction& function_;
  const unsigned port_;
  UsbIp host_;
  std::deque<Urb> queue_;      // of the endpoint
  uint32_t newest_ = 0;        // the seqnum of the newest request
  std::vector<Unlink> early_;  // of requests that have yet to come
  std::thread thread_;
};

}  // namespace grabfs::vm
