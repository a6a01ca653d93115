// SPDX-License-Identifier: Apache-2.0
//
// Pictures: frames.pnm/, latest.pnm and the same for the other forms: the frames of frames/,
// converted. Their names need no invalidation, because the kernel does not cache them.
#include "fusefs/vfs/kinds/frame.h"
#include "fusefs/vfs/kinds/table.h"
#include "fusefs/vfs/names.h"
#include "fusefs/vfs/picture_file.h"

namespace grabfs {
namespace {

// By the row in PictureForms().
PictureForm PictureFormOf(uint64_t row) {
  if (row >= PictureForms().size()) ThrowStale();
  return PictureForms()[row];
}

bool HasPicture(PictureForm form, const Pool& pool, const FrameInfo& info) {
  return CanShow(form, pool.format, info.bytes_used);
}

Attr PictureAttr(const Place& picture, const FrameFormat& format, const FrameInfo& info) {
  const PictureForm form = PictureFormOf(picture.inode.form());
  return FrameAttr(picture, info, PictureBytes(form, format, info.bytes_used));
}

// The picture of a frame; `place`: anything of its device.
Entry PictureEntry(const Place& place, uint64_t row, const Pool& pool, const FrameInfo& info) {
  const Place picture{place.mount, Inode::Picture(place.inode.device, row, info.sequence)};
  return {PictureAttr(picture, pool.format, info), kNotAtAll};
}

class PictureKind final : public KindWithFrame {
 public:
  [[nodiscard]] Names names() const override {
    Names all;
    for (const PictureForm form : PictureForms()) all.push_back(LatestName(PictureFormName(form)));
    return all;
  }

  [[nodiscard]] Entry Find(const Place& place) const override {
    const auto entry = EntryOf(place, FindNewest(place));
    if (!entry) ThrowNoSuchName(names()[place.inode.index]);
    return *entry;
  }

  [[nodiscard]] std::optional<Entry> Show(const Place& place) const override {
    return EntryOf(place, ShowNewest(place));
  }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    const auto [format, info] = GetFrame(place, place.inode.sequence());
    if (!CanShow(PictureFormOf(place.inode.form()), format, info.bytes_used)) ThrowStale();
    return PictureAttr(place, format, info);
  }
  // Stat() knows which there are.
  [[nodiscard]] bool IsPossible(const Place& /*place*/) const override { return true; }

  std::unique_ptr<OpenFile> Open(const Place& place, int flags) const override {
    if (Writes(flags)) throw Error(EACCES, "pictures are read-only");
    const NodePtr node = place.node();
    const PictureForm form = PictureFormOf(place.inode.form());
    FrameOpening opening = HoldForOpen(place, *node, place.inode.sequence());
    HeldFrame frame(std::move(opening.pool), opening.frame, std::move(opening.share));
    return std::make_unique<PictureFile>(Use(place, node), std::move(frame), form,
                                         place.mount.open_pictures.Of(place.inode.number()));
  }

  [[nodiscard]] std::optional<FormatAndInfo> FrameIn(const Place& place) const override {
    return FindFrame(place, place.inode.sequence());
  }

 private:
  // `place`: of the name latest.*.
  static std::optional<Entry> EntryOf(const Place& place,
                                      const std::optional<NewestFrame>& newest) {
    const PictureForm form = PictureFormOf(place.inode.index);
    if (!newest || !HasPicture(form, *newest->pool, newest->info)) return std::nullopt;
    return PictureEntry(place, place.inode.index, *newest->pool, newest->info);
  }
};

class PicturesDirKind final : public DirectoryKind {
 public:
  [[nodiscard]] Content content() const override { return Content::kPictures; }
  [[nodiscard]] Names names() const override {
    Names all;
    for (const PictureForm form : PictureForms()) {
      all.push_back(PicturesName(PictureFormName(form)));
    }
    return all;
  }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    Attr attr = FramesDirAttr(place, *place.node());
    attr.timeout = kNotAtAll;
    return attr;
  }

  [[nodiscard]] Entry Lookup(const Place& place, const std::string& name) const override {
    const PictureForm form = PictureFormOf(place.inode.index);
    const auto sequence = ParseFrameName(name, PictureFormName(form));
    const auto pool = place.node()->device->pool();
    const auto frame = sequence ? pool->ring.NextFrom(*sequence) : std::nullopt;
    if (!frame || frame->info.sequence != *sequence || !HasPicture(form, *pool, frame->info)) {
      ThrowNoSuchName(name);
    }
    return PictureEntry(place, place.inode.index, *pool, frame->info);
  }

  void List(const Place& place, uint64_t offset, const Emit& emit) const override {
    const PictureForm form = PictureFormOf(place.inode.index);
    const auto pool = place.node()->device->pool();
    for (auto frame = pool->ring.NextFrom(offset); frame;
         frame = pool->ring.NextFrom(frame->info.sequence + 1)) {
      const FrameInfo& info = frame->info;
      if (!HasPicture(form, *pool, info)) continue;
      const Entry entry = PictureEntry(place, place.inode.index, *pool, info);
      if (!emit(FrameName(info.sequence, PictureFormName(form)), entry, info.sequence + 1)) return;
    }
  }
};

}  // namespace

const Kind& kinds::Picture() { return The<PictureKind>(); }

const Kind& kinds::PicturesDir() { return The<PicturesDirKind>(); }

}  // namespace grabfs
