// SPDX-License-Identifier: Apache-2.0
//
// All kinds of files, by their numbers.
#pragma once

#include "fusefs/vfs/kinds/kind.h"

namespace grabfs {

namespace kinds {
#define GRABFS_KIND(name) const Kind& name();
#include "fusefs/vfs/kinds/kinds.inc"
#undef GRABFS_KIND
}  // namespace kinds

// Throws Error(ESTALE) for a number that is no kind.
const Kind& KindOf(NodeKind kind);

// The names in a device's directory: one table for lookup, listing and the link count.
struct DeviceName {
  std::string name;
  NodeKind kind;
  uint64_t index;  // the row among the names of its kind
};
const std::vector<DeviceName>& DeviceNames();
// The same of its .live/.
const std::vector<DeviceName>& LiveNames();

// A directory with the names of such a table, as far as the device has their files.
class NamesKind : public DirectoryKind {
 public:
  using Rows = const std::vector<DeviceName>& (*)();
  explicit constexpr NamesKind(Rows rows) : rows_(rows) {}

  [[nodiscard]] Entry Lookup(const Place& place, const std::string& name) const override;
  // The offset of a name is its row, whether it is there or not.
  void List(const Place& place, uint64_t offset, const Emit& emit) const override;

 protected:
  ~NamesKind() = default;

 private:
  const Rows rows_;
};

}  // namespace grabfs
