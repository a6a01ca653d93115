// SPDX-License-Identifier: Apache-2.0
//
// Converts frames for stream files of another format: YUV4MPEG2. Each frame is converted once for
// all its readers. The result is kept while a reader holds the frame, so there are no more results
// than the device has buffers. A conversion takes long, so threads of their own do it: only readers
// of that frame wait for them.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/mutex.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/base/rate.h"
#include "fusefs/base/task_pool.h"
#include "fusefs/capture/shared_frames.h"

namespace grabfs {

// Can frames of this format be converted?
bool CanConvertToY4m(const FrameFormat& format);
// The header of a stream of such frames.
std::string Y4mStreamHeader(const FrameFormat& format, Rate rate);
// One frame of the stream. Throws Error: EIO for an incomplete frame.
std::vector<std::byte> ConvertToY4m(const HeldFrame& frame);

class StreamConverter {
 public:
  using Convert = std::function<std::vector<std::byte>(const HeldFrame& frame)>;
  struct Converted {
    std::vector<std::byte> bytes;
    std::optional<Error> failure;
  };

  // `convert`: ConvertToY4m.
  explicit StreamConverter(Convert convert) : convert_(std::move(convert)) {}

  // nullptr: it is being converted, and `ready` will be called when that is done. The result lives
  // as long as `frame`.
  const Converted* Get(const std::shared_ptr<SharedFrame>& frame, std::function<void()> ready);
  // Waits for conversions under way; later Get() converts at once.
  void Stop() { threads_.Stop(); }

 private:
  // The attachment of a frame.
  struct Work {
    std::optional<Converted> result;
    std::vector<std::function<void()>> waiting;
  };

  void Make(const std::shared_ptr<SharedFrame>& frame);

  // Two, so that a slow reader that needs an older frame does not double the time of the others.
  static constexpr unsigned kThreads = 2;

  const Convert convert_;
  Mutex mutex_;  // guards the attachments of frames; leaf
  TaskPool threads_{kThreads};
};

}  // namespace grabfs
