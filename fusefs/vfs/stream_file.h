// SPDX-License-Identifier: Apache-2.0
//
// The stream files of a device: frame after frame as one sequence of bytes, each open with a place
// of its own. A read gets what is left of the frame that is being read, or waits for the next.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "fusefs/base/task_thread.h"
#include "fusefs/capture/frame_streams.h"
#include "fusefs/vfs/files.h"

namespace grabfs {

// One of the stream files.
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
  // `tasks` carries out what waits for a frame; it outlives this. Throws Error: EOPNOTSUPP when the
  // form cannot carry the device's format or the device makes no frames, ENODEV when it is gone.
  StreamFile(std::unique_ptr<DeviceUse> use, const StreamForm& form, int64_t pid,
             FrameStreams::Permit permit, TaskThread* tasks);
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
