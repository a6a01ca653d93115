// SPDX-License-Identifier: Apache-2.0
//
// Capturing through the module. A buffer that the daemon has handed over is in one of two states:
//
//              Queue                      record
//     (ring) ─────────▶ queued ──────────────────▶ (ring)
//              │           ▲
//              ▼           │ idle record
//             held ────────┘           held: a reader opened it just before it was queued
//
// A limited capture consists of *runs*. A run is one START of the module with a number of frames.
// The first run is one frame that is due at once, as a trigger expects. The second is the rest, at
// the rate. When no buffer is free in a capture without a rate, a run of one frame makes that frame
// due, so that the module counts it as lost.
#include "fusefs/source/grabdma/grabdma.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <limits>
#include <map>
#include <unordered_map>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/source/grabdma/memory.h"
#include "fusefs/source/grabdma/numbers.h"
#include "fusefs/source/grabdma/output.h"
#include "fusefs/source/options.h"

namespace grabfs {
namespace {

using Kind = Completion::Kind;

constexpr Rate kDefaultRate = {30, 1};
constexpr uint64_t kMaxIntervalNs = 3600 * kNsPerSecond;  // of START
constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
// How often an unpaced capture without a free buffer loses a frame.
constexpr uint64_t kStarvedIntervalNs = 1'000'000;
// How many buffers are queued ahead beyond those that are being filled: enough for the delays of
// the daemon. Not more, because queued buffers show no frames.
constexpr size_t kQueuedBehind = 3;
constexpr size_t kRecordsAtOnce = 16;

struct Strategy {
  const char* name;
  uint32_t flag;
};
constexpr Strategy kStrategies[] = {
    {"large", GRABDMA_ALLOC_LARGE},
    {"pages", GRABDMA_ALLOC_PAGES},
    {"contiguous", GRABDMA_ALLOC_CONTIGUOUS},
};

// What an output device is given: its unit of transfer is a page.
constexpr Strategy kOutputDefault = kStrategies[1];

Strategy TakeStrategy(SourceSpec& spec, Strategy otherwise) {
  const std::optional<std::string> name = TakeOption(spec, "alloc");
  if (!name) return otherwise;
  for (const Strategy& strategy : kStrategies) {
    if (*name == strategy.name) return strategy;
  }
  throw Error(EINVAL, "alloc=" + *name + ": use large, pages or contiguous");
}

bool TakeOutput(SourceSpec& spec) {
  const std::string name = TakeOption(spec, "direction").value_or("capture");
  if (name == "output") return true;
  if (name == "capture") return false;
  throw Error(EINVAL, "direction=" + name + ": use capture or output");
}

bool Asks(const FormatRequest& request) {
  return request.fourcc || request.width || request.height;
}

FrameFormat ToFrameFormat(const std::string& path, const grabdma_format& format) {
  if (FindPixelFormat(format.fourcc) == nullptr) {
    throw Error(EINVAL, path + ": the adapter makes " +
                            (format.fourcc ? FourccName(format.fourcc) : "raw bytes") +
                            " unless told otherwise: give format=, width= and height=");
  }
  return {.fourcc = format.fourcc,
          .width = format.width,
          .height = format.height,
          .stride = format.stride,
          .bytes = format.bytes};
}

std::string Text(const grabdma_format_range& range) {
  return FourccName(range.fourcc) + " " + std::to_string(range.min_width) + "x" +
         std::to_string(range.min_height) + " to " + std::to_string(range.max_width) + "x" +
         std::to_string(range.max_height) + " in steps of " + std::to_string(range.step);
}

std::string Reason(const grabdma_record& record) {
  switch (record.error) {
    case EIO:
      return "the DMA transfer failed";
    case ETIMEDOUT:
      return "the device went silent in the middle of a transfer";
    default:
      return ErrnoText(record.error);
  }
}

class Grabdma final : public Source {
 public:
  Grabdma(std::shared_ptr<GrabdmaSession> session, Strategy strategy, const FormatRequest& request,
          Rate rate);

  [[nodiscard]] std::string description() const override { return "grabdma:" + session_->path(); }
  [[nodiscard]] int event_fd() const override { return session_->fd(); }
  [[nodiscard]] std::map<std::string, std::string> Settings() const override;
  [[nodiscard]] std::shared_ptr<MemoryAllocator> allocator() const override {
    return MakeGrabdmaAllocator(session_, strategy_.flag);
  }

 protected:
  [[nodiscard]] bool fills_any_memory() const override { return false; }
  FrameFormat OnSetFormat(const FormatRequest& request) override;
  void OnSetRate(Rate rate) override;
  std::vector<std::unique_ptr<Memory>> OnAllocateBuffers(const std::string& name,
                                                         uint32_t count) override;
  void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) override;
  void OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) override;
  void OnDetach(uint32_t buffer) override;
  void OnStart(uint64_t frames) override;
  void OnExtend(uint64_t frames) override;
  void OnStop() override;
  uint32_t OnWanted() override;
  void OnQueue(uint32_t buffer) override;
  void OnStarve() override;
  [[nodiscard]] bool NeedsOneNow() const override;
  std::optional<Completion> OnDequeue() override;

 private:
  enum class State { kIdle, kQueued, kHeld };
  struct Slot {
    uint32_t id = 0;  // of the module's buffer
    State state = State::kIdle;
  };

  [[noreturn]] void RefuseFormat(const FrameFormat& format);
  [[nodiscard]] size_t depth() const;
  [[nodiscard]] size_t MostQueued() const;
  void CheckRate(Rate rate) const;
  [[nodiscard]] bool limited() const { return remaining_ != kNoLimit; }
  void BeginRun(Rate rate, uint64_t frames);
  void ContinueWith(Rate rate, uint64_t frames);
  void CountFrames(uint64_t frames);
  void Submit(uint32_t index);
  void Handle(const grabdma_record& record);
  void OnResult(const grabdma_record& record);
  [[nodiscard]] FrameOrigin Origin(const grabdma_record& record) const;
  void OnIdle(uint32_t id);
  void ReportLost(const FrameNumbers::Step& step);
  void ReportDropsIfNoneInFlight();
  [[nodiscard]] bool InFlight();
  size_t ReadRecords();

  const std::shared_ptr<GrabdmaSession> session_;
  const grabdma_info info_;
  const Strategy strategy_;
  [[nodiscard]] const GrabdmaMemory& Own(const Memory& memory) const;

  std::map<uint32_t, Slot> slots_;  // bound and attached
  size_t bound_ = 0;
  std::unordered_map<uint32_t, uint32_t> slot_of_;
  size_t queued_ = 0;
  uint64_t remaining_ = 0;  // frames of this capture that have no completion yet
  uint64_t run_ = 0;        // of those, in the current run
  bool paced_ = false;      // the current run has a rate
  bool gone_ = false;
  FrameNumbers numbers_;
  std::deque<Completion> completions_;  // to be dequeued
};

Grabdma::Grabdma(std::shared_ptr<GrabdmaSession> session, Strategy strategy,
                 const FormatRequest& request, Rate rate)
    : session_(std::move(session)), info_(session_->Info()), strategy_(strategy) {
  if ((info_.directions & GRABDMA_DIRECTION_CAPTURE) == 0) {
    throw Error(EINVAL, session_->path() + ": the device does not capture");
  }
  CheckRate(rate);
  rate_ = rate;
  const grabdma_format format = session_->Format();
  if (FindPixelFormat(format.fourcc) != nullptr) format_ = ToFrameFormat(session_->path(), format);
  if (Asks(request)) {
    format_ = Grabdma::OnSetFormat(request);
  } else {
    format_ = ToFrameFormat(session_->path(), format);
  }
}

std::map<std::string, std::string> Grabdma::Settings() const {
  return {{"adapter", info_.adapter}, {"alloc", strategy_.name}, {"bus", info_.bus}};
}

// --- Format and rate

FrameFormat Grabdma::OnSetFormat(const FormatRequest& request) {
  const FrameFormat wanted = ApplyRequest(format_, request);
  try {
    return ToFrameFormat(session_->path(),
                         session_->SetFormat(wanted.fourcc, wanted.width, wanted.height));
  } catch (const Error& error) {
    if (error.code() == EINVAL) RefuseFormat(wanted);
    throw;
  }
}

void Grabdma::RefuseFormat(const FrameFormat& format) {
  std::string offers;
  for (const grabdma_format_range& range : session_->Formats()) {
    if (FindPixelFormat(range.fourcc) != nullptr)
      offers += (offers.empty() ? "" : ", ") + Text(range);
  }
  throw Error(EINVAL, session_->path() + ": the adapter cannot make " + format.name() + " " +
                          std::to_string(format.width) + "x" + std::to_string(format.height) +
                          "; it makes " + (offers.empty() ? "no pictures" : offers));
}

void Grabdma::CheckRate(Rate rate) const {
  if (rate.unlimited()) return;
  const uint64_t interval = rate.DueNs(1);
  if (interval >= info_.min_interval_ns && interval <= kMaxIntervalNs) return;
  throw Error(EINVAL, "rate " + rate.ToString() + ": this adapter takes a frame every " +
                          std::to_string(info_.min_interval_ns / 1000) + " us to every hour");
}

void Grabdma::OnSetRate(Rate rate) {
  CheckRate(rate);
  if (remaining_ == 0) return;
  // Not in the first run of a limited capture, which has no rate.
  if (run_ == remaining_) BeginRun(rate, remaining_);
}

// --- Buffers

std::vector<std::unique_ptr<Memory>> Grabdma::OnAllocateBuffers(const std::string& name,
                                                                uint32_t count) {
  CheckMemoryAvailable(count, format_.bytes);
  std::vector<std::unique_ptr<Memory>> buffers;
  buffers.reserve(count);
  try {
    while (buffers.size() < count) {
      buffers.push_back(AllocateGrabdmaMemory(session_, name + "/" + std::to_string(buffers.size()),
                                              format_.bytes, strategy_.flag));
    }
  } catch (const Error& error) {
    if (error.code() != ENOMEM) throw;
    throw Error(ENOMEM, session_->path() + ": buffer " + std::to_string(buffers.size() + 1) +
                            " of " + std::to_string(count) + " with " +
                            std::to_string(format_.bytes) + " bytes, alloc=" + strategy_.name +
                            ": not enough memory that the device can reach (the kernel log tells "
                            "more): ask for fewer or smaller buffers, or for alloc=pages");
  }
  return buffers;
}

void Grabdma::OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) {
  slots_.clear();
  slot_of_.clear();
  bound_ = 0;
  for (const std::shared_ptr<Memory>& buffer : buffers) {
    OnAttach(static_cast<uint32_t>(bound_), buffer);
    ++bound_;
  }
}

const GrabdmaMemory& Grabdma::Own(const Memory& memory) const {
  const auto* own = dynamic_cast<const GrabdmaMemory*>(&memory);
  if (own != nullptr && &own->session() == session_.get()) return *own;
  throw Error(EINVAL, session_->path() +
                          " cannot write into this memory: make it in the "
                          "directory of the device in alloc/");
}

void Grabdma::OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) {
  const uint32_t id = Own(*memory).id();
  slot_of_.emplace(id, buffer);
  slots_.emplace(buffer, Slot{.id = id});
}

void Grabdma::OnDetach(uint32_t buffer) {
  const auto slot = slots_.extract(buffer);
  if (slot) slot_of_.erase(slot.mapped().id);
}

// --- Capturing

void Grabdma::OnStart(uint64_t frames) {
  if (gone_) throw Error(ENODEV, session_->path() + ": the device has been unplugged");
  numbers_.Begin();
  remaining_ = frames == 0 ? kNoLimit : frames;
  try {
    BeginRun(limited() ? Rate{} : rate(), limited() && !rate().unlimited() ? 1 : remaining_);
  } catch (const Error&) {
    remaining_ = 0;
    throw;
  }
}

void Grabdma::BeginRun(Rate rate, uint64_t frames) {
  const bool paced = !rate.unlimited();
  session_->Start(paced ? rate.denominator : 0, paced ? rate.numerator : 0,
                  frames == kNoLimit ? 0 : frames);
  run_ = frames;
  paced_ = paced;
}

void Grabdma::OnExtend(uint64_t frames) {
  if (!limited()) return;
  const bool ended = remaining_ == 0;
  remaining_ += std::min(frames, kNoLimit - 1 - remaining_);
  if (ended && remaining_ > 0) BeginRun(Rate{}, rate().unlimited() ? remaining_ : 1);
}

// `frames` more frames are complete, failed or lost. Starts the next run after the last frame of
// one.
void Grabdma::CountFrames(uint64_t frames) {
  if (limited()) remaining_ -= std::min(frames, remaining_);
  if (run_ == kNoLimit) return;
  run_ -= std::min(frames, run_);
  if (run_ == 0 && remaining_ > 0) ContinueWith(rate(), remaining_);
}

// Like BeginRun(), in the middle of a capture. ENODEV is no error here: a GONE record will follow.
void Grabdma::ContinueWith(Rate rate, uint64_t frames) {
  try {
    BeginRun(rate, frames);
  } catch (const Error& error) {
    if (error.code() != ENODEV) throw;
  }
}

// Frames that are complete but were not dequeued are discarded: ReadRecords() ignores their
// records, because their slots are idle now.
void Grabdma::OnStop() {
  session_->Stop();
  for (auto& [buffer, slot] : slots_) slot.state = State::kIdle;
  queued_ = 0;
  remaining_ = 0;
  run_ = 0;
  while (ReadRecords() > 0) continue;
  std::erase_if(completions_, [](const Completion& completion) {
    return completion.kind != Kind::kIdle && completion.kind != Kind::kGone;
  });
}

// How many buffers the board can be filling at once. Older modules do not say.
size_t Grabdma::depth() const { return std::max<size_t>(info_.depth, 1); }

// The other half shows frames.
size_t Grabdma::MostQueued() const {
  return std::clamp<size_t>(bound_ / 2, 1, depth() + kQueuedBehind);
}

// Enough are those that are being filled, and one for the next frame.
bool Grabdma::NeedsOneNow() const { return queued_ < std::min(depth() + 1, MostQueued() + 1); }

uint32_t Grabdma::OnWanted() {
  if (gone_) return 0;
  const size_t wanted = std::min<uint64_t>(MostQueued(), remaining_);
  return wanted > queued_ ? static_cast<uint32_t>(wanted - queued_) : 0;
}

// Without a rate the module waits for a buffer, but grabfs promises that a frame without a buffer
// is lost. So this makes a frame due at once: the module counts it as dropped and gives it a
// number.
void Grabdma::OnStarve() {
  if (paced_ || queued_ > 0 || remaining_ == 0 || gone_) return;
  const uint64_t interval = std::max<uint64_t>(info_.min_interval_ns, kStarvedIntervalNs);
  ContinueWith({static_cast<uint32_t>(kNsPerSecond), static_cast<uint32_t>(interval)}, 1);
}

void Grabdma::OnQueue(uint32_t buffer) {
  const auto slot = slots_.find(buffer);
  if (slot == slots_.end() || slot->second.state != State::kIdle) {
    throw Error(EINVAL, "queue: buffer " + std::to_string(buffer) + " is not wanted");
  }
  Submit(buffer);
}

void Grabdma::Submit(uint32_t index) {
  Slot& slot = slots_[index];
  const GrabdmaSession::Queued result = session_->Queue(slot.id);
  gone_ |= result == GrabdmaSession::Queued::kGone;
  const bool queued = result == GrabdmaSession::Queued::kYes;
  slot.state = queued ? State::kQueued : State::kHeld;
  queued_ += queued;
}

// --- Records

std::optional<Completion> Grabdma::OnDequeue() {
  if (completions_.empty()) ReadRecords();
  if (completions_.empty()) return std::nullopt;
  Completion completion = std::move(completions_.front());
  completions_.pop_front();
  return completion;
}

size_t Grabdma::ReadRecords() {
  std::array<grabdma_record, kRecordsAtOnce> records;
  const size_t count = session_->Read(records);
  for (size_t i = 0; i < count; ++i) Handle(records[i]);
  if (numbers_.drops_pending()) ReportDropsIfNoneInFlight();
  return count;
}

void Grabdma::Handle(const grabdma_record& record) {
  switch (record.type) {
    case GRABDMA_RECORD_FRAME:
    case GRABDMA_RECORD_ERROR:
      return OnResult(record);
    case GRABDMA_RECORD_DROP:
      return numbers_.Drop(record.sequence, record.dropped_before);
    case GRABDMA_RECORD_IDLE:
      return OnIdle(record.buffer);
    case GRABDMA_RECORD_GONE:
      gone_ = true;
      completions_.push_back(
          {.kind = Kind::kGone, .reason = session_->path() + " has been unplugged"});
      return;
    default:
      return;  // a record of a newer module, for something that this source does not use
  }
}

void Grabdma::OnResult(const grabdma_record& record) {
  const FrameNumbers::Step step = numbers_.Frame(record.sequence, record.dropped_before);
  const auto found = slot_of_.find(record.buffer);
  if (found == slot_of_.end() || slots_[found->second].state != State::kQueued) return;
  slots_[found->second].state = State::kIdle;
  --queued_;
  ReportLost(step);
  const bool failed = record.type == GRABDMA_RECORD_ERROR;
  completions_.push_back({.kind = failed ? Kind::kError : Kind::kFrame,
                          .buffer = found->second,
                          .sequence = step.next,
                          .timestamp_ns = record.timestamp_ns,
                          .bytes_used = record.bytes_used,
                          .origin = Origin(record),
                          .reason = failed ? Reason(record) : ""});
  CountFrames(step.lost + 1);
}

// Known of boards that have a clock.
FrameOrigin Grabdma::Origin(const grabdma_record& record) const {
  if ((info_.capabilities & GRABDMA_CAP_DEVICE_TIME) == 0) return {};
  return {.received_ns = MonotonicNs(), .device_ns = record.device_time_ns};
}

void Grabdma::OnIdle(uint32_t id) {
  const auto found = slot_of_.find(id);
  if (found == slot_of_.end()) return;
  if (slots_[found->second].state == State::kHeld) {
    Submit(found->second);
  } else {
    completions_.push_back({.kind = Kind::kIdle, .buffer = found->second});
  }
}

// Two completions report any number of lost frames, the first and the last: Completion::sequence
// says that the numbers between them are lost, too.
void Grabdma::ReportLost(const FrameNumbers::Step& step) {
  Completion drop{.kind = Kind::kDropped,
                  .sequence = step.first_lost,
                  .timestamp_ns = MonotonicNs(),
                  .reason = "no buffer was ready, or the device was busy"};
  if (step.lost > 0) completions_.push_back(drop);
  drop.sequence = step.next - 1;
  if (step.lost > 1) completions_.push_back(drop);
}

void Grabdma::ReportDropsIfNoneInFlight() {
  if (InFlight()) return;  // the record of that frame comes soon and calls this again
  const FrameNumbers::Step step = numbers_.ReportDrops();
  ReportLost(step);
  CountFrames(step.lost);
}

bool Grabdma::InFlight() {
  std::vector<grabdma_buffer_entry> entries;
  for (const auto& [buffer, slot] : slots_) {
    if (slot.state != State::kQueued) continue;
    grabdma_buffer_entry entry = {};
    entry.buffer = slot.id;
    entries.push_back(entry);
  }
  if (entries.empty()) return false;
  session_->Query(entries, true);
  return std::ranges::any_of(entries, [](const grabdma_buffer_entry& entry) {
    return entry.state == GRABDMA_STATE_FILLING || entry.state == GRABDMA_STATE_DONE;
  });
}

}  // namespace

std::unique_ptr<Source> MakeGrabdma(SourceSpec& spec, std::shared_ptr<GrabdmaSession> session) {
  const bool output = TakeOutput(spec);
  const Strategy strategy = TakeStrategy(spec, output ? kOutputDefault : kStrategies[0]);
  const FormatRequest request = TakeFormatOptions(spec);
  const Rate rate = TakeRateOption(spec).value_or(kDefaultRate);
  if (output) return MakeGrabdmaOutput(std::move(session), strategy.flag, request);
  return std::make_unique<Grabdma>(std::move(session), strategy, request, rate);
}

std::unique_ptr<Source> MakeGrabdma(SourceSpec& spec) {
  if (spec.argument.empty()) throw Error(EINVAL, "grabdma: write grabdma:/dev/grabdmaN");
  return MakeGrabdma(
      spec, std::make_shared<GrabdmaSession>(spec.argument, OpenGrabdmaPort(spec.argument)));
}

std::string GrabdmaBus(const std::string& node) {
  return GrabdmaSession(node, OpenGrabdmaPort(node)).Info().bus;
}

}  // namespace grabfs
