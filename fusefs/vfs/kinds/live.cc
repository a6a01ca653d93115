// SPDX-License-Identifier: Apache-2.0
//
// .live/: the files of a device that are read like pipes, events and stream.*. The directory is not
// listed, and in the device's directory there are links to its files: programs that walk through
// trees (cp -r, rg, find -type f, backups) pass by what never ends, while its path is as short as
// that of any file.
#include <string>

#include "fusefs/vfs/kinds/table.h"

namespace grabfs {
namespace {

constexpr const char* kLiveName = ".live";

class LiveDirKind final : public NamesKind {
 public:
  constexpr LiveDirKind() : NamesKind(LiveNames) {}

  [[nodiscard]] Names names() const override { return {kLiveName}; }
  [[nodiscard]] std::optional<Entry> Show(const Place& /*place*/) const override {
    return std::nullopt;
  }
};

class LiveLinkKind final : public Kind {
 public:
  [[nodiscard]] Attr Stat(const Place& place) const override {
    (void)place.node();  // ESTALE
    Attr attr = FileAttr(place, 0, Target(place).size(), kForever);
    attr.stat.st_mode = S_IFLNK | 0777;
    return attr;
  }
  // Stat() knows which there are.
  [[nodiscard]] bool IsPossible(const Place& /*place*/) const override { return true; }

  [[nodiscard]] std::string Target(const Place& place) const override {
    if (place.inode.index >= LiveNames().size()) ThrowStale();
    return std::string(kLiveName) + "/" + LiveNames()[place.inode.index].name;
  }
};

}  // namespace

const Kind& kinds::LiveDir() { return The<LiveDirKind>(); }
const Kind& kinds::LiveLink() { return The<LiveLinkKind>(); }

}  // namespace grabfs
