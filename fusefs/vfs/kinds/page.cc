// SPDX-License-Identifier: Apache-2.0
//
// index.html: the devices as a page, for any web server that is pointed at the mount. It never
// changes; what it shows, it reads from status.json and the frames.
#include "fusefs/vfs/kinds/page_html.h"
#include "fusefs/vfs/kinds/table.h"
#include "fusefs/vfs/names.h"
#include "fusefs/vfs/text_file.h"

namespace grabfs {
namespace {

class PageKind final : public Kind {
 public:
  [[nodiscard]] bool limited() const override { return true; }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    return FileAttr(place, 0444, kPageHtml.size());
  }

  [[nodiscard]] bool IsPossible(const Place& place) const override {
    return place.inode.device == kMountItself && place.inode.index == 0;
  }

  std::unique_ptr<OpenFile> Open(const Place& /*place*/, int flags) const override {
    RequireReading(flags, kPageName);
    return std::make_unique<TextFile>(
        nullptr, [] { return std::string(kPageHtml); }, nullptr);
  }
};

}  // namespace

const Kind& kinds::Page() { return The<PageKind>(); }

}  // namespace grabfs
