// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/stream_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "fusefs/base/mutex.h"
#include "fusefs/vfs/stream_converter.h"

namespace grabfs {
namespace {

constexpr std::array kForms = {
    StreamForm{"stream.raw", FrameStreams::Mode::kSkip, false},
    StreamForm{"stream.y4m", FrameStreams::Mode::kSkip, true},
    StreamForm{"stream-lossless.raw", FrameStreams::Mode::kLossless, false},
    StreamForm{"stream-lossless.y4m", FrameStreams::Mode::kLossless, true},
};

void RequireFrames(const Device& device, const StreamForm& form) {
  const std::string what = device.name() + "/" + std::string(form.name);
  if (device.output()) throw Error(EOPNOTSUPP, what + ": the device takes pictures, it makes none");
  const DeviceState state = device.state();
  if (form.y4m && !CanConvertToY4m(state.format)) {
    throw Error(EOPNOTSUPP, what + ": Y4M cannot carry " + state.format.name());
  }
}

}  // namespace

std::span<const StreamForm> StreamForms() { return kForms; }

// The state of an open stream. Shared with the thread that serves it, which may run after the
// close.
class StreamReader : public std::enable_shared_from_this<StreamReader> {
 public:
  using ReadReply = OpenFile::ReadReply;

  StreamReader(std::unique_ptr<DeviceUse> use, const StreamForm& form)
      : use_(std::move(use)), form_(form) {}

  void Open(int64_t pid, FrameStreams::Permit permit) {
    pid_ = pid;
    stream_ = use_->device().streams().Open(form_.mode, std::string(form_.name), pid,
                                            std::move(permit), [weak = weak_from_this()] {
                                              if (const auto self = weak.lock()) self->OnReady();
                                            });
  }

  // False when another read is going on.
  bool Read(size_t size, bool wait, ReadReply reply) {
    {
      const std::lock_guard lock(mutex_);
      if (reading_) return false;
      reading_ = true;
    }
    try {
      Serve({size, std::move(reply)}, wait);
    } catch (...) {
      if (const auto wake = Finish()) wake();
      throw;
    }
    return true;
  }

  bool CancelRead() {
    const std::lock_guard lock(mutex_);
    if (!waiting_) return false;
    waiting_.reset();
    reading_ = false;
    return true;
  }

  bool Readable(std::function<void()> wake) {
    stream_->Come();
    if (Ready()) return true;
    {
      const std::lock_guard lock(mutex_);
      poll_wake_ = std::move(wake);
    }
    return Ready();  // a frame may have come in between
  }

 private:
  struct Request {
    size_t size;
    ReadReply reply;
  };
  // Bytes of a frame, or of the header.
  struct Chunk {
    std::span<const std::byte> bytes;
    std::weak_ptr<const FramePart> part;
    bool header = false;

    [[nodiscard]] bool GivenUp() const { return !bytes.empty() && !header && part.expired(); }
  };

  // To be called by the thread that has set reading_, without the mutex. Replies, leaves the
  // request waiting, or throws.
  void Serve(Request request, bool wait) {
    stream_->Come();
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        something_happened_ = false;
      }
      if (chunk_.GivenUp()) chunk_ = {};
      if (!chunk_.bytes.empty() || ended_) {
        if (Deliver(request)) return;
      } else if (!Advance()) {
        if (!wait) throw Error(EAGAIN, std::string(form_.name) + ": no frame now");
        if (Park(request)) return;
      }
    }
  }

  // Finds the bytes to be delivered next. False: there are none yet.
  bool Advance() {
    if (const auto part = frame_.lock()) return Load(part);
    FrameStream::Taken taken = stream_->Take();
    if (auto* frame = std::get_if<FrameStream::Frame>(&taken)) {
      if (frame->skipped > 0) TellSkipped(frame->skipped);
      Begin(frame->part);
    } else if (const auto* gap = std::get_if<FrameStream::Gap>(&taken)) {
      TellSkipped(gap->count);
      throw Error(gap->code, std::string(form_.name) + ": " + std::to_string(gap->count) +
                                 " frames are missing here");
    } else if (const auto* end = std::get_if<FrameStream::End>(&taken)) {
      if (end->skipped > 0) TellSkipped(end->skipped);
      ended_ = true;
    }
    return !std::holds_alternative<FrameStream::Nothing>(taken);
  }

  // A stream is of one format: it ends where that changes.
  void Begin(const std::shared_ptr<const FramePart>& part) {
    const FrameFormat& format = part->frame->held.format();
    if (format_ && *format_ != format) {
      ended_ = true;
      (void)stream_->Finish();
      return;
    }
    if (form_.y4m && !format_) {
      header_ = Y4mStreamHeader(format, use_->device().state().rate);
      chunk_ = {std::as_bytes(std::span(header_)), {}, true};
    }
    format_ = format;
    frame_ = part;
  }

  // False: it is still being converted.
  bool Load(const std::shared_ptr<const FramePart>& part) {
    if (!form_.y4m) {
      chunk_ = {part->frame->held.bytes(), part, false};
    } else {
      const auto* const converted = Converted(part);
      if (converted == nullptr) return false;
      if (converted->failure) {
        PassBy(*converted->failure);
        return true;
      }
      chunk_ = {converted->bytes, part, false};
    }
    frame_.reset();
    return true;
  }

  // nullptr: not yet; OnReady() will be called.
  const StreamConverter::Converted* Converted(const std::shared_ptr<const FramePart>& part) {
    return use_->converter().Get(part->frame, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->WhenConverted();
    });
  }

  // A frame that cannot be converted: cameras that make JPEG send broken ones now and then, and
  // players and encoders end at an error. Only who wants each frame gets one.
  void PassBy(const Error& error) {
    frame_.reset();
    (void)stream_->Finish();
    TellSkipped(1);
    if (form_.mode == FrameStreams::Mode::kSkip) return;
    throw Error(error.code(), std::string(form_.name) + ": " + error.what());
  }

  // The end of the file is an empty reply, every time. False: the frame was released, because the
  // reader had not come for long.
  bool Deliver(const Request& request) {
    const auto part = chunk_.part.lock();  // keeps the bytes of the reply
    if (chunk_.GivenUp()) return false;
    const auto piece = chunk_.bytes.first(std::min(request.size, chunk_.bytes.size()));
    const bool last = part != nullptr && piece.size() == chunk_.bytes.size();
    chunk_.bytes = chunk_.bytes.subspan(piece.size());
    if (last && !stream_->Finish()) return false;
    Answer(request, piece, nullptr);
    return true;
  }

  // Before the reply, because the next read or the close may come before it has returned.
  void Answer(const Request& request, std::span<const std::byte> piece, const Error* error) {
    const auto self = shared_from_this();
    const auto wake = Finish();
    request.reply(piece, error);
    if (wake) wake();
  }

  // False: a frame came since the last look.
  bool Park(Request& request) {
    const std::lock_guard lock(mutex_);
    if (something_happened_) return false;
    waiting_ = std::move(request);
    return true;
  }

  // Returns the waiting poll callback: there may be more to read.
  [[nodiscard]] std::function<void()> Finish() {
    const std::lock_guard lock(mutex_);
    reading_ = false;
    return std::exchange(poll_wake_, nullptr);
  }

  bool Ready() {
    const std::lock_guard lock(mutex_);
    if (reading_) return false;
    if (ended_ || (!chunk_.bytes.empty() && !chunk_.GivenUp())) return true;
    const auto part = frame_.lock();
    return part ? Converted(part) != nullptr : stream_->Ready();
  }

  // Runs in the delivery thread of the device.
  void OnReady() {
    std::function<void()> wake;
    std::optional<Request> request;
    {
      const std::lock_guard lock(mutex_);
      something_happened_ = true;
      wake = std::exchange(poll_wake_, nullptr);
      request = std::exchange(waiting_, std::nullopt);
    }
    if (request) Resume(*request);
    if (wake) wake();
  }

  // Runs in a converter thread, which must not spend its time on replies.
  void WhenConverted() {
    use_->device().PostDelivery([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->OnReady();
    });
  }

  void Resume(const Request& request) {
    try {
      Serve(request, true);
    } catch (...) {
      const Error error = ErrorFrom(std::current_exception());
      Answer(request, {}, &error);
    }
  }

  void TellSkipped(uint64_t count) {
    use_->device().events().Append(
        "skip", {{"file", form_.name}, {"pid", static_cast<uint64_t>(pid_)}, {"count", count}});
  }

  const std::unique_ptr<DeviceUse> use_;
  const StreamForm& form_;
  int64_t pid_ = 0;
  std::unique_ptr<FrameStream> stream_;

  Mutex mutex_;           // guards the five below; before the streams' and the converter's
  bool reading_ = false;  // a read is being served or waits
  bool something_happened_ = false;
  std::optional<Request> waiting_;
  std::function<void()> poll_wake_;

  // Of the read that is being served, or guarded by mutex_ while none is:
  Chunk chunk_;                           // what is left of what is being read
  std::weak_ptr<const FramePart> frame_;  // what comes after it, if that is known
  std::string header_;
  std::optional<FrameFormat> format_;
  bool ended_ = false;
};

StreamFile::StreamFile(std::unique_ptr<DeviceUse> use, const StreamForm& form, int64_t pid,
                       FrameStreams::Permit permit)
    : reader_([&] {
        RequireFrames(use->device(), form);
        return std::make_shared<StreamReader>(std::move(use), form);
      }()) {
  reader_->Open(pid, std::move(permit));
}

StreamFile::~StreamFile() { reader_->CancelRead(); }

void StreamFile::Read(uint64_t /*offset*/, size_t size, bool wait, ReadReply reply) {
  if (!reader_->Read(size, wait, std::move(reply))) {
    throw Error(EBUSY, "another read() of the same open stream is waiting");
  }
}

bool StreamFile::CancelRead() { return reader_->CancelRead(); }

bool StreamFile::Readable(std::function<void()> wake) { return reader_->Readable(std::move(wake)); }

}  // namespace grabfs
