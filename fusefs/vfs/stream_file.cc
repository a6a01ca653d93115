// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/stream_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "fusefs/vfs/stream_encoder.h"

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
  if (form.y4m && !CanEncodeY4m(state.format)) {
    throw Error(EOPNOTSUPP, what + ": Y4M cannot carry " + state.format.name());
  }
}

}  // namespace

std::span<const StreamForm> StreamForms() { return kForms; }

// What is open, shared with the thread that is about to serve it: that may be late.
class StreamReader : public std::enable_shared_from_this<StreamReader> {
 public:
  using ReadReply = OpenFile::ReadReply;

  StreamReader(std::unique_ptr<DeviceUse> use, const StreamForm& form, TaskThread* tasks)
      : use_(std::move(use)), form_(form), tasks_(tasks) {}

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

  // By whoever has set reading_, without the lock. Replies, leaves the request waiting, or throws.
  void Serve(Request request, bool wait) {
    while (chunk_.bytes.empty() && !ended_) {
      FrameStream::Taken taken = stream_->Take();
      if (std::holds_alternative<FrameStream::Nothing>(taken)) {
        if (!wait) throw Error(EAGAIN, std::string(form_.name) + ": no frame now");
        return Park(std::move(request));
      }
      Accept(std::move(taken));
    }
    Deliver(std::move(request));
  }

  void Accept(FrameStream::Taken taken) {
    if (auto* frame = std::get_if<FrameStream::Frame>(&taken)) {
      if (frame->skipped > 0) TellSkipped(frame->skipped);
      Begin(std::move(frame->held));
    } else if (const auto* gap = std::get_if<FrameStream::Gap>(&taken)) {
      TellSkipped(gap->count);
      throw Error(gap->code, std::string(form_.name) + ": " + std::to_string(gap->count) +
                                 " frames are missing here");
    } else if (const auto* end = std::get_if<FrameStream::End>(&taken)) {
      if (end->skipped > 0) TellSkipped(end->skipped);
      ended_ = true;
    }
  }

  // A stream is of one format: it ends where that changes.
  void Begin(HeldFrame frame) {
    if (format_ && *format_ != frame.format()) {
      ended_ = true;
      return;
    }
    const FrameFormat format = frame.format();
    chunk_ = form_.y4m ? EncodeY4m(frame, !format_, use_->device().state().rate)
                       : PassOn(std::move(frame));
    format_ = format;
  }

  // The end of the file is an empty reply, for ever.
  void Deliver(Request request) {
    const auto part = chunk_.bytes.first(std::min(request.size, chunk_.bytes.size()));
    chunk_.bytes = chunk_.bytes.subspan(part.size());
    // What is replied stays valid while the next read takes the frame after it.
    const auto owner = chunk_.bytes.empty() ? std::exchange(chunk_.owner, nullptr) : chunk_.owner;
    Answer(request, part, nullptr);
  }

  // The next read may come before the reply has returned.
  void Answer(const Request& request, std::span<const std::byte> part, const Error* error) {
    const auto wake = Finish();
    request.reply(part, error);
    if (wake) wake();
  }

  void Park(Request request) {
    {
      const std::lock_guard lock(mutex_);
      waiting_ = std::move(request);
    }
    if (stream_->Ready()) OnReady();  // it came in between
  }

  // Returns who polls meanwhile: there may be more to be read.
  [[nodiscard]] std::function<void()> Finish() {
    const std::lock_guard lock(mutex_);
    reading_ = false;
    return std::exchange(poll_wake_, nullptr);
  }

  bool Ready() {
    const std::lock_guard lock(mutex_);
    return !reading_ && (!chunk_.bytes.empty() || ended_ || stream_->Ready());
  }

  // Often by the capture thread, which has no time to copy frames.
  void OnReady() {
    std::function<void()> wake;
    {
      const std::lock_guard lock(mutex_);
      wake = std::exchange(poll_wake_, nullptr);
      if (waiting_) {
        tasks_->Post([weak = weak_from_this()] {
          if (const auto self = weak.lock()) self->Resume();
        });
      }
    }
    if (wake) wake();
  }

  void Resume() {
    std::optional<Request> request;
    {
      const std::lock_guard lock(mutex_);
      request = std::exchange(waiting_, std::nullopt);
    }
    if (!request) return;
    try {
      Serve(*request, true);
    } catch (const Error& error) {
      Answer(*request, {}, &error);
    } catch (const std::bad_alloc&) {
      const Error error(ENOMEM, std::string(form_.name) + ": no memory for a frame");
      Answer(*request, {}, &error);
    }
  }

  void TellSkipped(uint64_t count) {
    use_->device().events().Append(
        "skip", {{"file", form_.name}, {"pid", static_cast<uint64_t>(pid_)}, {"count", count}});
  }

  const std::unique_ptr<DeviceUse> use_;
  const StreamForm& form_;
  TaskThread* const tasks_;
  int64_t pid_ = 0;
  std::unique_ptr<FrameStream> stream_;

  std::mutex mutex_;      // guards the four below; before the streams'
  bool reading_ = false;  // a read is being served or waits
  std::optional<Request> waiting_;
  std::function<void()> poll_wake_;

  // Of the read that is being served:
  StreamChunk chunk_;  // what is left of the frame
  std::optional<FrameFormat> format_;
  bool ended_ = false;
};

StreamFile::StreamFile(std::unique_ptr<DeviceUse> use, const StreamForm& form, int64_t pid,
                       FrameStreams::Permit permit, TaskThread* tasks)
    : reader_([&] {
        RequireFrames(use->device(), form);
        return std::make_shared<StreamReader>(std::move(use), form, tasks);
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
