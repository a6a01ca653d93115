// SPDX-License-Identifier: Apache-2.0
//
// Captures from a V4L2 device. It has the driver's buffers only while it captures, so that other
// programs can use and configure a stopped device.
//
//                 Queue            frame
//     (ring) ──────────────▶ queued ─────▶ (ring)
//
// The first frames after new memory is bound are checked (poison.h). If the driver reports a frame,
// but has not written to the memory, its I/O method is not used any more.
#include "fusefs/source/v4l2/v4l2.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <random>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/source/options.h"
#include "fusefs/source/v4l2/controls.h"
#include "fusefs/source/v4l2/format.h"
#include "fusefs/source/v4l2/identity.h"
#include "fusefs/source/v4l2/io.h"
#include "fusefs/source/v4l2/poison.h"
#include "fusefs/source/v4l2/sequence.h"
#include "fusefs/source/v4l2/waiter.h"

namespace grabfs {
namespace {

using Kind = Completion::Kind;

// How many buffers are queued ahead: enough for the delays of the daemon. Not more, because queued
// buffers show no frames.
constexpr size_t kMaxQueued = 4;
// One buffer that is being filled, and one for the next frame.
constexpr size_t kEnoughQueued = 2;
// Where frames are copied the driver's own buffers do that.
constexpr size_t kMaxQueuedToCopy = 2;
constexpr uint32_t kFramesToVerify = 4;
// A time stamp in the future is of another clock, whatever the driver says. A little of it is
// allowed, because some drivers compute when a frame should have come.
constexpr uint64_t kClockSlack = kNsPerSecond;

class V4l2 final : public Source {
 public:
  V4l2(std::shared_ptr<V4l2Device> device, std::optional<V4l2Path> forced);

  [[nodiscard]] std::string description() const override { return "v4l2:" + device_->path(); }
  [[nodiscard]] int event_fd() const override { return waiter_.fd(); }
  [[nodiscard]] std::map<std::string, std::string> Settings() const override;
  [[nodiscard]] std::shared_ptr<Controls> controls() const override { return controls_; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override;
  void OnSetRate(Rate rate) override;
  std::vector<std::unique_ptr<Memory>> OnAllocateBuffers(const std::string& name,
                                                         uint32_t count) override;
  void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) override;
  void OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) override;
  void OnDetach(uint32_t buffer) override;
  void OnStart(uint64_t frames) override;
  void OnExtend(uint64_t frames) override {
    if (due_) *due_ += frames;
  }
  void OnStop() override;
  uint32_t OnWanted() override;
  void OnQueue(uint32_t buffer) override;
  void OnStarve() override { starving_ = true; }
  [[nodiscard]] bool NeedsOneNow() const override {
    return queued_ < std::max<size_t>(least_queued_, kEnoughQueued);
  }
  std::optional<Completion> OnDequeue() override;
  void OnControlWritten() override;

 private:
  struct Slot {
    std::shared_ptr<Memory> memory;
    bool queued = false;
    std::optional<uint64_t> poison;  // its seed
  };

  void TakeFormat(V4l2Format format);
  void RestoreFormat();
  void ChoosePath();
  void OpenIo();
  void CloseIo();
  void Submit(uint32_t buffer);
  std::optional<Completion> Look();
  Completion Judge(V4l2Io::Done done);
  std::string WhyBad(const V4l2Io::Done& done, Slot& slot);
  [[nodiscard]] std::optional<size_t> StaleFrom(const V4l2Io::Done& done, Slot& slot);
  void FallBack(const std::string& reason);
  Completion Gone();

  const std::shared_ptr<V4l2Device> device_;
  const std::string serial_;  // of USB devices that have one
  const std::optional<V4l2Path> forced_;
  const std::shared_ptr<Controls> controls_;
  V4l2Waiter waiter_;
  V4l2Format wire_;  // the device's format; format_ was made from it
  bool compressed_ = false;
  std::optional<V4l2Path> path_;  // nullopt: not known yet
  std::string reason_;            // why that one
  std::map<V4l2Path, std::string> unfit_;
  uint32_t least_queued_ = 1;       // the driver does not begin with fewer
  bool large_pages_ = false;        // of the bound buffers
  std::map<uint32_t, Slot> slots_;  // bound and attached
  size_t bound_ = 0;
  size_t queued_ = 0;
  uint32_t unverified_ = 0;
  // Frames of a limited capture that have not come yet. A camera captures until it is stopped, and
  // each further buffer that it fills would cost an older frame.
  std::optional<uint64_t> due_;
  std::mt19937_64 seeds_{std::random_device{}()};
  V4l2Sequence sequence_;
  bool starving_ = false;  // there was no buffer for it the last time
  bool gone_ = false;
  std::unique_ptr<V4l2Io> io_;  // while capturing
};

V4l2::V4l2(std::shared_ptr<V4l2Device> device, std::optional<V4l2Path> forced)
    : device_(std::move(device)),
      serial_(UsbSerial(device_->fd())),
      forced_(forced),
      controls_(MakeV4l2Controls(device_)) {
  device_->WatchSource();
  TakeFormat(device_->GetFormat());
  rate_ = device_->GetRate().value_or(Rate{});
}

std::map<std::string, std::string> V4l2::Settings() const {
  return {{"driver", device_->driver()},
          {"card", device_->card()},
          {"bus", device_->bus()},
          {"serial", serial_},
          {"io", std::string(path_ ? PathName(*path_) : "unknown")},
          {"io_reason", reason_}};
}

// --- Format and rate

void V4l2::TakeFormat(V4l2Format format) {
  const auto same = [&](const V4l2Encoding& encoding) { return encoding.fourcc == format.fourcc; };
  const auto encodings = device_->Encodings();
  const auto found = std::ranges::find_if(encodings, same);
  compressed_ = found != encodings.end() && found->compressed;
  format_ = ToFrameFormat(format);
  if (format_.bytes == 0) throw Error(EINVAL, device_->path() + ": its pictures have no size");
  wire_ = std::move(format);
  path_.reset();
}

FrameFormat V4l2::OnSetFormat(const FormatRequest& request) {
  TakeFormat(NegotiateFormat(*device_, request));
  try {
    (void)NegotiateRate(*device_, wire_, rate_);
  } catch (const Error&) {
    rate_ = device_->GetRate().value_or(Rate{});
  }
  return format_;
}

void V4l2::OnSetRate(Rate rate) {
  try {
    (void)NegotiateRate(*device_, wire_, rate);
  } catch (const Error& error) {
    if (error.code() != EBUSY || !capturing()) throw;
    throw Error(EBUSY, "this driver changes its rate only when it is stopped: stop first");
  }
}

// Another input may have another format. Drivers refuse such a change while they capture.
void V4l2::OnControlWritten() {
  if (capturing() || gone_) return;
  V4l2Format now = device_->GetFormat();
  if (ToFrameFormat(now) != format_) TakeFormat(std::move(now));
  rate_ = device_->GetRate().value_or(Rate{});
}

// --- Buffers

void V4l2::ChoosePath() {
  std::string others;
  for (const V4l2Path path : kV4l2Paths) {
    if (forced_ && path != *forced_) continue;
    // A driver pins the pages as long as it captures, and such memory counts pins as a use.
    if (has_buffer_maker() && path != V4l2Path::kMmap) {
      others += (others.empty() ? "" : "; ") + std::string(PathName(path)) +
                ": the memory would see the driver's own pins";
      continue;
    }
    const auto unfit = unfit_.find(path);
    const auto why =
        unfit != unfit_.end() ? std::optional(unfit->second) : WhyNot(*device_, path, wire_);
    if (!why) {
      path_ = path;
      reason_ = forced_ ? "as asked for" : others.empty() ? "the driver takes our memory" : others;
      least_queued_ = LeastBuffers(*device_, path);
      return;
    }
    others += (others.empty() ? "" : "; ") + std::string(PathName(path)) + ": " + *why;
  }
  throw Error(EINVAL, device_->path() + ": there is no way for its frames: " + others);
}

std::vector<std::unique_ptr<Memory>> V4l2::OnAllocateBuffers(const std::string& name,
                                                             uint32_t count) {
  CheckMemoryAvailable(count, format_.bytes);
  if (!path_) {
    try {
      ChoosePath();
    } catch (const Error& error) {
      if (error.code() != EBUSY) throw;
      reason_ = error.what();
    }
  }
  // While the I/O method is not known, the memory must suit all of them.
  large_pages_ = path_ && *path_ != V4l2Path::kDmabuf;
  std::vector<std::unique_ptr<Memory>> buffers;
  while (buffers.size() < count) {
    buffers.push_back(AllocateMemory(name + "/" + std::to_string(buffers.size()), format_.bytes,
                                     large_pages_ ? PageSize::kLarge : PageSize::kSmall));
  }
  return buffers;
}

void V4l2::OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) {
  slots_.clear();
  for (uint32_t i = 0; i < buffers.size(); ++i) slots_[i].memory = buffers[i];
  bound_ = buffers.size();
  unverified_ = kFramesToVerify;
}

void V4l2::OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) {
  if (path_ == V4l2Path::kDmabuf) {
    throw Error(EINVAL, device_->path() +
                            ": with io=dmabuf the device writes into its own buffers only: use "
                            "io=userptr or io=mmap");
  }
  slots_[buffer].memory = std::move(memory);
}

void V4l2::OnDetach(uint32_t buffer) {
  slots_.erase(buffer);
  if (io_) io_->Forget(buffer);
}

// --- Capturing

void V4l2::OnStart(uint64_t frames) {
  if (gone_) throw Error(ENODEV, device_->path() + ": the device has been unplugged");
  (void)device_->SourceChanged();
  RestoreFormat();
  if (!path_) ChoosePath();
  if (bound_ < least_queued_) {
    throw Error(EINVAL, device_->path() + ": the driver needs " + std::to_string(least_queued_) +
                            " buffers to begin: set buffers_count to more than that");
  }
  due_ = frames > 0 ? std::optional(frames) : std::nullopt;
  OpenIo();
}

// Another program may have changed the format while the device was stopped.
void V4l2::RestoreFormat() {
  if (ToFrameFormat(device_->GetFormat()) == format_) return;
  const FrameFormat now = ToFrameFormat(device_->SetFormat(wire_));
  if (now == format_) return;
  throw Error(EINVAL, device_->path() + ": the device makes " + now.name() + " " +
                          std::to_string(now.width) + "x" + std::to_string(now.height) +
                          " now (another signal?): set width and height to that");
}

void V4l2::OpenIo() {
  io_ = MakeV4l2Io(*device_, *path_, wire_, slots_.size());
  try {
    device_->StreamOn();
    waiter_.Watch(device_->fd());
  } catch (const Error&) {
    io_.reset();
    throw;
  }
  sequence_.Begin();
}

void V4l2::CloseIo() {
  waiter_.Unwatch(device_->fd());
  io_.reset();
  for (auto& [buffer, slot] : slots_) slot.queued = false;
  queued_ = 0;
}

void V4l2::OnStop() { CloseIo(); }

uint32_t V4l2::OnWanted() {
  if (!io_ || due_ == uint64_t{0}) return 0;
  const size_t share = io_->direct() ? std::clamp<size_t>(bound_ / 2, 1, kMaxQueued)
                                     : std::clamp<size_t>(bound_ / 4, 1, kMaxQueuedToCopy);
  const size_t useful = due_ ? std::min<uint64_t>(share, *due_) : share;
  const size_t ahead = std::max<size_t>(useful, least_queued_);
  return ahead > queued_ ? static_cast<uint32_t>(ahead - queued_) : 0;
}

void V4l2::OnQueue(uint32_t buffer) {
  const auto slot = slots_.find(buffer);
  if (slot == slots_.end() || slot->second.queued || !io_) {
    throw Error(EINVAL, "queue: buffer " + std::to_string(buffer) + " is not wanted");
  }
  Submit(buffer);
}

void V4l2::Submit(uint32_t buffer) {
  Slot& slot = slots_.at(buffer);
  slot.poison.reset();
  if (unverified_ > 0 && io_->direct()) {
    slot.poison = seeds_();
    Poison(slot.memory->bytes().first(format_.bytes), *slot.poison);
  }
  try {
    io_->Queue(buffer, *slot.memory);
  } catch (const Error& error) {
    if (error.code() != ENODEV) throw;  // Dequeue() reports that the device is gone
  }
  slot.queued = true;
  ++queued_;
  starving_ = false;
}

// --- Frames

std::optional<Completion> V4l2::OnDequeue() {
  if (gone_) return std::nullopt;
  try {
    return Look();
  } catch (const Error& error) {
    if (error.code() == ENODEV) return Gone();
    throw;
  }
}

std::optional<Completion> V4l2::Look() {
  const bool tick = waiter_.Clear();
  if (!io_) {
    if (tick) device_->Ping();
    return std::nullopt;
  }
  if (device_->SourceChanged()) {
    throw Error(EIO, device_->path() +
                         ": the signal has changed: stop, set width and height (digital inputs: "
                         "controls/dv_timings to auto), start");
  }
  // The driver keeps the frame, to be copied when memory is queued, unless the caller has none.
  if (!io_->direct() && queued_ == 0 && !starving_) return std::nullopt;
  auto done = io_->Dequeue();
  if (!done) return std::nullopt;
  return Judge(std::move(*done));
}

Completion V4l2::Judge(V4l2Io::Done done) {
  if (due_ && *due_ > 0) --*due_;
  const uint64_t now = MonotonicNs();
  const V4l2Filled& filled = done.filled;
  const bool monotonic =
      (filled.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
  Completion completion = {.sequence = sequence_.Next(filled.sequence),
                           .timestamp_ns = monotonic && filled.timestamp_ns <= now + kClockSlack
                                               ? filled.timestamp_ns
                                               : now,
                           .bytes_used = std::min(done.bytes_used, format_.bytes),
                           .flags = filled.flags,
                           .origin = {.received_ns = now,
                                      .device_ns = filled.timestamp_ns,
                                      .field = filled.field,
                                      .timecode = filled.timecode}};
  if (!done.buffer) {
    completion.kind = Kind::kDropped;
    completion.reason = "no free buffer";
    return completion;
  }
  Slot& slot = slots_.at(*done.buffer);
  slot.queued = false;
  --queued_;
  completion.buffer = *done.buffer;
  completion.reason = WhyBad(done, slot);
  if (!completion.reason.empty()) completion.kind = Kind::kError;
  return completion;
}

// Why the frame is no good; empty: it is good.
std::string V4l2::WhyBad(const V4l2Io::Done& done, Slot& slot) {
  if ((done.filled.flags & V4L2_BUF_FLAG_ERROR) != 0) {
    return "the driver says that the picture is damaged";
  }
  if (done.bytes_used == 0) return "the driver gave no picture";
  const auto stale = StaleFrom(done, slot);
  if (!stale) return {};
  const std::string reason = "the driver did not write to the memory it was given, from byte " +
                             std::to_string(*stale) + " on, though it said so";
  FallBack(reason);
  return reason + ": io is " + std::string(PathName(*path_)) + " now";
}

std::optional<size_t> V4l2::StaleFrom(const V4l2Io::Done& done, Slot& slot) {
  if (!slot.poison) return std::nullopt;
  const uint64_t seed = *std::exchange(slot.poison, std::nullopt);
  if (unverified_ > 0) --unverified_;
  const uint64_t bytes = std::min(done.bytes_used, format_.bytes);
  return FindPoison(slot.memory->bytes().first(bytes), seed);
}

void V4l2::FallBack(const std::string& reason) {
  unfit_[*path_] = reason;
  // Nor would a dma-buf do: drivers see only the first page of a huge page of it (udmabuf.h).
  if (large_pages_) unfit_.try_emplace(V4l2Path::kDmabuf, "the buffers have large pages");
  std::vector<uint32_t> waiting;
  for (const auto& [buffer, slot] : slots_) {
    if (slot.queued) waiting.push_back(buffer);
  }
  CloseIo();
  unverified_ = kFramesToVerify;
  ChoosePath();
  LogWarning(device_->path() + ": " + reason + ": io is " + std::string(PathName(*path_)) + " now");
  OpenIo();
  for (const uint32_t buffer : waiting) Submit(buffer);
}

// Closes the node, because only that ends all DMA to the memory.
Completion V4l2::Gone() {
  gone_ = true;
  CloseIo();
  device_->Close();
  return {.kind = Kind::kGone, .reason = device_->path() + " has been unplugged"};
}

// --- Options

std::optional<V4l2Path> TakePath(SourceSpec& spec) {
  const auto name = TakeOption(spec, "io");
  if (!name || *name == "auto") return std::nullopt;
  if (const auto path = ParsePath(*name)) return path;
  throw Error(EINVAL, "io=" + *name + ": use auto, userptr, dmabuf or mmap");
}

// As TakeFormatOptions(), but any fourcc may be one of the device's.
FormatRequest TakeFormat(SourceSpec& spec) {
  const auto name = TakeOption(spec, "format");
  FormatRequest request = TakeFormatOptions(spec);
  if (!name) return request;
  request.fourcc = ParseFourcc(*name);
  if (!request.fourcc) throw Error(EINVAL, "format=" + *name + ": is no four-character code");
  return request;
}

void ApplyControl(SourceSpec& spec, Source& source, const std::string& name) {
  if (const auto value = TakeOption(spec, name)) source.SetControl(name, *value);
}

}  // namespace

std::unique_ptr<Source> MakeV4l2(SourceSpec& spec, std::shared_ptr<V4l2Device> device) {
  const auto path = TakePath(spec);
  const FormatRequest request = TakeFormat(spec);
  const auto rate = TakeRateOption(spec);
  auto source = std::make_unique<V4l2>(std::move(device), path);
  // Formats depend on the input and the standard; these are the first two controls.
  for (const auto& control : source->controls()->names()) {
    ApplyControl(spec, *source, control.name);
  }
  if (request.fourcc || request.width || request.height) source->SetFormat(request);
  if (rate) source->SetRate(*rate);
  return source;
}

std::unique_ptr<Source> MakeV4l2(SourceSpec& spec) {
  if (spec.argument.empty()) throw Error(EINVAL, "v4l2: write v4l2:/dev/videoN");
  return MakeV4l2(spec, std::make_shared<V4l2Device>(spec.argument, OpenV4l2Port(spec.argument)));
}

}  // namespace grabfs
