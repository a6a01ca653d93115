// SPDX-License-Identifier: Apache-2.0
//
// Drives a source as a device does, with real memory and real waiting, and collects what it says.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/source/source.h"

namespace grabfs {

// The source that a command line would name.
inline std::unique_ptr<Source> MakeSourceFrom(const std::string& text) {
  SourceSpec spec = ParseSourceSpec(text);
  std::unique_ptr<Source> source = MakeSource(spec);
  EXPECT_TRUE(spec.options.empty()) << "not understood: " << spec.options.begin()->first;
  return source;
}

// The text of the Error that `action` throws, which must have this code; "" when it throws none.
inline std::string ErrorOf(int code, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "";
}

class Rig {
 public:
  explicit Rig(std::unique_ptr<Source> source, uint32_t buffers = 3)
      : source_(std::move(source)), count_(buffers) {
    Rebind();
  }
  explicit Rig(const std::string& text, uint32_t buffers = 3)
      : Rig(MakeSourceFrom(text), buffers) {}

  Source& operator*() { return *source_; }
  Source* operator->() { return source_.get(); }
  [[nodiscard]] const Memory& buffer(uint32_t index) const { return *buffers_[index]; }
  // Other pages for all buffers, none of which is queued.
  void RenewAll() {
    for (const auto& memory : buffers_) EXPECT_TRUE(memory->Renew());
  }

  // New buffers, after a change of format.
  void Rebind() {
    buffers_.clear();
    for (auto& memory : source_->AllocateBuffers("rig", count_)) {
      buffers_.push_back(std::move(memory));
    }
    source_->Bind(buffers_);
  }

  // Waits until the source asks to be looked at; false when it does not within the time.
  bool Wait(int milliseconds = 10000) {
    pollfd fd = {.fd = source_->event_fd(), .events = POLLIN, .revents = 0};
    return fd.fd < 0 || ::poll(&fd, 1, milliseconds) == 1;
  }

  // Waits for the next completion, giving buffers in turn (none when starving).
  Completion Next(bool starve = false) {
    for (;;) {
      if (auto completion = source_->Dequeue()) return *completion;
      if (source_->Wanted() > 0) {
        starve ? source_->Starve() : source_->Queue(next_++ % count_);
      } else if (!Wait()) {
        ADD_FAILURE() << "the source has nothing more to tell";
        return {};
      }
    }
  }

  std::vector<Completion> Take(size_t count) {
    std::vector<Completion> completions;
    while (completions.size() < count) completions.push_back(Next());
    return completions;
  }

 private:
  std::unique_ptr<Source> source_;
  uint32_t count_;
  uint32_t next_ = 0;
  std::vector<std::shared_ptr<Memory>> buffers_;
};

}  // namespace grabfs
