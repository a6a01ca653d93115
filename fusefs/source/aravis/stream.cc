// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/stream.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/base/log.h"

namespace grabfs {
namespace {

constexpr uint32_t kUsPerMs = 1000;

}  // namespace

AravisStream::AravisStream(AravisCamera& camera, const AravisOptions& options)
    : options_(options),
      event_fd_(camera.event_fd()),
      // Frames of Aravis' camera without hardware get their ids only with a buffer.
      counts_underruns_(camera.identity().protocol == "Fake") {
  const std::string what = "aravis:" + camera.identity().id;
  camera.With([&](ArvCamera* arv) {
    if (arv_camera_is_gv_device(arv) != FALSE && !options_.packet_socket) {
      arv_camera_gv_set_stream_options(arv, ARV_GV_STREAM_OPTION_PACKET_SOCKET_DISABLED);
    }
    GErrorSlot error;
    ArvStream* const stream = arv_camera_create_stream(arv, OnEvent, this, error);
    error.Check(what);
    if (stream == nullptr) throw Error(EIO, what + ": the camera has no stream");
    Tune(stream);
    stream_ = stream;
  });
}

AravisStream::~AravisStream() {
  // Joins the receiving thread, and lets go of the buffers in Aravis' queues.
  g_object_unref(stream_.load());
}

void AravisStream::Tune(ArvStream* stream) const {
  if (!ARV_IS_GV_STREAM(stream)) return;
  if (options_.socket_buffer) {
    g_object_set(stream, "socket-buffer", ARV_GV_STREAM_SOCKET_BUFFER_FIXED, "socket-buffer-size",
                 *options_.socket_buffer, nullptr);
  } else {
    g_object_set(stream, "socket-buffer", ARV_GV_STREAM_SOCKET_BUFFER_AUTO, "socket-buffer-size", 0,
                 nullptr);
  }
  // Aravis itself has found out whether the camera can resend at all.
  if (!options_.resend) {
    g_object_set(stream, "packet-resend", ARV_GV_STREAM_PACKET_RESEND_NEVER, nullptr);
  }
  g_object_set(stream, "packet-timeout", options_.packet_timeout_ms * kUsPerMs, "frame-retention",
               options_.frame_retention_ms * kUsPerMs, nullptr);
}

void AravisStream::OnEvent(void* self, ArvStreamCallbackType type, ArvBuffer* /*buffer*/) {
  auto* const stream = static_cast<AravisStream*>(self);
  if (type == ARV_STREAM_CALLBACK_TYPE_BUFFER_DONE) return stream->OnDone(stream->stream_);
  if (type != ARV_STREAM_CALLBACK_TYPE_INIT) return;
  const AravisOptions& options = stream->options_;
  const bool failed = (options.realtime && arv_make_thread_realtime(*options.realtime) == FALSE) ||
                      (options.nice && ::setpriority(PRIO_PROCESS, 0, *options.nice) != 0);
  if (failed)
    LogWarning("aravis: the receiving thread does not get the priority that was asked for");
}

// In the receiving thread, which has put the buffer into Aravis' queue.
void AravisStream::OnDone(ArvStream* stream) {
  const uint64_t now = MonotonicNs();
  const uint64_t underruns =
      counts_underruns_ ? arv_stream_get_info_uint64_by_name(stream, "n_underruns") : 0;
  const std::lock_guard lock(mutex_);
  while (ArvBuffer* const buffer = arv_stream_try_pop_buffer(stream)) {
    done_.push_back({GOwned<ArvBuffer>(buffer), now, underruns});
  }
  (void)eventfd_write(event_fd_, 1);
}

std::optional<AravisStream::Done> AravisStream::Take() {
  const std::lock_guard lock(mutex_);
  if (done_.empty()) return std::nullopt;
  Done done = std::move(done_.front());
  done_.pop_front();
  return done;
}

AravisStream::Statistics AravisStream::statistics() const {
  Statistics statistics;
  guint64 completed = 0;
  guint64 failed = 0;
  guint64 underruns = 0;
  ArvStream* const stream = stream_;
  arv_stream_get_statistics(stream, &completed, &failed, &underruns);
  statistics = {.completed = completed, .failed = failed, .underruns = underruns};
  if (!ARV_IS_GV_STREAM(stream)) return statistics;
  guint64 resent = 0;
  guint64 missing = 0;
  arv_gv_stream_get_statistics(ARV_GV_STREAM(stream), &resent, &missing);
  statistics.resent_packets = resent;
  statistics.missing_packets = missing;
  return statistics;
}

}  // namespace grabfs
