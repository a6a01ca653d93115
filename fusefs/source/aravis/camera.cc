// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/camera.h"

#include <arpa/inet.h>
#include <sys/eventfd.h>

#include <algorithm>

namespace grabfs {
namespace {

// Aravis' camera without hardware, for who asks for it.
constexpr char kFakeInterface[] = "Fake";
constexpr char kFakeCamera[] = "Fake_1";

std::string Labels(const std::vector<AravisIdentity>& cameras) {
  std::string text;
  for (const AravisIdentity& camera : cameras) {
    text += (text.empty() ? "" : ", ") + camera.id + " (serial " + camera.serial + ", " +
            camera.address + ")";
  }
  return text.empty() ? "no camera answers" : "there are " + text;
}

bool IsNameOf(const std::string& name, const AravisIdentity& camera) {
  return name == camera.id || name == camera.serial || name == camera.address ||
         name == camera.physical;
}

bool IsAddress(const std::string& name) {
  in_addr ignored{};
  return ::inet_pton(AF_INET, name.c_str(), &ignored) == 1;
}

AravisIdentity Find(const std::string& name) {
  if (name == kFakeCamera) {
    arv_enable_interface(kFakeInterface);
    return {.id = name, .vendor = "Aravis", .model = "Fake", .serial = "1", .protocol = "Fake"};
  }
  const std::vector<AravisIdentity> cameras = FindAravisCameras();
  const auto found = name.empty()
                         ? cameras.begin()
                         : std::ranges::find_if(cameras, [&](const AravisIdentity& camera) {
                             return IsNameOf(name, camera);
                           });
  if (found != cameras.end()) return *found;
  // Behind a router it does not answer to everybody, but to its own address it does.
  if (IsAddress(name)) return {.id = name, .address = name, .protocol = "GigEVision"};
  throw Error(ENODEV, "aravis:" + name + ": " + Labels(cameras));
}

}  // namespace

std::vector<AravisIdentity> FindAravisCameras() {
  arv_update_device_list();
  std::vector<AravisIdentity> cameras;
  for (unsigned i = 0; i < arv_get_n_devices(); ++i) {
    cameras.push_back({.id = TextOf(arv_get_device_id(i)),
                       .vendor = TextOf(arv_get_device_vendor(i)),
                       .model = TextOf(arv_get_device_model(i)),
                       .serial = TextOf(arv_get_device_serial_nbr(i)),
                       .address = TextOf(arv_get_device_address(i)),
                       .physical = TextOf(arv_get_device_physical_id(i)),
                       .protocol = TextOf(arv_get_device_protocol(i))});
  }
  return cameras;
}

AravisCamera::AravisCamera(const std::string& name)
    : event_(CheckSyscall(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      identity_(Find(name)) {
  const std::string what = "aravis:" + identity_.id;
  GErrorSlot error;
  camera_.reset(arv_camera_new(identity_.id.c_str(), error));
  error.Check(what);
  if (!camera_) throw Error(ENODEV, what + ": the camera cannot be opened");
  ArvDevice* const device = arv_camera_get_device(camera_.get());
  if (ARV_IS_GV_DEVICE(device) && arv_gv_device_is_controller(ARV_GV_DEVICE(device)) == FALSE) {
    throw Error(EBUSY, what + ": another program controls the camera");
  }
  signal_ = g_signal_connect(device, "control-lost", G_CALLBACK(OnControlLost), this);
}

AravisCamera::~AravisCamera() {
  if (!camera_) return;
  g_signal_handler_disconnect(arv_camera_get_device(camera_.get()), signal_);
  // Joins the heartbeat thread, which may be in OnControlLost(): first, while all else is there.
  camera_.reset();
}

// In Aravis' heartbeat thread.
void AravisCamera::OnControlLost(ArvDevice* /*device*/, gpointer self) {
  auto* const camera = static_cast<AravisCamera*>(self);
  camera->gone_ = true;
  (void)eventfd_write(camera->event_.get(), 1);
}

void AravisCamera::ClearEvent() {
  eventfd_t ignored = 0;
  (void)eventfd_read(event_.get(), &ignored);
}

void AravisCamera::RequirePresent() const {
  if (gone_) throw Error(ENODEV, "aravis:" + identity_.id + ": the camera is gone");
}

}  // namespace grabfs
