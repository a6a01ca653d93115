// SPDX-License-Identifier: Apache-2.0
//
// One capture device: a source, the pool of buffers it fills, and the thread that does it. It
// carries out commands (attribute writes), keeps the books on sequence numbers, and announces what
// happens. It knows no paths, no inodes and no FUSE.
//
//                start                 source fails
//     stopped ◀────────▶ streaming ───────────────▶ error ──start/stop──▶ ...
//                stop
//     any ──unplugged──▶ gone (for good)
//
// Software triggers capture in the state `stopped`.
//
// Threads: commands may be given by any thread; they are carried out in order by the capture
// thread, which alone touches the source. What others may see is published in State and Pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/capture/event_log.h"
#include "fusefs/capture/frame_streams.h"
#include "fusefs/capture/pool.h"
#include "fusefs/capture/targets.h"
#include "fusefs/source/source.h"

namespace grabfs {

class Device;

// What the layer above wants to hear. Called by the capture thread without any lock held.
class DeviceObserver {
 public:
  virtual ~DeviceObserver() = default;
  // This name in frames/ is gone. `notes`: the Pool::Note bits of the slot.
  virtual void OnFrameGone(const Device& device, uint64_t sequence, uint32_t notes) = 0;
  // The device has other buffers now; the frames of `old` have lost their names.
  virtual void OnPoolReplaced(const Device& device, Pool& old,
                              std::span<const uint64_t> sequences) = 0;
  // A slot has new contents, which nobody has been told of yet. May block.
  virtual void OnRefilled(const Device& device, Pool& pool, uint32_t slot) = 0;
  // A slot is no longer being filled, with or without success; its frame, if any, is visible.
  virtual void OnFillEnded(const Device& device, Pool& pool, uint32_t slot) = 0;
  // A slot was not filled because its memory may be mapped, though nobody holds it.
  virtual void OnDoubt(const Device& device) = 0;
  // The device will never capture again.
  virtual void OnUnplugged(const Device& device) = 0;
};

enum class CaptureState { kStopped, kStreaming, kError, kGone };
const char* CaptureStateName(CaptureState state);

// What an attribute file or status.json shows; a copy, consistent in itself.
struct DeviceState {
  FrameFormat format;
  Rate rate;
  Policy policy = Policy::kKeepNewest;
  CaptureState state = CaptureState::kStopped;
  uint64_t trigger = 0;  // frames still to be captured by software trigger
  uint32_t buffers = 0;
  uint32_t writeback_ms = 1000;  // output
  uint64_t next_sequence = 0;
  std::string into;        // the name of the target that is filled next; empty: none
  std::string last_error;  // why the last command or capture failed; empty after a success
  std::map<std::string, std::string> settings;

  // Unplugged: it will never capture again.
  [[nodiscard]] bool gone() const { return state == CaptureState::kGone; }
};

class Device {
 public:
  struct Config {
    std::string name;  // ValidateDeviceName() holds
    uint32_t buffers = 8;
    Policy policy = Policy::kKeepNewest;
    bool start = false;  // stream as soon as the mount answers
  };
  // nullptr: done; otherwise why not.
  using Done = std::function<void(const Error* error)>;

  // Allocates the buffers. Throws Error.
  Device(Config config, std::unique_ptr<Source> source);
  // Stops capturing and joins the thread.
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Starts the thread. `observer` must outlive the thread.
  void Run(DeviceObserver* observer);
  // Stops capturing, ends the events and joins the thread; later commands fail with ENODEV. Frames
  // stay where they are. Not for the capture thread.
  void Halt();

  [[nodiscard]] const std::string& name() const { return config_.name; }
  [[nodiscard]] const std::string& source_description() const { return description_; }
  // It takes pictures and makes none.
  [[nodiscard]] bool output() const { return output_; }
  // Output: the device itself knows what was written through mappings of its memory.
  [[nodiscard]] bool sees_writes() const { return output_ && allocator_ != nullptr; }
  // Makes memory that CaptureInto() takes; nullptr: it takes any.
  [[nodiscard]] const std::shared_ptr<MemoryAllocator>& allocator() const { return allocator_; }
  // nullptr: it has none.
  [[nodiscard]] const std::shared_ptr<Controls>& controls() const { return controls_; }
  [[nodiscard]] DeviceState state() const;
  [[nodiscard]] std::shared_ptr<Pool> pool() const;
  // Over all pools that ever were.
  [[nodiscard]] RingCounters counters() const;
  [[nodiscard]] EventLog& events() { return *events_; }
  [[nodiscard]] FrameStreams& streams() { return *streams_; }
  [[nodiscard]] const FrameStreams& streams() const { return *streams_; }
  // Pools replaced by a change of format while somebody held frames of theirs; newest first.
  [[nodiscard]] std::vector<std::shared_ptr<Pool>> retired_pools() const;

  // Commands: carried out later, in order; `done` is called by the capture thread.
  void SetFormat(FormatRequest request, Done done);
  void SetRate(Rate rate, Done done);
  void SetBuffers(uint32_t count, Done done);
  void SetPolicy(Policy policy, Done done);
  // Writes one of controls(). Another input may come with another format, and other buffers.
  void SetControl(std::string name, std::string value, Done done);
  void Start(Done done);
  void Stop(Done done);
  // Captures `frames` more by software trigger; 0: cancels what is still to come.
  void Trigger(uint64_t frames, Done done);
  // Captures one frame into this memory: the next one when streaming, else one by software trigger.
  // `done`: accepted, or why not; the target tells when it is there.
  void CaptureInto(Target target, Done done);
  // Output: puts the picture in this buffer on the device. `always`: even if nothing was written to
  // it as far as we know (its kBufferDirty). `done` when it is there.
  void Output(std::shared_ptr<Pool> pool, uint32_t slot, bool always, Done done);
  // Output: what is written and not on the device `milliseconds` later goes there unasked; 0:
  // never.
  void SetWriteback(uint32_t milliseconds, Done done);
  // Gives up the targets that are not filled yet.
  void CancelTargets(Done done);
  // A command that could not even be read: remembers the reason as last_error.
  void Reject(const Error& error, Done done);

 private:
  using Action = std::function<void()>;

  void Post(Action action, Done done);
  void RunCommands();
  void Loop();
  // True when something happened, so that it is worth looking again at once.
  bool Pump();
  void Wait();

  // Capture-thread only.
  void OnCompletion(const Completion& completion);
  void OnFrame(const Completion& completion, uint64_t sequence);
  void OnFailure(const Completion& completion, uint64_t sequence);
  // Fills `frames` more than have been ordered so far.
  void Order(uint64_t frames);
  void FrameInTarget(Target target, const Completion& completion, uint64_t sequence);
  void DropTargets(const std::string& reason);
  void Present(Pool& pool, uint32_t slot);
  void StartSource(uint64_t frames);
  uint64_t Rebase(uint64_t source_sequence);
  void CountDropped(uint64_t sequence, uint64_t count, const std::string& reason);
  void Queue(const Ring::Fill& fill);
  void FinishFill(uint32_t slot);
  void CaptureEnded(CaptureState next);
  void HaltSource();
  void Unplug(const std::string& reason);
  void RequireStopped(const char* what) const;
  void RequirePlugged() const;
  void ReplacePool(uint32_t buffers);
  std::shared_ptr<Pool> MakePool(uint32_t buffers);
  void EnterState(CaptureState next);
  void Publish(const std::function<void(DeviceState&)>& change);

  const Config config_;
  const std::string description_;
  const bool output_;
  const std::shared_ptr<MemoryAllocator> allocator_;
  const std::shared_ptr<Controls> controls_;
  const std::shared_ptr<EventLog> events_;
  const std::shared_ptr<FrameStreams> streams_;
  DeviceObserver* observer_ = nullptr;
  // Eventfd; shared with the pools, which may outlive the device.
  const std::shared_ptr<UniqueFd> wake_fd_;

  // Capture-thread only, once it runs.
  std::unique_ptr<Source> source_;
  std::shared_ptr<Pool> current_;
  std::vector<bool> queued_;    // by slot: the source has it
  uint64_t sequence_base_ = 0;  // our sequence number of the source's number 0
  uint64_t next_sequence_ = 0;  // the next one expected
  bool beginning_ = false;      // no completion yet since the source was started
  uint64_t outstanding_ = 0;    // frames of a limited capture still to come
  Targets targets_;
  uint32_t next_generation_ = 0;

  mutable std::mutex mutex_;  // guards the six below; leaf
  DeviceState state_;
  std::shared_ptr<Pool> pool_;
  std::vector<std::weak_ptr<Pool>> retired_;
  RingCounters retired_counters_;
  std::deque<Action> commands_;
  bool quit_ = false;

  std::atomic<bool> commands_pending_ = false;
  std::thread thread_;
};

}  // namespace grabfs
