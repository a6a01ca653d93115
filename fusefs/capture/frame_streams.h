// SPDX-License-Identifier: Apache-2.0
//
// The frames of one device one after the other, for every reader of its stream files. A reader
// starts with the next frame. If it is slow, then either it skips what has been recycled meanwhile,
// and is told how many frames that were; or it is *lossless*: each new frame is held for it until
// it takes it, so that capture finds no buffer at last, and the reader is told of the frames that
// were dropped at the place where they are missing.
//
//     capture ──Frame──▶ recent frames ──Take──▶ reader that skips      (held from Take on)
//                 └────▶ queue of each lossless reader ──Take──▶        (held from Frame on)
//
// Threads: any; Frame(), Lost() and End() are called by the capture thread, in the order in which
// things happened. Callbacks run without a lock held.
#pragma once

#include <cerrno>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fusefs/capture/held_frame.h"
#include "fusefs/capture/pool.h"

namespace grabfs {

class FrameStream;

class FrameStreams : public std::enable_shared_from_this<FrameStreams> {
 public:
  enum class Mode { kSkip, kLossless };
  // Asked before a frame is held for a reader; what it returns, if anything, lives as long as the
  // hold. Throws Error when the reader may hold no more. Under the mutex: it must not call back.
  using Permit =
      std::function<std::shared_ptr<void>(const std::shared_ptr<Pool>& pool, uint64_t sequence)>;
  // Somebody reads.
  struct Reader {
    std::string file;
    int64_t pid;
    uint64_t frames = 0;   // taken
    uint64_t skipped = 0;  // lost to it, for whatever reason
  };

  // A frame is complete. Call it before its slot can be filled again.
  void Frame(const std::shared_ptr<Pool>& pool, uint64_t sequence);
  // `count` frames came to nothing; `code`: what lossless readers are told.
  void Lost(uint64_t count, int code);
  // Capturing has ended: who reads now gets what is left, and then the end.
  void End();
  // The same, for good.
  void Close();

  // A reader that starts with the next frame. `on_ready` is called whenever something has happened
  // that Take() may tell. Throws Error(ENODEV) after Close().
  std::unique_ptr<FrameStream> Open(Mode mode, const std::string& file, int64_t pid, Permit permit,
                                    std::function<void()> on_ready);
  [[nodiscard]] std::vector<Reader> Readers() const;

 private:
  friend class FrameStream;
  struct Announced {
    uint64_t ordinal;
    std::weak_ptr<Pool> pool;
    uint64_t sequence;
  };
  using Wakes = std::vector<std::function<void()>>;

  // With mutex_ held.
  [[nodiscard]] Wakes CollectWakes() const;

  mutable std::mutex mutex_;  // guards all below and the state of the readers; before Ring's
  std::vector<FrameStream*> readers_;
  // Numbers frames and losses alike, so that what a reader has missed is a difference. (Sequence
  // numbers will not do: a device may skip some while nothing is captured.)
  uint64_t next_ordinal_ = 0;
  std::deque<Announced> recent_;  // as many as there may be in buffers; empty without readers
  bool closed_ = false;
};

// One reader; see FrameStreams::Open().
class FrameStream {
 public:
  struct Frame {
    HeldFrame held;
    uint64_t skipped;  // directly before it; 0 for lossless readers
  };
  // Lossless readers: here so many frames are missing.
  struct Gap {
    uint64_t count;
    int code;  // errno of the latest loss: ENOBUFS for want of a buffer, EIO for a failed
               // transfer, ENOENT when somebody gave the frame up, what the permit said
  };
  struct Nothing {};  // yet
  struct End {
    uint64_t skipped;  // directly before it; 0 for lossless readers
  };
  using Taken = std::variant<Nothing, Frame, Gap, End>;

  FrameStream(std::shared_ptr<FrameStreams> streams, FrameStreams::Mode mode,
              FrameStreams::Reader reader, FrameStreams::Permit permit,
              std::function<void()> on_ready);
  ~FrameStream();
  FrameStream(const FrameStream&) = delete;
  FrameStream& operator=(const FrameStream&) = delete;

  // What comes next. A frame is held until it is destroyed. Throws what the permit does; the frame
  // can then be taken later.
  Taken Take();
  // Would Take() tell something? A frame that is there now may be recycled before it is taken.
  [[nodiscard]] bool Ready() const;

 private:
  friend class FrameStreams;
  struct Waiting {
    uint64_t ordinal;
    HeldFrame held;
  };

  // All with the streams' mutex held.
  Taken TakeRecent();
  Taken TakeQueued();
  // Lossless: a new frame.
  void Queue(const std::shared_ptr<Pool>& pool, uint64_t sequence, uint64_t ordinal);
  // Nothing is left before the end, if that has come: tells which it is.
  Taken TakeEnd();
  [[nodiscard]] bool Ended() const { return end_.has_value(); }

  const std::shared_ptr<FrameStreams> streams_;
  const FrameStreams::Mode mode_;
  const FrameStreams::Permit permit_;
  const std::function<void()> on_ready_;
  // Guarded by the streams' mutex:
  FrameStreams::Reader reader_;
  uint64_t next_;                // ordinal
  std::optional<uint64_t> end_;  // ordinal of the first frame that is not for this reader
  std::deque<Waiting> queue_;    // lossless
  int gap_code_ = EIO;           // of the latest loss
};

}  // namespace grabfs
