// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/source.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/source/v4l2/controls.h"
#include "fusefs/source/v4l2/format.h"
#include "fusefs/source/v4l2/identity.h"
#include "fusefs/source/v4l2/poison.h"

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

}  // namespace

V4l2Source::V4l2Source(std::shared_ptr<V4l2Device> device, std::optional<V4l2Path> forced)
    : device_(std::move(device)),
      serial_(UsbSerial(device_->fd())),
      controls_(MakeV4l2Controls(device_)),
      choice_(forced) {
  device_->WatchSource();
  TakeFormat(device_->GetFormat());
  rate_ = device_->GetRate().value_or(Rate{});
}

std::map<std::string, std::string> V4l2Source::Settings() const {
  return {{"driver", device_->driver()},
          {"card", device_->card()},
          {"bus", device_->bus()},
          {"serial", serial_},
          {"io", std::string(choice_.path() ? PathName(*choice_.path()) : "unknown")},
          {"io_reason", choice_.reason()}};
}

// --- Format and rate

void V4l2Source::TakeFormat(V4l2Format format) {
  const auto same = [&](const V4l2Encoding& encoding) { return encoding.fourcc == format.fourcc; };
  const auto encodings = device_->Encodings();
  const auto found = std::ranges::find_if(encodings, same);
  compressed_ = found != encodings.end() && found->compressed;
  format_ = ToFrameFormat(format);
  if (format_.bytes == 0) throw Error(EINVAL, device_->path() + ": its pictures have no size");
  wire_ = std::move(format);
  choice_.Forget();
}

FrameFormat V4l2Source::OnSetFormat(const FormatRequest& request) {
  TakeFormat(NegotiateFormat(*device_, request));
  try {
    (void)NegotiateRate(*device_, wire_, rate_);
  } catch (const Error&) {
    rate_ = device_->GetRate().value_or(Rate{});
  }
  return format_;
}

void V4l2Source::OnSetRate(Rate rate) {
  try {
    (void)NegotiateRate(*device_, wire_, rate);
  } catch (const Error& error) {
    if (error.code() != EBUSY || !capturing()) throw;
    throw Error(EBUSY, "this driver changes its rate only when it is stopped: stop first");
  }
}

// Another input may have another format. Drivers refuse such a change while they capture.
void V4l2Source::OnControlWritten() {
  if (capturing() || gone_) return;
  V4l2Format now = device_->GetFormat();
  if (ToFrameFormat(now) != format_) TakeFormat(std::move(now));
  rate_ = device_->GetRate().value_or(Rate{});
}

// --- Buffers

std::vector<std::unique_ptr<Memory>> V4l2Source::OnAllocateBuffers(const std::string& name,
                                                                   uint32_t count) {
  CheckMemoryAvailable(count, format_.bytes);
  choice_.TryToChoose(*device_, wire_, has_buffer_maker());
  // While the I/O method is not known, the memory must suit all of them.
  large_pages_ = choice_.path() && *choice_.path() != V4l2Path::kDmabuf;
  std::vector<std::unique_ptr<Memory>> buffers;
  while (buffers.size() < count) {
    buffers.push_back(AllocateMemory(name + "/" + std::to_string(buffers.size()), format_.bytes,
                                     large_pages_ ? PageSize::kLarge : PageSize::kSmall));
  }
  return buffers;
}

void V4l2Source::OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) {
  slots_.clear();
  for (uint32_t i = 0; i < buffers.size(); ++i) slots_[i].memory = buffers[i];
  bound_ = buffers.size();
  unverified_ = kFramesToVerify;
}

void V4l2Source::OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) {
  if (choice_.path() == V4l2Path::kDmabuf) {
    throw Error(EINVAL, device_->path() +
                            ": with io=dmabuf the device writes into its own buffers only: use "
                            "io=userptr or io=mmap");
  }
  slots_[buffer].memory = std::move(memory);
}

void V4l2Source::OnDetach(uint32_t buffer) {
  slots_.erase(buffer);
  if (io_) io_->Forget(buffer);
}

// --- Capturing

void V4l2Source::OnStart(uint64_t frames) {
  if (gone_) throw Error(ENODEV, device_->path() + ": the device has been unplugged");
  (void)device_->SourceChanged();
  RestoreFormat();
  if (!choice_.path()) choice_.Choose(*device_, wire_, has_buffer_maker());
  const uint32_t least = choice_.least_queued();
  if (bound_ < least) {
    throw Error(EINVAL, device_->path() + ": the driver needs " + std::to_string(least) +
                            " buffers to begin: set buffers_count to more than that");
  }
  due_ = frames > 0 ? std::optional(frames) : std::nullopt;
  OpenIo();
}

// Another program may have changed the format while the device was stopped.
void V4l2Source::RestoreFormat() {
  if (ToFrameFormat(device_->GetFormat()) == format_) return;
  const FrameFormat now = ToFrameFormat(device_->SetFormat(wire_));
  if (now == format_) return;
  throw Error(EINVAL, device_->path() + ": the device makes " + now.name() + " " +
                          std::to_string(now.width) + "x" + std::to_string(now.height) +
                          " now (another signal?): set width and height to that");
}

void V4l2Source::OpenIo() {
  io_ = MakeV4l2Io(*device_, *choice_.path(), wire_, slots_.size());
  try {
    device_->StreamOn();
    waiter_.Watch(device_->fd());
  } catch (const Error&) {
    io_.reset();
    throw;
  }
  sequence_.Begin();
}

void V4l2Source::CloseIo() {
  waiter_.Unwatch(device_->fd());
  io_.reset();
  for (auto& [buffer, slot] : slots_) slot.queued = false;
  queued_ = 0;
}

void V4l2Source::OnStop() { CloseIo(); }

uint32_t V4l2Source::OnWanted() {
  if (!io_ || due_ == uint64_t{0}) return 0;
  const size_t share = io_->direct() ? std::clamp<size_t>(bound_ / 2, 1, kMaxQueued)
                                     : std::clamp<size_t>(bound_ / 4, 1, kMaxQueuedToCopy);
  const size_t useful = due_ ? std::min<uint64_t>(share, *due_) : share;
  const size_t ahead = std::max<size_t>(useful, choice_.least_queued());
  return ahead > queued_ ? static_cast<uint32_t>(ahead - queued_) : 0;
}

bool V4l2Source::NeedsOneNow() const {
  return queued_ < std::max<size_t>(choice_.least_queued(), kEnoughQueued);
}

void V4l2Source::OnQueue(uint32_t buffer) {
  const auto slot = slots_.find(buffer);
  if (slot == slots_.end() || slot->second.queued || !io_) {
    throw Error(EINVAL, "queue: buffer " + std::to_string(buffer) + " is not wanted");
  }
  Submit(buffer);
}

void V4l2Source::Submit(uint32_t buffer) {
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

std::optional<Completion> V4l2Source::OnDequeue() {
  if (gone_) return std::nullopt;
  try {
    return Look();
  } catch (const Error& error) {
    if (error.code() == ENODEV) return Gone();
    throw;
  }
}

std::optional<Completion> V4l2Source::Look() {
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

Completion V4l2Source::Judge(V4l2Io::Done done) {
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
std::string V4l2Source::WhyBad(const V4l2Io::Done& done, Slot& slot) {
  if ((done.filled.flags & V4L2_BUF_FLAG_ERROR) != 0) {
    return "the driver says that the picture is damaged";
  }
  if (done.bytes_used == 0) return "the driver gave no picture";
  const auto stale = StaleFrom(done, slot);
  if (!stale) return {};
  const std::string reason = "the driver did not write to the memory it was given, from byte " +
                             std::to_string(*stale) + " on, though it said so";
  FallBack(reason);
  return reason + ": io is " + std::string(PathName(*choice_.path())) + " now";
}

std::optional<size_t> V4l2Source::StaleFrom(const V4l2Io::Done& done, Slot& slot) {
  if (!slot.poison) return std::nullopt;
  const uint64_t seed = *std::exchange(slot.poison, std::nullopt);
  if (unverified_ > 0) --unverified_;
  const uint64_t bytes = std::min(done.bytes_used, format_.bytes);
  return FindPoison(slot.memory->bytes().first(bytes), seed);
}

void V4l2Source::FallBack(const std::string& reason) {
  choice_.Exclude(*choice_.path(), reason);
  // Nor would a dma-buf do: drivers see only the first page of a huge page of it (udmabuf.h).
  if (large_pages_) choice_.Exclude(V4l2Path::kDmabuf, "the buffers have large pages");
  std::vector<uint32_t> waiting;
  for (const auto& [buffer, slot] : slots_) {
    if (slot.queued) waiting.push_back(buffer);
  }
  CloseIo();
  unverified_ = kFramesToVerify;
  choice_.Choose(*device_, wire_, has_buffer_maker());
  LogWarning(device_->path() + ": " + reason + ": io is " + std::string(PathName(*choice_.path())) +
             " now");
  OpenIo();
  for (const uint32_t buffer : waiting) Submit(buffer);
}

// Closes the node, because only that ends all DMA to the memory.
Completion V4l2Source::Gone() {
  gone_ = true;
  CloseIo();
  device_->Close();
  return {.kind = Kind::kGone, .reason = device_->path() + " has been unplugged"};
}

}  // namespace grabfs
