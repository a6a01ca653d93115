// SPDX-License-Identifier: Apache-2.0
//
// status.json, of a device and of the mount.
#include "fusefs/vfs/status.h"

#include "fusefs/vfs/kinds/table.h"
#include "fusefs/vfs/names.h"
#include "fusefs/vfs/text_file.h"

namespace grabfs {
namespace {

DeviceReport ReportOf(const Mount& mount, const DeviceNode& node) {
  return ReportOf(*node.device, mount.pages_in_flight.DataPathOf(node));
}

MountReport ReportOf(const Mount& mount) {
  const alloc::Quota::Usage alloc = mount.store.quota().Total();
  MountReport report{.mountpoint = mount.options.mountpoint,
                     .path = mount.pages_in_flight.data_path(),
                     .alloc_files = alloc.files,
                     .alloc_bytes = alloc.bytes,
                     .alloc_limits = mount.store.quota().limits(),
                     .devices = {}};
  for (const NodePtr& node : mount.devices.All()) report.devices.push_back(ReportOf(mount, *node));
  return report;
}

// `node`: null for the mount.
std::shared_ptr<const std::string> TextOf(Mount& mount, DeviceNode* node) {
  if (node == nullptr) return mount.status.Of(ReportOf(mount));
  return node->status.Of(ReportOf(mount, *node));
}

NodePtr NodeOf(const Place& place) {
  return place.inode.device == kMountItself ? nullptr : place.node();
}

class StatusKind final : public Kind {
 public:
  [[nodiscard]] bool limited() const override { return true; }

  [[nodiscard]] Names names() const override { return {std::string(kStatusName)}; }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    return FileAttr(place, 0444, TextOf(place.mount, NodeOf(place).get())->size());
  }

  [[nodiscard]] bool IsPossible(const Place& place) const override {
    return place.inode.number() == kRootStatusInode || Kind::IsPossible(place);
  }

  std::unique_ptr<OpenFile> Open(const Place& place, int flags) const override {
    RequireReading(flags, kStatusName);
    const NodePtr node = NodeOf(place);
    return std::make_unique<TextFile>(
        node ? Use(place, node) : nullptr,
        [&mount = place.mount, node] { return *TextOf(mount, node.get()); }, nullptr);
  }
};

}  // namespace

const Kind& kinds::Status() { return The<StatusKind>(); }

}  // namespace grabfs
