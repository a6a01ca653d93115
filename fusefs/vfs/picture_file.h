// SPDX-License-Identifier: Apache-2.0
//
// A frame in a form that other programs open by themselves: frames.pnm/, frames.tiff/, frames.npy/.
// The file is made when it is first read, and kept with its frame while it is open or mapped.
#pragma once

#include <memory>
#include <mutex>

#include "fusefs/capture/held_frame.h"
#include "fusefs/picture/form.h"
#include "fusefs/vfs/files.h"

namespace grabfs {

class PictureFile : public OpenFile {
 public:
  PictureFile(std::unique_ptr<DeviceUse> use, HeldFrame frame, PictureForm form)
      : use_(std::move(use)), frame_(std::move(frame)), form_(form) {}

  // A frame's pictures never change while its inode lives.
  [[nodiscard]] bool uncached() const override { return false; }
  void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) override;

 private:
  const std::unique_ptr<DeviceUse> use_;
  const HeldFrame frame_;
  const PictureForm form_;
  std::mutex mutex_;  // guards the making of file_, which stays as it is then; before Ring's
  Bytes file_;
};

}  // namespace grabfs
