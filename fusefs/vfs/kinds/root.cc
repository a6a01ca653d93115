// SPDX-License-Identifier: Apache-2.0
//
// The root directory of the mount: a directory for each device, alloc/, status.json and index.html.
#include <algorithm>
#include <array>

#include "fusefs/vfs/kinds/table.h"
#include "fusefs/vfs/names.h"

namespace grabfs {
namespace {

struct FixedName {
  std::string_view name;
  NodeKind kind;
  double timeout;
};
constexpr std::array kFixed = {FixedName{kStatusName, NodeKind::kStatus, kForever},
                               FixedName{kPageName, NodeKind::kPage, kForever},
                               FixedName{kAllocName, NodeKind::kAllocDir, kNotAtAll}};

Entry EntryOf(const Place& place, double timeout) { return {place.kind().Stat(place), timeout}; }

Entry EntryOf(const Place& root, const NodePtr& node) {
  return EntryOf({root.mount, node->Of(NodeKind::kDeviceDir)}, kBriefly);
}

class RootKind final : public DirectoryKind {
 public:
  [[nodiscard]] Attr Stat(const Place& place) const override {
    return DirAttr(place, place.mount.devices.All().size() + 1);  // alloc/
  }

  [[nodiscard]] bool IsPossible(const Place& place) const override {
    return place.inode.number() == kRootInode;
  }
  [[nodiscard]] Place Parent(const Place& place) const override { return place; }

  [[nodiscard]] Entry Lookup(const Place& place, const std::string& name) const override {
    for (const FixedName& fixed : kFixed) {
      if (fixed.name == name) return EntryOf(place.Other(fixed.kind), fixed.timeout);
    }
    const NodePtr node = place.mount.devices.Named(name);
    if (!node) ThrowNoSuchName(name);
    return EntryOf(place, node);
  }

  [[nodiscard]] std::string XattrNames(const Place& /*place*/) const override {
    return std::string(kOptionsXattr) + '\0';
  }
  [[nodiscard]] std::optional<std::string> Xattr(const Place& place,
                                                 std::string_view name) const override {
    if (name != kOptionsXattr) return std::nullopt;
    return place.mount.options.options;
  }

  // A device has the offset of its number, which rises, so devices may come and go meanwhile.
  void List(const Place& place, uint64_t offset, const Emit& emit) const override {
    for (uint64_t i = offset; i < kFixed.size(); ++i) {
      const Entry entry = EntryOf(place.Other(kFixed[i].kind), kFixed[i].timeout);
      if (!emit(std::string(kFixed[i].name), entry, i + 1)) return;
    }
    auto nodes = place.mount.devices.All();
    std::ranges::sort(nodes, {}, [](const NodePtr& node) { return node->number; });
    for (const NodePtr& node : nodes) {
      const uint64_t next = node->number + kFixed.size();
      if (next > offset && !emit(node->device->name(), EntryOf(place, node), next)) return;
    }
  }
};

}  // namespace

const Kind& kinds::Root() { return The<RootKind>(); }

}  // namespace grabfs
