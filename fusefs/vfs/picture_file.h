// SPDX-License-Identifier: Apache-2.0
//
// An open frame as a picture: frames.pnm/, frames.tiff/, frames.npy/. The picture is made at the
// first read, and kept while the file is open or mapped. All who have it open share it, so that
// opening it often costs no memory.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "fusefs/base/mutex.h"
#include "fusefs/capture/held_frame.h"
#include "fusefs/picture/form.h"
#include "fusefs/vfs/device_use.h"
#include "fusefs/vfs/open_file.h"

namespace grabfs {

// The bytes of a picture; empty before the first read.
struct PictureContents {
  SlowMutex mutex;  // held while bytes are made, which never change afterwards; leaf
  Bytes bytes;
};

// The contents of all open pictures. Threads: any.
class OpenPictures {
 public:
  std::shared_ptr<PictureContents> Of(uint64_t inode);

 private:
  Mutex mutex_;  // guards contents_; leaf
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

  // A picture never changes while its inode lives.
  [[nodiscard]] bool uncached() const override { return false; }
  void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) override;

 private:
  const std::unique_ptr<DeviceUse> use_;
  const HeldFrame frame_;
  const PictureForm form_;
  const std::shared_ptr<PictureContents> contents_;
};

}  // namespace grabfs
