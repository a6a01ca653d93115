// SPDX-License-Identifier: Apache-2.0
//
// A frame in a form that other programs open by themselves: frames.pnm/, frames.tiff/, frames.npy/.
// The file is made when it is first read, and kept with its frame while it is open or mapped: once
// for all who have it open, so that opening it often costs no memory.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "fusefs/capture/held_frame.h"
#include "fusefs/picture/form.h"
#include "fusefs/vfs/files.h"

namespace grabfs {

// What is in a picture; empty before the first read.
struct PictureContents {
  std::mutex mutex;  // guards the making of bytes, which stay as they are then; leaf
  Bytes bytes;
};

// The contents of all pictures that are open. For any thread.
class OpenPictures {
 public:
  std::shared_ptr<PictureContents> Of(uint64_t inode);

 private:
  std::mutex mutex_;  // guards contents_; leaf
  std::map<uint64_t, std::weak_ptr<PictureContents>> contents_;
};

class PictureFile : public OpenFile {
 public:
  PictureFile(std::unique_ptr<DeviceUse> use, HeldFrame frame, PictureForm form,
              std::shared_ptr<PictureContents> contents)
      : use_(std::move(use)),
        frame_(std::move(frame)),
        form_(form),
        contents_(std::move(contents)) {}

  // A frame's pictures never change while its inode lives.
  [[nodiscard]] bool uncached() const override { return false; }
  void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) override;

 private:
  const std::unique_ptr<DeviceUse> use_;
  const HeldFrame frame_;
  const PictureForm form_;
  const std::shared_ptr<PictureContents> contents_;
};

}  // namespace grabfs
