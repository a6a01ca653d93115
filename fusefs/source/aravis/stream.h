// SPDX-License-Identifier: Apache-2.0
//
// One stream of a camera: takes buffers and gives them back in the order of frames. Aravis receives
// in a thread of its own.
//
// Threads: one at a time.
#pragma once

#include <arv.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "fusefs/base/mutex.h"
#include "fusefs/source/aravis/camera.h"
#include "fusefs/source/aravis/glib.h"
#include "fusefs/source/aravis/options.h"

namespace grabfs {

class AravisStream {
 public:
  struct Done {
    GOwned<ArvBuffer> buffer;
    uint64_t done_ns;  // CLOCK_MONOTONIC, when its last byte had come
    uint64_t
        underruns;  // frames without an id that were lost for want of a buffer, since the start
  };
  struct Statistics {
    uint64_t completed = 0;
    uint64_t failed = 0;
    uint64_t underruns = 0;
    uint64_t resent_packets = 0;
    uint64_t missing_packets = 0;
  };

  // Writes to the camera's event_fd() when there is something to Take(). Throws Error.
  AravisStream(AravisCamera& camera, const AravisOptions& options);
  // Waits for the receiving thread: nothing is written to any buffer afterwards.
  ~AravisStream();
  AravisStream(const AravisStream&) = delete;
  AravisStream& operator=(const AravisStream&) = delete;

  void Push(GOwned<ArvBuffer> buffer) { arv_stream_push_buffer(stream_, buffer.release()); }
  // nullopt: there is none now.
  std::optional<Done> Take();
  [[nodiscard]] Statistics statistics() const;

 private:
  static void OnEvent(void* self, ArvStreamCallbackType type, ArvBuffer* buffer);
  void OnDone(ArvStream* stream);
  void Tune(ArvStream* stream) const;

  const AravisOptions options_;
  const int event_fd_;
  const bool counts_underruns_;
  std::atomic<ArvStream*> stream_ = nullptr;

  Mutex mutex_;
  std::deque<Done> done_;
};

}  // namespace grabfs
