// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/picture_file.h"

#include <cstdint>
#include <span>

namespace grabfs {

std::shared_ptr<PictureContents> OpenPictures::Of(uint64_t inode) {
  const std::lock_guard lock(mutex_);
  std::erase_if(contents_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<PictureContents>& known = contents_[inode];
  auto contents = known.lock();
  if (!contents) known = contents = std::make_shared<PictureContents>();
  return contents;
}

void PictureFile::Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) {
  // A reference of its own: the file may be released as soon as the reply is sent.
  const auto contents = contents_;
  {
    const std::lock_guard lock(contents->mutex);
    if (contents->bytes.empty()) {
      const auto bytes = frame_.bytes();
      const auto* const pixels = reinterpret_cast<const uint8_t*>(bytes.data());
      contents->bytes = EncodePicture(form_, frame_.format(), {pixels, bytes.size()});
    }
  }
  reply(Window(std::as_bytes(std::span(contents->bytes)), offset, size), nullptr);
}

}  // namespace grabfs
