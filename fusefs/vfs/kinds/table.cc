// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/kinds/table.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace grabfs {
namespace {

constexpr size_t kCount = static_cast<size_t>(NodeKind::kEnd);

constexpr auto kKinds = std::to_array<const Kind& (*)()>({
#define GRABFS_KIND(name) kinds::name,
#include "fusefs/vfs/kinds/kinds.inc"
#undef GRABFS_KIND
});
static_assert(kKinds.size() == kCount);
static_assert(kKinds[static_cast<size_t>(NodeKind::kRoot)] == kinds::Root);

struct Tables {
  std::vector<DeviceName> device;
  std::vector<DeviceName> live;
};

Tables MakeTables() {
  Tables tables;
  for (size_t number = 0; number < kCount; ++number) {
    const Kind& kind = kKinds[number]();
    uint64_t index = 0;
    for (const std::string& name : kind.names()) {
      const DeviceName row{name, static_cast<NodeKind>(number), index++};
      if (kind.endless()) {
        tables.device.push_back({name, NodeKind::kLiveLink, tables.live.size()});
        tables.live.push_back(row);
      } else {
        tables.device.push_back(row);
      }
    }
  }
  return tables;
}

const Tables& AllTables() {
  static const Tables kTables = MakeTables();
  return kTables;
}

}  // namespace

const Kind& KindOf(NodeKind kind) {
  if (kind >= NodeKind::kEnd) ThrowStale();
  return kKinds[static_cast<size_t>(kind)]();
}

const Kind& Place::kind() const { return KindOf(inode.kind); }

const std::vector<DeviceName>& DeviceNames() { return AllTables().device; }

const std::vector<DeviceName>& LiveNames() { return AllTables().live; }

Entry NamesKind::Lookup(const Place& place, const std::string& name) const {
  const NodePtr node = place.node();
  const auto row = std::ranges::find(rows_(), name, &DeviceName::name);
  if (row == rows_().end()) ThrowNoSuchName(name);
  const Kind& kind = KindOf(row->kind);
  if (!kind.IsOn(*node->device)) ThrowNoSuchName(name);
  return kind.Find(place.Other(row->kind, row->index));
}

void NamesKind::List(const Place& place, uint64_t offset, const Emit& emit) const {
  const NodePtr node = place.node();
  for (uint64_t i = offset; i < rows_().size(); ++i) {
    const DeviceName& row = rows_()[i];
    const Kind& kind = KindOf(row.kind);
    if (!kind.IsOn(*node->device)) continue;
    const auto entry = kind.Show(place.Other(row.kind, row.index));
    if (entry && !emit(row.name, *entry, i + 1)) return;
  }
}

}  // namespace grabfs
