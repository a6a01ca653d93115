// SPDX-License-Identifier: Apache-2.0
//
// A USB camera without hardware, for the kernel's own uvcvideo driver. Its pictures are known in
// every byte (uvc_mode.h), and it can be told to have every fault.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "tests/vm/guest/uvc/usb_device.h"
#include "tests/vm/guest/uvc/uvc_descriptors.h"
#include "tests/vm/guest/uvc/uvc_mode.h"

struct uvc_streaming_control;

namespace grabfs::vm {

class UvcCamera final : private UsbFunction {
 public:
  struct Model {
    std::string serial{};  // empty: it has none
    bool bulk = false;     // instead of isochronous
  };
  enum class Fault {
    kErrorBit,  // the camera says that the picture is damaged
    kShort      // the last part of it is lost on the way
  };

  explicit UvcCamera(Model model);
  ~UvcCamera() override = default;

  // Returns when the driver has made the node. Throws Error.
  void Plug(unsigned port = 0);
  // Pulls the cable; returns when the driver has noticed. Throws Error.
  void Unplug();
  // For pictures, while it is plugged in: /dev/videoN.
  [[nodiscard]] std::string node() const;

  // The next `pictures` have it.
  void Spoil(Fault fault, unsigned pictures);
  [[nodiscard]] std::set<uint32_t> spoiled() const;
  // No pictures, until Resume().
  void Pause() { SetPaused(true); }
  void Resume() { SetPaused(false); }

  // What the host has set.
  [[nodiscard]] int Control(UvcSelector selector) const;
  [[nodiscard]] uint32_t interval() const;  // 100 ns
  // The number of the next picture: it rises with each, in all streams together.
  [[nodiscard]] uint32_t next() const;
  // To recognize its pictures by.
  [[nodiscard]] UvcPictures Pictures(UvcFormat format, const UvcSize& size) const;

 private:
  using Clock = std::chrono::steady_clock;

  // A control of the processing unit.
  struct Level {
    uint16_t bytes;
    int minimum;
    int maximum;
    int initial;
    int now;
  };
  // A picture on its way.
  struct Sending {
    Bytes picture;
    size_t sent = 0;
    bool error = false;
  };

  std::optional<Bytes> Descriptor(uint8_t type, uint8_t index) override;
  std::optional<Bytes> Get(const Setup& setup) override;
  bool Set(const Setup& setup, const Bytes& data) override;
  void Restart() override;
  std::optional<Answer> Fill(const Urb& urb) override;

  [[nodiscard]] std::optional<Bytes> GetLevel(const Setup& setup) const;
  bool SetLevel(const Setup& setup, const Bytes& data);
  [[nodiscard]] std::optional<Bytes> GetStream(const Setup& setup) const;
  bool SetStream(const Setup& setup, const Bytes& data);
  bool Begin();
  uint32_t Pay(Bytes& to, uint32_t room);
  void SetPaused(bool paused);

  const Model model_;
  mutable std::mutex mutex_;
  std::map<uint8_t, Level> levels_;
  Bytes probe_;   // what is being negotiated
  Bytes commit_;  // what has been agreed upon
  std::optional<Sending> sending_;
  uint8_t frame_id_ = 0;  // alternates between 0 and 1
  uint32_t next_ = 0;
  Clock::time_point due_{};  // of the next picture
  bool paused_ = false;
  std::map<Fault, unsigned> faults_;  // pictures that will have it
  std::set<uint32_t> spoiled_;
  unsigned port_ = 0;
  std::optional<UsbDevice> device_;  // while plugged in; last, because its thread uses the others
};

}  // namespace grabfs::vm
