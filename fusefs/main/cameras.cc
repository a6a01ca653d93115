// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/cameras.h"

#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/main/node_watch.h"
#include "fusefs/source/grabdma/grabdma.h"
#include "fusefs/source/loadable.h"
#include "fusefs/source/v4l2/device.h"
#include "fusefs/source/v4l2/port.h"

namespace grabfs {
namespace {

constexpr char kDevices[] = "/dev";

// Names come from devices, and a line is one line.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return text;
}

// Nodes that cannot be opened, or capture nothing, are no cameras of this user.
void AddV4l2(std::vector<FoundCamera>& cameras) {
  for (const auto& [number, node] : ListNodes(kDevices, "video")) {
    try {
      const V4l2Device device(node, OpenV4l2Port(node));
      cameras.push_back({"v4l2:" + node, device.card() + ", " + device.bus()});
    } catch (const Error&) {
      continue;
    }
  }
}

void AddGrabdma(std::vector<FoundCamera>& cameras) {
  for (const auto& [number, node] : ListNodes(kDevices, "grabdma")) {
    try {
      cameras.push_back({"grabdma:" + node, "frame grabber, " + GrabdmaBus(node)});
    } catch (const Error&) {
      continue;
    }
  }
}

}  // namespace

std::string ListCameras(const std::string& source_path) {
  std::vector<FoundCamera> cameras;
  AddV4l2(cameras);
  AddGrabdma(cameras);
  for (FoundCamera& camera : FindLoadableCameras(source_path)) cameras.push_back(std::move(camera));
  std::string text;
  for (const FoundCamera& camera : cameras) {
    text += OneLine(camera.source) + '\t' + OneLine(camera.description) + '\n';
  }
  return text;
}

}  // namespace grabfs
