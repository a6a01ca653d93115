// SPDX-License-Identifier: Apache-2.0
//
// The stream files of a device: frame after frame as one sequence of bytes; each open file has a
// position of its own. A read returns the rest of the present frame, or waits for the next.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "fusefs/capture/frame_streams.h"
#include "fusefs/vfs/device_use.h"
#include "fusefs/vfs/open_file.h"

namespace grabfs {

// A row for each stream file.
struct StreamForm {
  std::string_view name;
  FrameStreams::Mode mode;
  bool y4m;
};

// In the order of readdir().
std::span<const StreamForm> StreamForms();

class StreamReader;

class StreamFile : public OpenFile {
 public:
  // Throws Error: EOPNOTSUPP if the form cannot represent the device's format, or if it is an
  // output device; ENODEV if the device is gone.
  StreamFile(std::unique_ptr<DeviceUse> use, const StreamForm& form, int64_t pid,
             FrameStreams::Permit permit);
  ~StreamFile() override;

  [[nodiscard]] bool uncached() const override { return true; }
  [[nodiscard]] bool seekable() const override { return false; }
  void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) override;
  bool CancelRead() override;
  bool Readable(std::function<void()> wake) override;

 private:
  const std::shared_ptr<StreamReader> reader_;
};

}  // namespace grabfs
