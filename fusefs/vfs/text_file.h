// SPDX-License-Identifier: Apache-2.0
//
// An open text file. As in sysfs, a read from its beginning prints the text anew, and each write(2)
// is a command.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "fusefs/base/mutex.h"
#include "fusefs/vfs/device_use.h"
#include "fusefs/vfs/open_file.h"

namespace grabfs {

class TextFile : public OpenFile {
 public:
  using Print = std::function<std::string()>;
  using OnWrite = std::function<void(std::string_view text, Device::Done done)>;

  // `use`: its device, may be null. `on_write`: null for a read-only file.
  TextFile(std::unique_ptr<DeviceUse> use, Print print, OnWrite on_write);

  [[nodiscard]] bool uncached() const override { return true; }
  void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) override;
  void Write(uint64_t offset, std::span<const std::byte> data, bool writeback,
             WriteReply reply) override;

 private:
  const std::unique_ptr<DeviceUse> use_;
  const Print print_;
  const OnWrite on_write_;
  SlowMutex mutex_;  // guards text_; leaf
  std::string text_;
};

}  // namespace grabfs
