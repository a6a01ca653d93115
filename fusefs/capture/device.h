// SPDX-License-Identifier: Apache-2.0
//
// One capture device: a source, the pool of buffers that it fills, and its threads. It carries out
// commands (attribute writes), counts what becomes of each sequence number, and announces events.
// It knows no paths, no inodes and no FUSE.
//
//                start                 source fails
//     stopped ◀────────▶ streaming ───────────────▶ error ──start/stop──▶ ...
//                stop
//     any ──unplugged──▶ gone (for good)
//
// Software triggers capture in the state `stopped`.
//
// Threads: any thread may post commands. The *capture thread* carries them out in order; no other
// thread touches the source. Other threads see DeviceState and Pool. The *renewal thread* renews
// slots (see Ring), which takes milliseconds, or longer when memory is short; the capture thread
// does not wait for it. The *delivery thread* serves reads of streams that have waited, and readers
// of events when there are many, so that capture does not spend its time on them.
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
#include "fusefs/base/mutex.h"
#include "fusefs/base/task_thread.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/capture/capture_state.h"
#include "fusefs/capture/event_log.h"
#include "fusefs/capture/frame_streams.h"
#include "fusefs/capture/pool.h"
#include "fusefs/capture/shared_frames.h"
#include "fusefs/capture/targets.h"
#include "fusefs/source/source.h"

namespace grabfs {

class Device;

// Implemented by the layer above. Called without any lock held, by the capture thread unless a
// function says otherwise.
class DeviceObserver {
 public:
  virtual ~DeviceObserver() = default;
  // A frame has lost its name in frames/. `notes`: the Pool::Note bits of its slot.
  virtual void OnFrameGone(const Device& device, uint64_t sequence, uint32_t notes) = 0;
  // The device has other buffers now; the frames of `old` have lost their names.
  virtual void OnPoolReplaced(const Device& device, Pool& old,
                              std::span<const uint64_t> sequences) = 0;
  // A slot is to be filled whose frame was held: marks it in the ring if the frame was read until
  // now, or if that is unknown.
  virtual void OnUndecided(const Device& device, Pool& pool, uint32_t slot) = 0;
  // A slot has new contents; the frame is not announced yet. May block.
  virtual void OnRefilled(const Device& device, Pool& pool, uint32_t slot) = 0;
  // A slot is no longer being filled, with or without success; its frame, if any, is visible.
  virtual void OnFillEnded(const Device& device, Pool& pool, uint32_t slot) = 0;
  // A slot could not be filled because its memory may be mapped although nobody holds it, or
  // because it was put aside. There will be no event when that ends: the observer must look again
  // from time to time. Any thread.
  virtual void OnRecheckNeeded(const Device& device) = 0;
  // A slot that was being renewed can be held and filled again. Called by the renewal thread.
  virtual void OnRenewed(const Device& device, Pool& pool, uint32_t slot) = 0;
  // The device will never capture again.
  virtual void OnUnplugged(const Device& device) = 0;
};

// A consistent copy of what the attribute files and status.json show.
struct DeviceState {
  FrameFormat format;
  Rate rate;
  Policy policy = Policy::kKeepNewest;
  CaptureState state = CaptureState::kStopped;
  uint64_t trigger = 0;  // frames that a software trigger has ordered and that have not come yet
  uint32_t buffers = 0;
  uint32_t writeback_ms = 1000;  // output
  bool announce = false;         // see Device::announces()
  uint64_t next_sequence = 0;
  std::string into;        // the name of the target (targets.h) that is filled next; empty: none
  std::string last_error;  // why the last command or capture failed; empty after a success
  uint64_t last_error_realtime_ns = 0;  // when; 0 after a success
  std::map<std::string, std::string> settings;

  void NoteError(std::string reason);
  void NoteSuccess();

  // Unplugged: it will never capture again.
  [[nodiscard]] bool gone() const { return state == CaptureState::kGone; }
  // More frames will come: the device streams, or a software trigger has ordered some.
  [[nodiscard]] bool capturing() const { return state == CaptureState::kStreaming || trigger > 0; }

  friend bool operator==(const DeviceState&, const DeviceState&) = default;
};

class Device {
 public:
  struct Config {
    std::string name;  // ValidateDeviceName() holds
    uint32_t buffers = 8;
    Policy policy = Policy::kKeepNewest;
    bool start = false;  // stream as soon as the mount answers
    bool announce = false;
  };
  // Called once. `error`: null when the command was carried out.
  using Done = std::function<void(const Error* error)>;

  // Allocates the buffers. Throws Error.
  Device(Config config, std::unique_ptr<Source> source);
  // Stops capturing and joins the thread.
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Starts the threads. `observer` must outlive them.
  void Run(DeviceObserver* observer);
  // Stops capturing, ends the events and joins the threads; later commands fail with ENODEV. Frames
  // stay. Not to be called by a thread of the device.
  void Halt();

  [[nodiscard]] const std::string& name() const { return config_.name; }
  [[nodiscard]] const std::string& source_description() const { return description_; }
  // An output device: it shows pictures and captures none.
  [[nodiscard]] bool output() const { return output_; }
  // Output: the device notices by itself what is written through mappings of its memory.
  [[nodiscard]] bool sees_writes() const { return output_ && allocator_ != nullptr; }
  // Allocates memory that CaptureInto() accepts; nullptr: it accepts any memory.
  [[nodiscard]] const std::shared_ptr<MemoryAllocator>& allocator() const { return allocator_; }
  // nullptr: it has none.
  [[nodiscard]] const std::shared_ptr<Controls>& controls() const { return controls_; }
  [[nodiscard]] DeviceState state() const;
  // Unplugged, for good.
  [[nodiscard]] bool gone() const;
  // Directory watchers shall see its frames as files that are made and unlinked.
  [[nodiscard]] bool announces() const { return announces_; }
  [[nodiscard]] std::shared_ptr<Pool> pool() const;
  // The sum over the pool and all earlier pools.
  [[nodiscard]] RingCounters counters() const;
  [[nodiscard]] EventLog& events() { return *events_; }
  [[nodiscard]] FrameStreams& streams() { return *streams_; }
  [[nodiscard]] const FrameStreams& streams() const { return *streams_; }
  // Has the delivery thread run a task, which must not take long.
  void PostDelivery(TaskThread::Task task) { delivery_thread_.Post(std::move(task)); }
  // When a name in frames/ appeared or went last; CLOCK_REALTIME, 0: never.
  [[nodiscard]] uint64_t names_changed_ns() const { return names_changed_ns_; }
  // For the files of its rings, see RingFile.
  [[nodiscard]] const RingFile::Numbers& ring_numbers() const { return ring_numbers_; }
  // Removes a frame's name; see Ring::Unlink().
  bool Unlink(uint64_t sequence);
  // Earlier pools of which somebody still holds frames; newest first.
  [[nodiscard]] std::vector<std::shared_ptr<Pool>> retired_pools() const;

  // Commands: the capture thread carries them out later, in order, and calls `done`.
  void SetFormat(FormatRequest request, Done done);
  void SetRate(Rate rate, Done done);
  void SetBuffers(uint32_t count, Done done);
  void SetPolicy(Policy policy, Done done);
  // Writes one of controls(). Another input may change the format, and so replace the buffers.
  void SetControl(std::string name, std::string value, Done done);
  void Start(Done done);
  void Stop(Done done);
  // Captures `frames` more by software trigger; 0: cancels the frames that have not come yet.
  void Trigger(uint64_t frames, Done done);
  // Captures one frame into this memory: the next one when streaming, else one by software trigger.
  // `done`: whether that was accepted; the target's own callbacks report the frame.
  void CaptureInto(Target target, Done done);
  // Output: shows the picture in this buffer on the device, and calls `done` when it is there.
  // `always`: also if nothing was written to the buffer as far as the daemon knows (kBufferDirty).
  void Output(std::shared_ptr<Pool> pool, uint32_t slot, bool always, Done done);
  // Output: a written buffer is shown after `milliseconds` even without an fsync(); 0: never.
  void SetWriteback(uint32_t milliseconds, Done done);
  void SetAnnounce(bool announce, Done done);
  // Cancels the targets that are not filled yet.
  void CancelTargets(Done done);
  // For a command that could not be parsed: makes the reason the last_error, in the order of
  // commands.
  void Reject(const Error& error, Done done);
  // For a refusal that is no command: makes the reason the last_error at once.
  void NoteRefusal(const Error& error);

 private:
  using Action = std::function<void()>;

  void Post(Action action, Done done);
  void RunCommands();
  void Loop();
  // Handles completions and queues buffers. True: something happened, so call it again at once.
  bool Pump();
  void Fail(const Error& error);
  void Wait();

  // Capture-thread only.
  void OnCompletion(const Completion& completion);
  void OnFrame(const Completion& completion, uint64_t sequence);
  void OnFailure(const Completion& completion, uint64_t sequence);
  void OnTrouble(const std::string& reason);
  // Orders `frames` more frames from the source.
  void Order(uint64_t frames);
  void FrameInTarget(Target target, const Completion& completion, uint64_t sequence);
  void DropTargets(const std::string& reason);
  void Present(Pool& pool, uint32_t slot);
  void StartSource(uint64_t frames);
  uint64_t Rebase(uint64_t source_sequence);
  void CountDropped(uint64_t sequence, uint64_t count, const std::string& reason);
  void NameIsGone(uint32_t slot, uint64_t sequence);
  void FinishFill(uint32_t slot);
  void CaptureEnded(CaptureState next);
  void HaltSource();
  void Unplug(const std::string& reason);
  void RequireStopped(const char* what) const;
  void RequirePlugged() const;
  void ReplacePool(uint32_t buffers);
  std::shared_ptr<Pool> MakePool(uint32_t buffers);
  void Renew(Pool& pool, uint32_t slot);  // in the renewal thread
  void NamesChanged();
  void EnterState(CaptureState next);
  void Publish(const std::function<void(DeviceState&)>& change);

  const Config config_;
  const std::string description_;
  const bool output_;
  const std::shared_ptr<MemoryAllocator> allocator_;
  const std::shared_ptr<Controls> controls_;
  const std::shared_ptr<SharedFrames> shared_frames_;
  const std::shared_ptr<EventLog> events_;
  const std::shared_ptr<FrameStreams> streams_;
  const RingFile::Numbers ring_numbers_ = std::make_shared<std::atomic<uint64_t>>(0);
  DeviceObserver* observer_ = nullptr;
  // Eventfd; shared with the pools, which may outlive the device.
  const std::shared_ptr<UniqueFd> wake_fd_;

  // Capture-thread only, once it runs.
  std::unique_ptr<Source> source_;
  std::shared_ptr<Pool> current_;
  std::vector<bool> queued_;        // by slot: the source has it
  uint64_t sequence_base_ = 0;      // our sequence number of the source's number 0
  uint64_t next_sequence_ = 0;      // the next one expected
  bool beginning_ = false;          // no completion yet since the source was started
  uint64_t outstanding_ = 0;        // frames of a limited capture still to come
  bool waits_for_renewal_ = false;  // see Ring
  bool waits_for_readers_ = false;  // see Ring
  Targets targets_;
  uint32_t next_generation_ = 0;

  mutable Mutex mutex_;  // guards the six below; leaf
  DeviceState state_;
  std::shared_ptr<Pool> pool_;
  std::vector<std::weak_ptr<Pool>> retired_;
  RingCounters retired_counters_;
  std::deque<Action> commands_;
  bool quit_ = false;

  std::atomic<bool> commands_pending_ = false;
  std::atomic<bool> halted_ = false;
  std::atomic<bool> announces_ = false;
  std::atomic<uint64_t> names_changed_ns_ = 0;
  std::thread thread_;
  TaskThread delivery_thread_;
  const std::shared_ptr<TaskThread> renewal_thread_;  // pools may outlive the device
};

}  // namespace grabfs
