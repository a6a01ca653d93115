// SPDX-License-Identifier: Apache-2.0
//
// libgrabfs for C++17: grabfs.h with owners. What each function does, and from which thread it may
// be called, is said there.
//
//     grabfs::Device camera("cam0");
//     while (auto frame = camera.Next()) look_at((*frame)->data, (*frame)->width);
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "grabfs/grabfs.h"

namespace grabfs {

// A frame that is held as long as this lives. Movable; may outlive its device, and end in any
// thread.
class Frame {
 public:
  explicit Frame(const grabfs_frame* frame) : frame_(frame) {}  // takes it over

  const grabfs_frame* operator->() const { return frame_.get(); }
  const grabfs_frame& operator*() const { return *frame_; }
  const unsigned char* data() const { return static_cast<const unsigned char*>(frame_->data); }
  std::size_t size() const { return static_cast<std::size_t>(frame_->bytes); }

 private:
  struct Release {
    void operator()(const grabfs_frame* frame) const { grabfs_release(frame); }
  };
  std::unique_ptr<const grabfs_frame, Release> frame_;
};

// Its functions throw std::system_error with the errno of grabfs.h in the generic category.
class Device {
 public:
  using Timeout = std::chrono::nanoseconds;
  static constexpr Timeout kForEver{GRABFS_FOR_EVER};

  // nullptr: the only device.
  explicit Device(const char* device = nullptr) {
    grabfs_device* opened = nullptr;
    Check(grabfs_open(device, &opened));
    device_.reset(opened);
  }
  explicit Device(const std::string& device) : Device(device.c_str()) {}

  // nullopt: no frame in time, or a signal handler ran, or Interrupt().
  std::optional<Frame> Newest(Timeout timeout = kForEver) { return Find(grabfs_newest, timeout); }
  std::optional<Frame> Next(Timeout timeout = kForEver) { return Find(grabfs_next, timeout); }
  std::optional<Frame> Each(Timeout timeout = kForEver) { return Find(grabfs_each, timeout); }
  void Interrupt() { grabfs_interrupt(get()); }  // by any thread
  void Seek(std::uint64_t sequence) { Check(grabfs_seek(get(), sequence)); }

  int hold_limit() const { return grabfs_hold_limit(get()); }
  int fd() { return Check(grabfs_fd(get())); }
  std::string path() const { return grabfs_path(get()); }
  std::string directory() const { return grabfs_directory(get()); }

  std::string Get(const std::string& name) {
    std::string text(256, '\0');
    for (;;) {
      const auto length =
          static_cast<std::size_t>(Check(grabfs_get(get(), name.c_str(), &text[0], text.size())));
      const bool fits = length < text.size();
      text.resize(fits ? length : length + 1);
      if (fits) return text;
    }
  }
  void Set(const std::string& name, const std::string& text) {
    Check(grabfs_set(get(), name.c_str(), text.c_str()));
  }
  std::int64_t GetNumber(const std::string& name) {
    std::int64_t number = 0;
    Check(grabfs_get_number(get(), name.c_str(), &number));
    return number;
  }
  void SetNumber(const std::string& name, std::int64_t number) {
    Check(grabfs_set_number(get(), name.c_str(), number));
  }
  void Capture(std::uint32_t frames) { Check(grabfs_capture(get(), frames)); }
  void Start() { Check(grabfs_start(get())); }
  void Stop() { Check(grabfs_stop(get())); }

  // For the functions of grabfs.h. Stays this object's.
  grabfs_device* get() const { return device_.get(); }

 private:
  struct Close {
    void operator()(grabfs_device* device) const { grabfs_close(device); }
  };

  static int Check(int result) {
    if (result >= 0) return result;
    throw std::system_error(-result, std::generic_category(), grabfs_reason());
  }

  template <typename Function>
  std::optional<Frame> Find(Function function, Timeout timeout) {
    const grabfs_frame* frame = nullptr;
    const int result = function(get(), timeout.count(), &frame);
    if (result == 0) return Frame(frame);
    const std::errc code{-result};
    if (code == std::errc::resource_unavailable_try_again || code == std::errc::timed_out ||
        code == std::errc::interrupted) {
      return std::nullopt;
    }
    Check(result);
    return std::nullopt;
  }

  std::unique_ptr<grabfs_device, Close> device_;
};

}  // namespace grabfs
