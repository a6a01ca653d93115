// SPDX-License-Identifier: Apache-2.0
//
// A pipeline in this process, and what arrives at its element `sink`.
#pragma once

#include <gst/gst.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace grabfs::mount_test {

// GStreamer with the element under test and a registry of its own, and of the distribution's
// plugins those for simple pipelines only: to look through all takes seconds. May be called again.
void InitGStreamer();

struct BufferUnref {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
using Buffer = std::unique_ptr<GstBuffer, BufferUnref>;

// The bytes of a buffer, mapped while this lives.
class BufferMap {
 public:
  explicit BufferMap(GstBuffer* buffer);
  BufferMap(const BufferMap&) = delete;
  BufferMap& operator=(const BufferMap&) = delete;
  ~BufferMap();
  [[nodiscard]] std::span<const std::byte> bytes() const;

 private:
  GstBuffer* buffer_;
  GstMapInfo info_{};
};

// What came, without its pixels.
struct Arrival {
  const std::byte* address = nullptr;
  uint64_t sequence = 0;  // as the buffer's offset says
  uint64_t pts = 0;
  bool discont = false;
  std::string caps;
};

class Pipeline {
 public:
  // As for gst-launch-1.0; throws std::runtime_error with GStreamer's words.
  explicit Pipeline(const std::string& description);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  ~Pipeline();

  [[nodiscard]] GstElement* element() const { return pipeline_; }
  // Keeps every buffer that comes, from now on.
  void KeepBuffers();
  // The next buffer to come stays where it is, and all behind it.
  void Block();
  void Unblock();

  // The source reaches the state before they return, sinks with their first buffer.
  void Play() { Enter(GST_STATE_PLAYING); }
  void Pause() { Enter(GST_STATE_PAUSED); }
  void Stop() { Enter(GST_STATE_NULL); }
  // Before that a pause does not come to the source.
  void AwaitPlaying();

  [[nodiscard]] std::vector<Arrival> arrivals() const;
  // Waits until so many have come in all.
  [[nodiscard]] bool Await(size_t arrivals) const;
  // A buffer that was kept, counted from 0.
  [[nodiscard]] GstBuffer* kept(size_t index) const;
  void DropKept();

  // Waits for a message of this type: its text, or that of the error; "" where it has none. Throws
  // std::runtime_error if none comes, or an error comes that was not waited for.
  std::string AwaitMessage(GstMessageType type);
  // Frames given and lost, of the newest message that tells; nothing told: 0 and 0.
  struct Losses {
    uint64_t given = 0;
    uint64_t lost = 0;
  };
  [[nodiscard]] Losses losses() const;

 private:
  void Enter(GstState state);
  void Arrive(GstPad* pad, GstBuffer* buffer);
  static GstPadProbeReturn OnBuffer(GstPad* pad, GstPadProbeInfo* info, gpointer self);

  GstElement* pipeline_ = nullptr;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Arrival> arrivals_;
  std::vector<Buffer> kept_;
  bool keep_ = false;
  bool blocked_ = false;
};

}  // namespace grabfs::mount_test
