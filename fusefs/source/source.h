// SPDX-License-Identifier: Apache-2.0
//
// Where frames come from. A Source fills buffers that the caller queues, and reports when each is
// complete. It knows nothing of files, readers, names or policies. One Device (fusefs/capture)
// drives one Source through the public functions, which check the state; the protected hooks do the
// work and may rely on that check.
//
//     idle ──Start──▶ capturing ──Stop──▶ idle          (after kGone only the destructor remains)
//
// Threads: one thread at a time calls the functions of a Source. Any thread may poll event_fd(). No
// function blocks for longer than it takes to fill one frame, except Present().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/base/frame_origin.h"
#include "fusefs/base/memory.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/base/rate.h"
#include "fusefs/source/controls.h"

namespace grabfs {

// The format that a user asks for; absent members stay as they are.
struct FormatRequest {
  std::optional<Fourcc> fourcc = {};
  std::optional<uint32_t> width = {};
  std::optional<uint32_t> height = {};
};

// What a source reports about one sequence number.
struct Completion {
  enum class Kind {
    kFrame,    // `buffer` holds a complete frame
    kError,    // the transfer into `buffer` failed; its contents are undefined
    kDropped,  // the frame was lost before it had a buffer; `buffer` is meaningless
    kIdle,     // no frame: Memory::Probe() of `buffer` said "in use", and would not say so now
    kTrouble,  // no frame: something is wrong, and the source goes on by itself (a restart)
    kGone,     // the device was unplugged: no more completions, and the source has no buffers
  };
  Kind kind = Kind::kFrame;
  uint32_t buffer = 0;
  // Counts every frame that the device produced, lost ones too. A number that is left out is a lost
  // frame, except before the first completion after Start().
  uint64_t sequence = 0;
  uint64_t timestamp_ns = 0;  // CLOCK_MONOTONIC; the time of exposure as exactly as it is known
  uint64_t bytes_used = 0;    // bytes of the image; the format's size for fixed-size formats
  uint32_t flags = 0;         // V4L2_BUF_FLAG_* that the device reported
  FrameOrigin origin = {};
  std::string reason = {};  // for people; empty for kFrame
};

class Source {
 public:
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // "pattern", "replay:clip.y4m", ...: the SOURCE as the user wrote it.
  [[nodiscard]] virtual std::string description() const = 0;

  // Bound buffers have smaller numbers, attached memory this and above.
  static constexpr uint32_t kFirstAttached = 1U << 16;

  // An output device: it shows pictures (Present) and captures none.
  [[nodiscard]] virtual bool output() const { return false; }

  [[nodiscard]] const FrameFormat& format() const { return format_; }
  [[nodiscard]] Rate rate() const { return rate_; }
  // Negotiates a format with the device; format() then returns it. On Error nothing has changed:
  // EINVAL with the reason, EBUSY while capturing.
  void SetFormat(const FormatRequest& request);
  // Throws Error(EINVAL) for a rate that the source cannot have. Allowed while capturing.
  void SetRate(Rate rate);

  // Allocates memory for one buffer. Throws Error.
  using BufferMaker =
      std::function<std::unique_ptr<Memory>(const std::string& name, uint64_t bytes)>;
  // From now on `maker` allocates the buffers instead of the source. Throws Error(EINVAL) if the
  // device can fill only memory of its own.
  void SetBufferMaker(BufferMaker maker);
  // Memory for `count` buffers of format().bytes each. The buffers may outlive the source.
  // Throws Error(ENOMEM) with the arithmetic. Idle only.
  std::vector<std::unique_ptr<Memory>> AllocateBuffers(const std::string& name, uint32_t count);
  // Makes these the buffers that the numbers in Queue() and Completion refer to. They must be of
  // the present format. Idle only. The source keeps them until the next Bind() or its destruction.
  void Bind(const std::vector<std::shared_ptr<Memory>>& buffers);

  // Allocates memory that can be attached; nullptr: any memory can. May outlive the source.
  [[nodiscard]] virtual std::shared_ptr<MemoryAllocator> allocator() const { return nullptr; }
  // Adds memory beside the bound buffers, so that it can be queued. Returns its number for Queue()
  // and Completion. Throws Error: ENOSPC when it is smaller than an image, EINVAL when the device
  // cannot fill it.
  uint32_t Attach(std::shared_ptr<Memory> memory);
  // Removes it again. Not while it is queued.
  void Detach(uint32_t buffer);

  // Starts to capture. `frames`: wants no more buffers after so many frames (0: no limit). Sequence
  // numbers continue over Stop() and Start(). Throws Error: EINVAL when the bound buffers are of
  // another format.
  void Start(uint64_t frames);
  // Raises the limit of a limited capture by `frames`.
  void Extend(uint64_t frames);
  // Cancels the capture, waits for transfers under way, and gives all queued buffers back.
  void Stop();
  [[nodiscard]] bool capturing() const { return capturing_; }

  // Readable when Wanted() or Dequeue() may return something new. -1: call them again at once.
  [[nodiscard]] virtual int event_fd() const = 0;
  // How many buffers it can take now; 0 when it has enough, or when no frame is due yet.
  uint32_t Wanted();
  // If Wanted(): whether the next frame may be lost without one. Else it has enough for the next
  // frames.
  [[nodiscard]] virtual bool NeedsOneNow() const { return true; }
  // Queues a buffer to be filled. While capturing only, and only when Wanted().
  void Queue(uint32_t buffer);
  // The caller has no free buffer now although Wanted(). A software source counts its due frame as
  // dropped (a kDropped completion follows); hardware, which has buffers queued, ignores it.
  void Starve();
  // The next completion, in order of sequence numbers; nullopt when there is none now. To be called
  // on idle sources, too: they report kIdle and kGone.
  std::optional<Completion> Dequeue();

  // Output only: shows the picture in a bound buffer, and returns when it is on the device, however
  // long that takes. Throws Error, as Start() does for buffers of another format.
  void Present(uint32_t buffer);
  // Output: the device itself shows a buffer so many milliseconds after it was written; 0: never.
  // For devices that notice writes; takes effect for buffers allocated from now on.
  void SetWriteback(uint32_t milliseconds) { OnSetWriteback(milliseconds); }

  // The controls of the device; nullptr: it has none. May outlive the source.
  [[nodiscard]] virtual std::shared_ptr<Controls> controls() const { return nullptr; }
  // Writes a control. It may change the format (another input), which gives Error(EBUSY) while
  // capturing. Throws Error.
  void SetControl(const std::string& name, std::string_view value);

  // Settings that only this kind of source has, for status.json: name -> value as text.
  [[nodiscard]] virtual std::map<std::string, std::string> Settings() const { return {}; }

 protected:
  Source() = default;

  virtual FrameFormat OnSetFormat(const FormatRequest& request) = 0;
  virtual void OnSetRate(Rate rate) = 0;
  // Called unless there is a BufferMaker.
  virtual std::vector<std::unique_ptr<Memory>> OnAllocateBuffers(const std::string& name,
                                                                 uint32_t count);
  // Whether SetBufferMaker() is allowed.
  [[nodiscard]] virtual bool fills_any_memory() const { return !output(); }
  [[nodiscard]] bool has_buffer_maker() const { return maker_ != nullptr; }
  virtual void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) = 0;
  virtual void OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) = 0;
  virtual void OnDetach(uint32_t buffer) = 0;
  virtual void OnStart(uint64_t frames) = 0;
  virtual void OnExtend(uint64_t frames) = 0;
  virtual void OnStop() = 0;
  virtual uint32_t OnWanted() = 0;
  virtual void OnQueue(uint32_t buffer) = 0;
  virtual void OnStarve() {}
  virtual std::optional<Completion> OnDequeue() = 0;
  virtual void OnPresent(uint32_t buffer);
  virtual void OnSetWriteback(uint32_t /*milliseconds*/) {}
  // A control was written; the format and the rate of the device may have changed.
  virtual void OnControlWritten() {}

  // Set by the constructors of derived classes, then by SetFormat() and SetRate().
  FrameFormat format_;
  Rate rate_;

 private:
  void RequireIdle(const char* what) const;
  void RequireBuffersOfFormat(const char* what) const;
  [[nodiscard]] std::vector<std::unique_ptr<Memory>> MakeBuffers(const std::string& name,
                                                                 uint32_t count,
                                                                 const BufferMaker& maker) const;

  BufferMaker maker_;  // null: OnAllocateBuffers() makes them
  bool capturing_ = false;
  FrameFormat bound_;  // of the buffers
  uint32_t next_attached_ = kFirstAttached;
};

// SOURCE[,key=value...] of the command line, parsed.
struct SourceSpec {
  std::string kind;                            // before the colon: "pattern", "replay", ...
  std::string argument;                        // after the colon; empty when there is none
  std::map<std::string, std::string> options;  // every key=value, unchecked
  // Where loadable sources are looked for; empty: where this program was installed.
  std::string source_path = {};
};

// Throws Error(EINVAL) when `text` is not SOURCE[,key=value...] or a key comes twice.
SourceSpec ParseSourceSpec(std::string_view text);

// Makes the path that it has, if its source takes one, absolute: a daemon in the background leaves
// the directory in which it was started.
void MakePathAbsolute(SourceSpec& spec);

// Makes the source that `spec` names, and removes the options that this source knows from
// `spec.options`. The rest are the caller's (buffers, policy, state), or unknown. Throws
// Error(EINVAL) with the list of known sources or the reason; ENODEV, ENOENT and the like when the
// device or file cannot be opened.
std::unique_ptr<Source> MakeSource(SourceSpec& spec);

// How SOURCE is written on the command line, one for each kind: "pattern", "replay:FILE".
std::vector<std::string> SourceUsages();

}  // namespace grabfs
