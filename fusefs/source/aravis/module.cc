// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/module.h"

#include "fusefs/source/aravis/aravis.h"
#include "fusefs/source/aravis/camera.h"

namespace grabfs {
namespace {

std::vector<FoundCamera> FindCameras() {
  std::vector<FoundCamera> cameras;
  for (const AravisIdentity& camera : FindAravisCameras()) {
    cameras.push_back({"aravis:" + camera.id, camera.vendor + " " + camera.model +
                                                  ", serial number " + camera.serial + ", " +
                                                  camera.protocol + ", " + camera.address});
  }
  return cameras;
}

}  // namespace
}  // namespace grabfs

GRABFS_SOURCE_MODULE("aravis:CAMERA", grabfs::MakeAravis, grabfs::FindCameras);
