// SPDX-License-Identifier: Apache-2.0
//
// frames.pnm/ and its like, and latest.pnm and its like: the frames of frames/ in other forms. They
// have no names of their own that would have to be withdrawn: the kernel asks for each again.
#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "fusefs/vfs/file_system.h"
#include "fusefs/vfs/file_system_common.h"
#include "fusefs/vfs/names.h"
#include "fusefs/vfs/picture_file.h"

namespace grabfs {
namespace {

// Pictures are made of whole frames of a format that is understood.
bool HasPictures(const Pool& pool, const FrameInfo& info) {
  return CanShow(pool.format) && info.bytes_used == pool.format.bytes;
}

}  // namespace

std::optional<Entry> FileSystem::LookupLatestPicture(const NodePtr& node, const std::string& name,
                                                     pid_t caller) {
  for (const PictureForm form : PictureForms()) {
    if (name != LatestName(PictureFormName(form))) continue;
    const auto newest = Newest(node, caller);
    const auto pool = node->device->pool();
    if (!newest || !HasPictures(*pool, newest->info)) ThrowNoSuchName(name);
    return PictureEntry(*node, *pool, form, newest->info);
  }
  return std::nullopt;
}

Entry FileSystem::LookupPicture(const NodePtr& node, PictureForm form, const std::string& name) {
  const auto sequence = ParseFrameName(name, PictureFormName(form));
  const auto pool = node->device->pool();
  const auto frame = sequence ? pool->ring.NextFrom(*sequence) : std::nullopt;
  if (!frame || frame->info.sequence != *sequence || !HasPictures(*pool, frame->info)) {
    ThrowNoSuchName(name);
  }
  return PictureEntry(*node, *pool, form, frame->info);
}

Entry FileSystem::PictureEntry(const DeviceNode& node, const Pool& pool, PictureForm form,
                               const FrameInfo& info) const {
  const uint64_t inode =
      Inode::Picture(node.number, static_cast<uint32_t>(form), info.sequence).number();
  return {PictureAttr(inode, form, pool.format, info), kNotAtAll};
}

Attr FileSystem::PictureAttr(uint64_t inode, PictureForm form, const FrameFormat& format,
                             const FrameInfo& info) const {
  FrameInfo picture = info;
  picture.bytes_used = PictureBytes(form, format);
  return FrameAttr(inode, picture);
}

void FileSystem::ReadLatest(const NodePtr& node, uint64_t next, uint64_t offset, const Emit& emit) {
  const auto pool = node->device->pool();
  const auto newest = pool->ring.Newest();
  if (!newest) return;
  const FrameInfo& info = newest->info;
  if (offset <= next && !emit(LatestName(kRaw), LatestEntry(*node, info), next + 1)) return;
  if (!HasPictures(*pool, info)) return;
  for (const PictureForm form : PictureForms()) {
    ++next;
    const std::string name = LatestName(PictureFormName(form));
    if (offset <= next && !emit(name, PictureEntry(*node, *pool, form, info), next + 1)) return;
  }
}

void FileSystem::ReadPicturesDir(const NodePtr& node, PictureForm form, uint64_t offset,
                                 const Emit& emit) {
  const auto pool = node->device->pool();
  for (auto frame = pool->ring.NextFrom(offset); frame;
       frame = pool->ring.NextFrom(frame->info.sequence + 1)) {
    const FrameInfo& info = frame->info;
    if (!HasPictures(*pool, info)) continue;
    const std::string name = FrameName(info.sequence, PictureFormName(form));
    if (!emit(name, PictureEntry(*node, *pool, form, info), info.sequence + 1)) return;
  }
}

std::unique_ptr<OpenFile> FileSystem::OpenPicture(const NodePtr& node, const Inode& inode,
                                                  int flags, const Caller& caller) {
  if ((flags & O_ACCMODE) != O_RDONLY) throw Error(EACCES, "pictures are read-only");
  Opening opening = HoldForOpen(node, inode.sequence(), caller);
  HeldFrame frame(std::move(opening.pool), opening.frame, std::move(opening.share));
  return std::make_unique<PictureFile>(Use(node), std::move(frame),
                                       static_cast<PictureForm>(inode.form()),
                                       open_pictures_.Of(inode.number()));
}

}  // namespace grabfs
