// SPDX-License-Identifier: Apache-2.0
//
// stream.raw and stream.y4m: frame after frame for ever. stream_file.h makes the bytes.
#include "fusefs/vfs/kinds/frame.h"
#include "fusefs/vfs/kinds/table.h"
#include "fusefs/vfs/stream_file.h"

namespace grabfs {
namespace {

class StreamKind final : public Kind {
 public:
  [[nodiscard]] bool endless() const override { return true; }
  [[nodiscard]] bool limited() const override { return true; }
  [[nodiscard]] Content content() const override { return Content::kPictures; }

  [[nodiscard]] Names names() const override {
    Names all;
    for (const StreamForm& form : StreamForms()) all.emplace_back(form.name);
    return all;
  }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    (void)place.node();  // ESTALE
    return FileAttr(place, 0444, 0);
  }

  std::unique_ptr<OpenFile> Open(const Place& place, int flags) const override {
    const NodePtr node = place.node();
    if (place.inode.index >= StreamForms().size()) ThrowStale();
    const StreamForm& form = StreamForms()[place.inode.index];
    RequireReading(flags, form.name);
    Device& device = *node->device;
    const auto permit = [&device, may = PermitFor(place)](const auto& pool, uint64_t sequence) {
      return Noting(device, [&] { return may(pool, sequence); });
    };
    return Noting(device, [&] {
      return std::make_unique<StreamFile>(Use(place, node), form, place.caller.pid, permit);
    });
  }
};

}  // namespace

const Kind& kinds::Stream() { return The<StreamKind>(); }

}  // namespace grabfs
