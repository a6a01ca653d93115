// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/picture_file.h"

#include <cstdint>
#include <span>

namespace grabfs {

void PictureFile::Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) {
  {
    const std::lock_guard lock(mutex_);
    if (file_.empty()) {
      const auto bytes = frame_.bytes();
      const auto* const pixels = reinterpret_cast<const uint8_t*>(bytes.data());
      file_ = EncodePicture(form_, frame_.format(), {pixels, bytes.size()});
    }
  }
  reply(Window(std::as_bytes(std::span(file_)), offset, size), nullptr);
}

}  // namespace grabfs
