// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/source.h"

#include <algorithm>
#include <cerrno>
#include <span>

#include "fusefs/base/clock.h"
#include "fusefs/base/log.h"
#include "fusefs/source/aravis/glib.h"

namespace grabfs {
namespace {

using Kind = Completion::Kind;

// How many buffers Aravis has at most: packets come in bursts, and the daemon has other work. Not
// more than half of all, because buffers that wait show no frames.
constexpr size_t kMaxQueued = 16;
// One that is being filled, and one for the next frame.
constexpr size_t kEnoughQueued = 2;
// Aravis gives a frame its id when the first packet has come. Until then it has this one.
constexpr uint64_t kNoId = ~uint64_t{0};
// Between the camera's first packet and now. Longer only if the wall clock was set meanwhile.
constexpr uint64_t kLongestAgeNs = 60 * kNsPerSecond;
// A camera that does not answer a software trigger was not ready for it.
constexpr uint64_t kTriggerPatienceNs = 2 * kNsPerSecond;
constexpr uint32_t kMostTriggers = 5;  // without a frame

std::string SizeText(uint32_t width, uint32_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

const char* StatusText(ArvBufferStatus status) {
  switch (status) {
    case ARV_BUFFER_STATUS_TIMEOUT:
      return "packets of the frame were lost, and did not come again";
    case ARV_BUFFER_STATUS_MISSING_PACKETS:
      return "packets of the frame were lost";
    case ARV_BUFFER_STATUS_WRONG_PACKET_ID:
      return "a packet of the frame has a wrong number";
    case ARV_BUFFER_STATUS_SIZE_MISMATCH:
      return "the frame is larger than the buffer";
    case ARV_BUFFER_STATUS_ABORTED:
      return "the transfer was broken off";
    default:
      return "the transfer failed";
  }
}

}  // namespace

AravisSource::AravisSource(std::shared_ptr<AravisCamera> camera, const AravisOptions& options,
                           const FormatRequest& request)
    : camera_(std::move(camera)),
      options_(options),
      controls_(MakeAravisControls(camera_)),
      numbers_(/*narrow=*/camera_->identity().protocol != "USB3Vision") {
  camera_->With([this](ArvCamera* arv) {
    GErrorSlot error;
    arv_camera_set_acquisition_mode(arv, ARV_ACQUISITION_MODE_CONTINUOUS, error);
    if (arv_camera_is_gv_device(arv) == FALSE) return;
    if (options_.packet_size) {
      arv_camera_gv_set_packet_size_adjustment(arv, ARV_GV_PACKET_SIZE_ADJUSTMENT_NEVER);
      arv_camera_gv_set_packet_size(arv, *options_.packet_size, error);
      error.Check("packet_size");
    }
    packet_size_ = arv_camera_gv_get_packet_size(arv, error);
  });
  TakeKnownFormat(*camera_, description());
  ReadFormat();
  rate_ = ReadRate(*camera_);
  wakeups_.Watch(camera_->event_fd());
  SetFormat(request);
}

std::map<std::string, std::string> AravisSource::Settings() const {
  const AravisIdentity& identity = camera_->identity();
  std::map<std::string, std::string> settings = {{"id", identity.id},
                                                 {"vendor", identity.vendor},
                                                 {"model", identity.model},
                                                 {"serial", identity.serial},
                                                 {"address", identity.address},
                                                 {"protocol", identity.protocol},
                                                 {"pixel_format", std::string(picture_.wire->name)},
                                                 {"payload", std::to_string(picture_.payload)}};
  if (packet_size_ > 0) settings["packet_size"] = std::to_string(packet_size_);
  if (!stream_) return settings;
  const AravisStream::Statistics statistics = stream_->statistics();
  settings["stream_completed"] = std::to_string(statistics.completed);
  settings["stream_failed"] = std::to_string(statistics.failed);
  settings["stream_underruns"] = std::to_string(statistics.underruns);
  settings["stream_resent_packets"] = std::to_string(statistics.resent_packets);
  settings["stream_missing_packets"] = std::to_string(statistics.missing_packets);
  return settings;
}

// --- Format and rate

void AravisSource::ReadFormat() {
  picture_ = ReadPicture(*camera_, description());
  format_ = picture_.format;
  for (auto& [buffer, slot] : slots_) slot.landing.reset();
}

FrameFormat AravisSource::OnSetFormat(const FormatRequest& request) {
  NegotiatePicture(*camera_, description(), picture_, request);
  ReadFormat();
  // Another size may have another highest rate.
  rate_ = ReadRate(*camera_);
  return format_;
}

void AravisSource::OnSetRate(Rate rate) {
  if (rate != rate_) NegotiateRate(*camera_, description(), rate);
}

// What was written may be the size, or another format.
void AravisSource::OnControlWritten() {
  if (capturing() || gone_) return;
  ReadFormat();
  rate_ = ReadRate(*camera_);
}

// --- Buffers

void AravisSource::OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) {
  slots_.clear();
  for (uint32_t i = 0; i < buffers.size(); ++i) slots_[i].memory = buffers[i];
  bound_ = buffers.size();
}

bool AravisSource::NeedsOneNow() const { return queued_ < kEnoughQueued; }

uint32_t AravisSource::OnWanted() {
  if (!stream_) return 0;
  const size_t share = std::clamp<size_t>(bound_ / 2, 1, kMaxQueued);
  const size_t useful = due_ ? std::min<uint64_t>(share, *due_) : share;
  return useful > queued_ ? static_cast<uint32_t>(useful - queued_) : 0;
}

void AravisSource::OnQueue(uint32_t buffer) {
  const auto found = slots_.find(buffer);
  if (found == slots_.end() || found->second.queued || !stream_) {
    throw Error(EINVAL, "queue: buffer " + std::to_string(buffer) + " is not wanted");
  }
  Slot& slot = found->second;
  if (!slot.landing) {
    slot.landing = std::make_unique<Landing>(
        slot.memory, format_.bytes, picture_.wire->WireBytes(format_.width, format_.height),
        picture_.payload);
  }
  const std::span<std::byte> payload = slot.landing->payload();
  GOwned<ArvBuffer> arv(
      arv_buffer_new_full(payload.size(), payload.data(), GUINT_TO_POINTER(buffer), nullptr));
  arv_buffer_set_frame_id(arv.get(), kNoId);
  stream_->Push(std::move(arv));
  slot.queued = true;
  ++queued_;
  if (!NeedsOneNow() || OnWanted() == 0) Begin();
  Trigger();
}

// --- Capturing

void AravisSource::OnStart(uint64_t frames) {
  if (gone_) throw Error(ENODEV, description() + ": the camera is gone");
  const uint64_t payload = picture_.payload;
  picture_.payload = camera_->With([&](ArvCamera* arv) {
    GErrorSlot error;
    const uint64_t now = arv_camera_get_payload(arv, error);
    error.Check(description() + ": PayloadSize");
    return now;
  });
  if (picture_.payload != payload) {
    for (auto& [buffer, slot] : slots_) slot.landing.reset();
  }
  due_ = frames > 0 ? std::optional(frames) : std::nullopt;
  if (due_ && options_.software_trigger && SoftwareTrigger::IsSupported(*camera_)) {
    trigger_.emplace(*camera_);
  }
  try {
    stream_ = std::make_unique<AravisStream>(*camera_, options_);
  } catch (const Error&) {
    trigger_.reset();
    throw;
  }
  numbers_.Begin();
  underruns_ = 0;
  triggers_ = 0;
  triggered_ns_ = 0;
  camera_->SetStreaming(true);
}

void AravisSource::OnExtend(uint64_t frames) {
  if (due_) *due_ += frames;
  Trigger();
}

// Tells the camera to send frames.
void AravisSource::Begin() {
  if (acquiring_ || !stream_) return;
  camera_->With([&](ArvCamera* arv) {
    GErrorSlot error;
    arv_camera_start_acquisition(arv, error);
    error.Check(description() + ": start");
  });
  acquiring_ = true;
}

// One frame after the other: a camera that is busy does not see a trigger.
void AravisSource::Trigger() {
  const bool wanted = trigger_ && acquiring_ && queued_ > 0 && due_ > uint64_t{0};
  if (!wanted || triggered_ns_ != 0) return;
  trigger_->Fire();
  ++triggers_;
  triggered_ns_ = MonotonicNs();
  wakeups_.At(triggered_ns_ + kTriggerPatienceNs);
}

void AravisSource::CheckTrigger() {
  if (triggered_ns_ == 0 || MonotonicNs() < triggered_ns_ + kTriggerPatienceNs) return;
  if (triggers_ >= kMostTriggers) {
    throw Error(ETIMEDOUT, description() + ": no frame comes after " + std::to_string(triggers_) +
                               " software triggers");
  }
  triggered_ns_ = 0;
  Trigger();
}

void AravisSource::CloseStream() {
  wakeups_.At(0);
  if (stream_ && acquiring_ && !camera_->gone()) {
    try {
      camera_->With([](ArvCamera* arv) {
        GErrorSlot error;
        arv_camera_stop_acquisition(arv, error);
        error.Check("stop");
      });
    } catch (const Error& error) {
      LogWarning(description() + ": " + error.what());
    }
  }
  acquiring_ = false;
  stream_.reset();
  trigger_.reset();
  due_.reset();
  camera_->SetStreaming(false);
  for (auto& [buffer, slot] : slots_) slot.queued = false;
  queued_ = 0;
}

// --- Frames

std::optional<Completion> AravisSource::OnDequeue() {
  if (gone_) return std::nullopt;
  // Looked at twice: what comes between the first look and the clearing has no event any more.
  for (const bool cleared : {false, true}) {
    if (cleared) camera_->ClearEvent();
    auto done = stream_ ? stream_->Take() : std::nullopt;
    if (done) return Judge(std::move(*done));
  }
  if (camera_->gone()) return Gone();
  if (stream_) CheckTrigger();
  return std::nullopt;
}

Completion AravisSource::Judge(AravisStream::Done done) {
  ArvBuffer* const arv = done.buffer.get();
  const auto buffer = GPOINTER_TO_UINT(arv_buffer_get_user_data(arv));
  const uint64_t id = arv_buffer_get_frame_id(arv);
  const uint64_t lost = done.underruns - std::exchange(underruns_, done.underruns);
  const std::optional<uint64_t> known = id == kNoId ? std::nullopt : std::optional(id);
  Completion completion = {
      .buffer = buffer,
      .sequence = numbers_.Next(known, lost),
      .timestamp_ns = TimeOf(arv, done.done_ns),
      .bytes_used = format_.bytes,
      .origin = {.received_ns = done.done_ns, .device_ns = arv_buffer_get_timestamp(arv)},
      .reason = WhyBad(arv)};
  last_ns_ = completion.timestamp_ns;
  Slot& slot = slots_.at(buffer);
  slot.queued = false;
  --queued_;
  if (!completion.reason.empty()) {
    completion.kind = Kind::kError;
  } else {
    UnpackInPlace(picture_.wire->packing, slot.landing->image());
    slot.landing->ClearTail();
  }
  if (due_ && *due_ > 0) --*due_;
  triggered_ns_ = 0;
  triggers_ = 0;
  wakeups_.At(0);
  Trigger();
  return completion;
}

// Why the frame is no good; empty: it is good.
std::string AravisSource::WhyBad(ArvBuffer* buffer) const {
  const ArvBufferStatus status = arv_buffer_get_status(buffer);
  if (status != ARV_BUFFER_STATUS_SUCCESS) return StatusText(status);
  if (arv_buffer_get_n_parts(buffer) != 1) return "the camera sent something that is no image";
  const auto code = static_cast<uint32_t>(arv_buffer_get_image_pixel_format(buffer));
  const auto width = static_cast<uint32_t>(arv_buffer_get_image_width(buffer));
  const auto height = static_cast<uint32_t>(arv_buffer_get_image_height(buffer));
  if (code != picture_.wire->code || width != format_.width || height != format_.height) {
    return "the camera sent " + PixelFormatName(code) + " " + SizeText(width, height) +
           ", and was to send " + std::string(picture_.wire->name) + " " +
           SizeText(format_.width, format_.height);
  }
  gint x_padding = 0;
  gint y_padding = 0;
  arv_buffer_get_image_padding(buffer, &x_padding, &y_padding);
  if (x_padding != 0) return "the camera pads its rows, which is not supported";
  size_t bytes = 0;
  (void)arv_buffer_get_image_data(buffer, &bytes);
  const uint64_t whole = picture_.wire->WireBytes(width, height);
  if (bytes >= whole) return "";
  return "the camera sent " + std::to_string(bytes) + " bytes of " + std::to_string(whole);
}

// When the first packet came, which Aravis tells by the wall clock.
uint64_t AravisSource::TimeOf(ArvBuffer* buffer, uint64_t done_ns) const {
  const uint64_t wall = RealtimeNs();
  const uint64_t now = MonotonicNs();
  const uint64_t then = arv_buffer_get_system_timestamp(buffer);
  const uint64_t age = wall - then;  // huge, if it was in the future
  const uint64_t begun = age <= kLongestAgeNs && age <= now ? now - age : done_ns;
  return std::max(last_ns_, std::min(begun, done_ns));
}

Completion AravisSource::Gone() {
  CloseStream();
  gone_ = true;
  wakeups_.Unwatch(camera_->event_fd());
  return {.kind = Kind::kGone,
          .timestamp_ns = MonotonicNs(),
          .reason = "the camera does not answer any more, or another program has taken it"};
}

}  // namespace grabfs
