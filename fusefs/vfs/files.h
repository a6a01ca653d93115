// SPDX-License-Identifier: Apache-2.0
//
// The kinds of open files: a frame, a live buffer, an event stream, a text.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "fusefs/capture/event_log.h"
#include "fusefs/ring/ring.h"
#include "fusefs/vfs/attributes.h"
#include "fusefs/vfs/device_node.h"
#include "fusefs/vfs/hold_limit.h"
#include "fusefs/vfs/open_file.h"

namespace grabfs {

// Keeps a device in the mount while a file of it is open. `on_last` runs when the last one closes.
class DeviceUse {
 public:
  DeviceUse(std::shared_ptr<DeviceNode> node, std::function<void(const DeviceNode&)> on_last)
      : node_(std::move(node)), on_last_(std::move(on_last)) {
    ++node_->open_files;
  }
  ~DeviceUse() {
    if (--node_->open_files == 0) on_last_(*node_);
  }
  DeviceUse(const DeviceUse&) = delete;
  DeviceUse& operator=(const DeviceUse&) = delete;

  [[nodiscard]] Device& device() const { return *node_->device; }

 private:
  const std::shared_ptr<DeviceNode> node_;
  const std::function<void(const DeviceNode&)> on_last_;
};

// The part of `bytes` that a read at `offset` of `size` bytes gets.
std::span<const std::byte> Window(std::span<const std::byte> bytes, uint64_t offset, size_t size);

// One complete frame. Takes over a hold on its slot and ends it.
class FrameFile : public OpenFile {
 public:
  // `share`: what the frame counts for the user who opens it; may be null.
  FrameFile(std::unique_ptr<DeviceUse> use, std::shared_ptr<Pool> pool, const Ring::Frame& frame,
            std::unique_ptr<HoldLimit::Share> share, std::function<void()> on_suspect);
  ~FrameFile() override;

  [[nodiscard]] bool uncached() const override { return false; }
  [[nodiscard]] const Backing* backing() const override;
  void UsesBackingDirectly() override { direct_ = true; }
  void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) override;

 private:
  const std::unique_ptr<DeviceUse> use_;
  const std::shared_ptr<Pool> pool_;
  const uint32_t slot_;
  const Backing backing_;
  const uint64_t bytes_used_;
  const std::unique_ptr<HoldLimit::Share> share_;
  const std::function<void()> on_suspect_;
  bool direct_ = false;
};

// The memory of a buffer, live: holds nothing.
class BufferFile : public OpenFile {
 public:
  BufferFile(std::unique_ptr<DeviceUse> use, std::shared_ptr<Pool> pool, uint32_t slot);

  [[nodiscard]] bool uncached() const override { return false; }
  // With passthrough, msync() goes to the memory and never comes here: that will do only where the
  // memory itself tells the device.
  [[nodiscard]] const Backing* backing() const override {
    const Device& device = use_->device();
    return !device.output() || device.sees_writes() ? &backing_ : nullptr;
  }
  void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) override;
  void Write(uint64_t offset, std::span<const std::byte> data, bool writeback,
             WriteReply reply) override;
  void Sync(SyncReply reply) override;

 private:
  const std::unique_ptr<DeviceUse> use_;
  const std::shared_ptr<Pool> pool_;
  const uint32_t slot_;
  const Backing backing_;
};

class EventsFile : public OpenFile {
 public:
  explicit EventsFile(std::unique_ptr<DeviceUse> use);
  ~EventsFile() override { reader_->CancelRead(); }

  [[nodiscard]] bool uncached() const override { return true; }
  [[nodiscard]] bool seekable() const override { return false; }
  void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) override;
  bool CancelRead() override { return reader_->CancelRead(); }
  bool Readable(std::function<void()> wake) override;

 private:
  const std::unique_ptr<DeviceUse> use_;
  const std::shared_ptr<EventReader> reader_;
};

// A text made when it is read from its beginning, as in sysfs; writing, where allowed, orders.
class TextFile : public OpenFile {
 public:
  using Print = std::function<std::string()>;
  using Order = std::function<void(std::string_view text, Device::Done done)>;

  // `use`: of the device it belongs to, may be null. `order`: null for a read-only text.
  TextFile(std::unique_ptr<DeviceUse> use, Print print, Order order);

  [[nodiscard]] bool uncached() const override { return true; }
  void Read(uint64_t offset, size_t size, bool wait, ReadReply reply) override;
  void Write(uint64_t offset, std::span<const std::byte> data, bool writeback,
             WriteReply reply) override;

 private:
  const std::unique_ptr<DeviceUse> use_;
  const Print print_;
  const Order order_;
  std::mutex mutex_;  // guards text_; leaf
  std::string text_;
};

}  // namespace grabfs
