// SPDX-License-Identifier: Apache-2.0
//
// The frames of one device in order, for every reader of its stream files. A reader starts with the
// next frame. A slow reader either *skips* frames that were recycled meanwhile, and learns how
// many; or it is *lossless*: each new frame is reserved for it until it takes it, and if frames are
// lost all the same it gets an error at the place where they are missing.
//
//     capture ──Frame──▶ recent frames ──Take──▶ reader that skips      (held from Take on)
//                 └────▶ reserved for each lossless reader ──Take──▶    (held from Frame on)
//
// A reader *comes* when it reads or polls. Reserving begins when a lossless reader comes for the
// first time. It ends, and the reservations are released, when the reader has not come while it
// lost as many frames as the device has buffers. When it comes again it goes on with the frames
// that are still there. If no more frames may be reserved (see SharedFrames), the reader that came
// longest ago releases its newest reservation for the others, and in the end the frame that it is
// reading.
//
// Threads: any; Frame(), Lost() and End() are called by the capture thread, in the order of the
// frames. Callbacks run without a lock held.
#pragma once

#include <cerrno>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fusefs/base/mutex.h"
#include "fusefs/capture/pool.h"
#include "fusefs/capture/shared_frames.h"

namespace grabfs {

class FrameStream;

class FrameStreams : public std::enable_shared_from_this<FrameStreams> {
 public:
  enum class Mode { kSkip, kLossless };
  // Called before a frame is held for a reader. Its result, which may be null, lives as long as the
  // hold. Throws Error when the reader's user may hold no more. Called with the mutex held: it must
  // not call back.
  using Permit =
      std::function<std::shared_ptr<void>(const std::shared_ptr<Pool>& pool, uint64_t sequence)>;
  using OnReady = std::function<void()>;
  // Runs a task in another thread (the delivery thread of the device).
  using Post = std::function<void(std::function<void()> task)>;
  // What status.json shows of a reader.
  struct Reader {
    std::string file;
    int64_t pid;
    uint64_t frames = 0;   // taken
    uint64_t skipped = 0;  // that it missed, for whatever reason

    friend bool operator==(const Reader&, const Reader&) = default;
  };

  // `post`: runs the tasks that wake readers.
  FrameStreams(std::shared_ptr<SharedFrames> frames, Post post)
      : frames_(std::move(frames)), post_(std::move(post)) {}

  // A frame is complete. Call it before its slot can be filled again.
  void Frame(const std::shared_ptr<Pool>& pool, uint64_t sequence);
  // `count` frames were lost; `code`: the errno value for lossless readers.
  void Lost(uint64_t count, int code);
  // Capturing has ended: readers get the remaining frames, and then the end of the file.
  void End();
  // The same, and no reader can be added any more.
  void Close();

  // Adds a reader that starts with the next frame. `on_ready` is called whenever Take() may return
  // something new. Throws Error(ENODEV) after Close().
  std::unique_ptr<FrameStream> Open(Mode mode, const std::string& file, int64_t pid, Permit permit,
                                    OnReady on_ready);
  [[nodiscard]] std::vector<Reader> Readers() const;

 private:
  friend class FrameStream;
  struct Announced {
    uint64_t ordinal;
    std::weak_ptr<Pool> pool;
    uint64_t sequence;
  };
  // Has the reader that came longest ago, before `reader`, release a frame; with mutex_ held.
  // False: there is none.
  bool MakeRoomFor(const FrameStream& reader);
  // Has on_ready called for all readers, by `post`.
  void Wake();
  void WakeNow();

  const std::shared_ptr<SharedFrames> frames_;
  const Post post_;

  mutable Mutex mutex_;  // guards all below and the state of the readers; before SharedFrames'
  std::vector<FrameStream*> readers_;
  // The ordinals count frames and losses alike, so that the number of missed frames is a
  // difference. (Sequence numbers will not do: a device may skip some while it does not capture.)
  uint64_t next_ordinal_ = 0;
  std::deque<Announced> recent_;  // as many as there may be in buffers; empty without readers
  uint64_t buffers_ = 1;          // of the device, when the last frame came
  bool waking_ = false;           // WakeNow() has been posted
  bool closed_ = false;
};

// One reader; see FrameStreams::Open().
class FrameStream {
 public:
  struct Frame {
    // The stream keeps a reference, too, until Finish(), the next Take(), or until it must release
    // the frame. A caller that must not hold the frame longer than that keeps a weak pointer.
    std::shared_ptr<const FramePart> part;
    uint64_t skipped;  // directly before it; 0 for lossless readers
  };
  // Lossless readers: `count` frames are missing here.
  struct Gap {
    uint64_t count;
    int code;  // errno of the latest loss: ENOBUFS: no buffer was free; EIO: a failed transfer;
               // ENOENT: the frame was unlinked; or what the permit threw
  };
  struct Nothing {};  // yet
  struct End {
    uint64_t skipped;  // directly before it; 0 for lossless readers
  };
  using Taken = std::variant<Nothing, Frame, Gap, End>;

  FrameStream(std::shared_ptr<FrameStreams> streams, FrameStreams::Mode mode,
              FrameStreams::Reader reader, FrameStreams::Permit permit,
              FrameStreams::OnReady on_ready);
  ~FrameStream();
  FrameStream(const FrameStream&) = delete;
  FrameStream& operator=(const FrameStream&) = delete;

  // The reader comes, and gets what is next. Throws what the permit throws; the frame can then be
  // taken later.
  Taken Take();
  // The reader has read the frame that it took last to its end. False: the frame was released
  // before, and counts as missing.
  [[nodiscard]] bool Finish();
  // The reader comes, to poll: would Take() return anything but Nothing? A frame that is there now
  // may be recycled before it is taken.
  [[nodiscard]] bool Ready();
  // The reader comes, to read more of the frame that it took last.
  void Come();

 private:
  friend class FrameStreams;
  using Announced = FrameStreams::Announced;

  // All with the streams' mutex held.
  void ComeLocked();
  Taken TakeRecent();
  Taken TakeReserved();
  Taken Give(uint64_t ordinal, std::shared_ptr<const FramePart> part);
  // No frame is left: returns Nothing, or the end if it has come, with a Gap before it.
  Taken TakeEnd();
  // Lossless: a new frame.
  void Reserve(const Announced& announced);
  // Reserves the frames that could not be reserved when they came and that are still there.
  void ReserveTheRest();
  // 0, or errno.
  int TryReserve(const Announced& announced);
  // Holds the next frame for Take() although it could not be reserved, if it is still there.
  void HoldNext();
  // Lossless: `count` frames were lost, or could not be reserved.
  void Miss(uint64_t count, int code);
  // Releases the newest reserved frame; without any, the frame that is being read. False: none.
  bool GiveUpOne();
  // Moves the reader on to `ordinal`; returns how many frames are missing before it.
  uint64_t MissingBefore(uint64_t ordinal);
  [[nodiscard]] bool Ended() const { return end_.has_value(); }
  [[nodiscard]] std::deque<Announced>::const_iterator FirstRecent() const;
  [[nodiscard]] bool IsForUs(uint64_t ordinal) const { return !end_ || ordinal < *end_; }

  const std::shared_ptr<FrameStreams> streams_;
  const FrameStreams::Mode mode_;
  const FrameStreams::Permit permit_;
  const std::shared_ptr<const FrameStreams::OnReady> on_ready_;
  // Guarded by the streams' mutex:
  FrameStreams::Reader reader_;
  uint64_t next_;                           // ordinal
  std::optional<uint64_t> end_;             // ordinal of the first frame that is not for it
  std::shared_ptr<const FramePart> taken_;  // last
  // Lossless:
  bool reserving_ = false;
  bool some_unreserved_ = false;  // of the recent frames
  uint64_t given_up_ = 0;         // released frames before next_ that no Gap has reported yet
  uint64_t came_at_ = 0;          // when it came last: the ordinal of the next frame at that time
  uint64_t missed_ = 0;           // frames lost since it came last
  std::map<uint64_t, std::shared_ptr<const FramePart>> reserved_;  // by ordinal
  int gap_code_ = ENOBUFS;                                         // of the latest loss
};

}  // namespace grabfs
