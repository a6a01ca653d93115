// SPDX-License-Identifier: Apache-2.0
//
// One GigE Vision or USB3 Vision camera that this process controls: found by name, and used by one
// thread at a time, because Aravis does not lock a camera's features. It notices by itself that the
// camera is gone.
//
// Threads: any.
#pragma once

#include <arv.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/mutex.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/source/aravis/glib.h"

namespace grabfs {

// What a camera says of itself when cameras are looked for.
struct AravisIdentity {
  std::string id = {};  // as Aravis makes it: vendor, model and serial number
  std::string vendor = {};
  std::string model = {};
  std::string serial = {};
  std::string address = {};   // IP address, or "USB3"
  std::string physical = {};  // MAC address, or GUID
  std::string protocol = {};  // "GigEVision", "USB3Vision", "Fake"
};

// The cameras that answer now. Asks on all networks of the machine, which takes about a second.
std::vector<AravisIdentity> FindAravisCameras();

class AravisCamera {
 public:
  // `name`: an id, a serial number, an address or a MAC address; empty: the first that is found.
  // "Fake_1" is Aravis' own camera without hardware. Throws Error: ENODEV when none has this name,
  // EBUSY when another program controls it.
  explicit AravisCamera(const std::string& name);
  ~AravisCamera();
  AravisCamera(const AravisCamera&) = delete;
  AravisCamera& operator=(const AravisCamera&) = delete;

  [[nodiscard]] const AravisIdentity& identity() const { return identity_; }
  [[nodiscard]] bool gone() const { return gone_; }
  // Eventfd; becomes readable when the camera is gone, and when its stream has something.
  [[nodiscard]] int event_fd() const { return event_.get(); }
  // Makes it unreadable. What is looked at afterwards is not missed.
  void ClearEvent();

  // While it streams, features that change what a frame is cannot be written.
  void SetStreaming(bool streaming) { streaming_ = streaming; }
  [[nodiscard]] bool streaming() const { return streaming_; }

  // Runs `use` with the camera, while no other thread uses it. Throws Error(ENODEV) when it is
  // gone.
  template <typename Use>
  auto With(Use&& use) {
    const std::lock_guard lock(mutex_);
    RequirePresent();
    return use(camera_.get());
  }

 private:
  static void OnControlLost(ArvDevice* device, gpointer self);
  void RequirePresent() const;

  UniqueFd event_;
  AravisIdentity identity_;
  SlowMutex mutex_;  // a question to a camera takes a millisecond, or seconds when it has gone
  GOwned<ArvCamera> camera_;
  gulong signal_ = 0;
  std::atomic<bool> gone_ = false;
  std::atomic<bool> streaming_ = false;
};

}  // namespace grabfs
