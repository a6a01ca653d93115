// SPDX-License-Identifier: Apache-2.0
//
// Where frames come from. A Source fills buffers that it is handed and says when each is complete;
// it knows nothing of files, readers, names or policies. One Device (fusefs/capture) drives one
// Source through the public functions here, which check the state once; the protected hooks do the
// work and may rely on it.
//
//     idle ──Start──▶ capturing ──Stop──▶ idle          (after kGone only the destructor remains)
//
// Threads: all functions of one Source are called by one thread at a time. `event_fd()` may be
// polled at any time. Nothing here blocks for longer than filling one frame takes.
#pragma once

#include <cstddef>
#include <cstdint>
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

// A new format as a user asks for it; what is absent stays as it is.
struct FormatRequest {
  std::optional<Fourcc> fourcc = {};
  std::optional<uint32_t> width = {};
  std::optional<uint32_t> height = {};
};

// What a source has to tell about one sequence number.
struct Completion {
  enum class Kind {
    kFrame,    // `buffer` holds a complete frame
    kError,    // the transfer into `buffer` failed; its contents are undefined
    kDropped,  // the frame was lost before it had a buffer; `buffer` is meaningless
    kIdle,     // Memory::Probe() of `buffer` said "in use" and would not any more; no frame
    kGone,     // the device has been unplugged; no more completions, all buffers are given back
  };
  Kind kind = Kind::kFrame;
  uint32_t buffer = 0;
  // Counts every frame the device produced, lost ones too: numbers left out are losses as well, but
  // before the first completion after Start().
  uint64_t sequence = 0;
  uint64_t timestamp_ns = 0;  // CLOCK_MONOTONIC, as near to the exposure as the device knows
  uint64_t bytes_used = 0;    // bytes of the image; the format's size for fixed-size formats
  uint32_t flags = 0;         // V4L2_BUF_FLAG_* that the device reported
  FrameOrigin origin = {};
  std::string reason = {};  // of all but kFrame, for people
};

class Source {
 public:
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // "pattern", "replay:clip.y4m", ...: the SOURCE as the user wrote it.
  [[nodiscard]] virtual std::string description() const = 0;

  // Bound buffers have smaller numbers, lent ones this and above.
  static constexpr uint32_t kFirstLent = 1U << 16;

  // Takes pictures (Present) and makes none.
  [[nodiscard]] virtual bool output() const { return false; }

  [[nodiscard]] const FrameFormat& format() const { return format_; }
  [[nodiscard]] Rate rate() const { return rate_; }
  // Negotiates; afterwards format() tells what was chosen. Throws Error(EINVAL) with the reason and
  // changes nothing; Error(EBUSY) while capturing.
  void SetFormat(const FormatRequest& request);
  // Throws Error(EINVAL) for what the source cannot do. Allowed while capturing.
  void SetRate(Rate rate);

  // Memory for `count` buffers of format().bytes each. The buffers may outlive the source.
  // Throws Error(ENOMEM) with the arithmetic. Idle only.
  std::vector<std::unique_ptr<Memory>> AllocateBuffers(const std::string& name, uint32_t count);
  // Makes `buffers` the ones that the indices of Queue() and Completion mean. Idle only.
  // The source keeps no reference to them after the next Bind() or its destruction.
  void Bind(const std::vector<std::shared_ptr<Memory>>& buffers);

  // Makes the memory that can be lent. nullptr: any memory can. May outlive the source.
  [[nodiscard]] virtual std::shared_ptr<MemoryAllocator> allocator() const { return nullptr; }
  // Memory beside the bound buffers, to be queued: the number that Queue() and the completion mean.
  // Throws Error: ENOSPC when it is smaller than an image, EINVAL when the device cannot fill it.
  uint32_t Lend(std::shared_ptr<Memory> memory);
  // The loan ends; not while the memory is queued.
  void TakeBack(uint32_t buffer);

  // From now on frames are due. `frames`: stop asking for buffers after so many (0: no limit).
  // Sequence numbers continue over Stop() and Start(). Throws Error.
  void Start(uint64_t frames);
  // More frames in a capture that Start() limited.
  void Extend(uint64_t frames);
  // Cancels; afterwards the source holds no buffer (transfers in flight have ended).
  void Stop();
  [[nodiscard]] bool capturing() const { return capturing_; }

  // Becomes readable when Wanted() or Dequeue() may have something new. -1: ask again at once.
  [[nodiscard]] virtual int event_fd() const = 0;
  // How many free buffers it could take now: 0 when it has enough, or no frame is due yet.
  uint32_t Wanted();
  // Hands over a buffer to be filled. Capturing only, and only when Wanted().
  void Queue(uint32_t buffer);
  // Says that Wanted() cannot be met now. A software source counts its due frame as dropped (a
  // kDropped completion follows); hardware, which keeps buffers queued, ignores it.
  void Starve();
  // The next completion, in order of sequence; nullopt when there is none now. Idle sources are
  // asked too: theirs can only be kIdle or kGone.
  std::optional<Completion> Dequeue();

  // Output only: puts the picture in a bound buffer on the device, and returns when it is there.
  // May take as long as that takes. Throws Error.
  void Present(uint32_t buffer);
  // Output: so many milliseconds after it was written, a buffer is presented unasked; 0: never. For
  // devices that see by themselves what is written; for buffers allocated from now on.
  void SetWriteback(uint32_t milliseconds) { OnSetWriteback(milliseconds); }

  // What can be turned on the device while it works; nullptr: nothing. May outlive the source.
  [[nodiscard]] virtual std::shared_ptr<Controls> controls() const { return nullptr; }
  // Writes one of them. It may change the format (another input), though not while capturing:
  // Error(EBUSY). Throws Error.
  void SetControl(const std::string& name, std::string_view value);

  // Settings of the source's own (keys beyond width, height, format, rate), for attributes:
  // name -> value as text.
  [[nodiscard]] virtual std::map<std::string, std::string> Settings() const { return {}; }

 protected:
  Source() = default;

  virtual FrameFormat OnSetFormat(const FormatRequest& request) = 0;
  virtual void OnSetRate(Rate rate) = 0;
  virtual std::vector<std::unique_ptr<Memory>> OnAllocateBuffers(const std::string& name,
                                                                 uint32_t count);
  virtual void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) = 0;
  virtual void OnLend(uint32_t buffer, std::shared_ptr<Memory> memory) = 0;
  virtual void OnTakeBack(uint32_t buffer) = 0;
  virtual void OnStart(uint64_t frames) = 0;
  virtual void OnExtend(uint64_t frames) = 0;
  virtual void OnStop() = 0;
  virtual uint32_t OnWanted() = 0;
  virtual void OnQueue(uint32_t buffer) = 0;
  virtual void OnStarve() {}
  virtual std::optional<Completion> OnDequeue() = 0;
  virtual void OnPresent(uint32_t buffer);
  virtual void OnSetWriteback(uint32_t /*milliseconds*/) {}
  // A control has been written; the format and the rate may be others now.
  virtual void OnControlWritten() {}

  // Set by the constructors of derived classes, then by SetFormat() and SetRate().
  FrameFormat format_;
  Rate rate_;

 private:
  void RequireIdle(const char* what) const;

  bool capturing_ = false;
  uint32_t next_lent_ = kFirstLent;
};

// SOURCE[,key=value...] of the command line, taken apart.
struct SourceSpec {
  std::string kind;                            // before the colon: "pattern", "replay", ...
  std::string argument;                        // after the colon; empty when there is none
  std::map<std::string, std::string> options;  // every key=value, unchecked
};

// Throws Error(EINVAL) when `text` is not SOURCE[,key=value...] or a key comes twice.
SourceSpec ParseSourceSpec(std::string_view text);

// Makes the source that `spec` names, taking the options that it understands out of
// `spec.options`; what remains belongs to the caller (buffers, policy, state) or is unknown.
// Throws Error(EINVAL) with the list of known sources or the reason; ENODEV, ENOENT and the like
// when the device or file cannot be opened.
std::unique_ptr<Source> MakeSource(SourceSpec& spec);

// What stands for SOURCE on the command line, one for each kind: "pattern", "replay:FILE".
std::vector<std::string> SourceUsages();

}  // namespace grabfs
