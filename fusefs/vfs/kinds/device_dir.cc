// SPDX-License-Identifier: Apache-2.0
//
// The directory of a device. Each kind of file says itself which names it has there.
#include <algorithm>

#include "fusefs/vfs/kinds/table.h"

namespace grabfs {
namespace {

class DeviceDirKind final : public NamesKind {
 public:
  constexpr DeviceDirKind() : NamesKind(DeviceNames) {}

  [[nodiscard]] Attr Stat(const Place& place) const override {
    const NodePtr node = place.node();
    return DirAttr(place, std::ranges::count_if(DeviceNames(), [&](const DeviceName& row) {
                     const Kind& kind = KindOf(row.kind);
                     return kind.directory() && kind.IsOn(*node->device) &&
                            kind.Show(place.Other(row.kind, row.index));
                   }));
  }

  [[nodiscard]] Place Parent(const Place& place) const override {
    return {place.mount, Inode::Decode(kRootInode), place.caller};
  }
};

}  // namespace

const Kind& kinds::DeviceDir() { return The<DeviceDirKind>(); }

}  // namespace grabfs
