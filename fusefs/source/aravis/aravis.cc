// SPDX-License-Identifier: Apache-2.0
//
// Captures from a camera by Aravis, which receives into the buffers themselves.
//
//                 Queue                 frame
//     (ring) ──────────────▶ Aravis ──────────────▶ Judge ──▶ (ring)
//                              │ no buffer: the frame is lost, which the next frame's id tells
//
// A stream lives from Start to Stop. The camera is told to begin when it has its first buffers, so
// that no frame is lost before.
#include "fusefs/source/aravis/aravis.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/base/log.h"
#include "fusefs/source/aravis/camera.h"
#include "fusefs/source/aravis/controls.h"
#include "fusefs/source/aravis/landing.h"
#include "fusefs/source/aravis/numbers.h"
#include "fusefs/source/aravis/options.h"
#include "fusefs/source/aravis/pixel_formats.h"
#include "fusefs/source/aravis/stream.h"
#include "fusefs/source/aravis/trigger.h"
#include "fusefs/source/options.h"
#include "fusefs/source/wakeups.h"

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

std::string FormatName(uint32_t code) {
  if (const GenicamFormat* const format = FindGenicamFormat(code)) return std::string(format->name);
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", code);
  return text;
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

Rate RateOf(double frames_per_second) {
  if (!(frames_per_second > 0) || frames_per_second > Rate::kMax) return {};
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", frames_per_second);
  return Rate::Parse(text);
}

class Aravis final : public Source {
 public:
  Aravis(std::shared_ptr<AravisCamera> camera, const AravisOptions& options,
         const FormatRequest& request);
  ~Aravis() override { CloseStream(); }

  [[nodiscard]] std::string description() const override { return "aravis:" + id(); }
  [[nodiscard]] int event_fd() const override { return wakeups_.fd(); }
  [[nodiscard]] std::map<std::string, std::string> Settings() const override;
  [[nodiscard]] std::shared_ptr<Controls> controls() const override { return controls_; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override;
  void OnSetRate(Rate rate) override;
  void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) override;
  void OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) override {
    slots_[buffer].memory = std::move(memory);
  }
  void OnDetach(uint32_t buffer) override { slots_.erase(buffer); }
  void OnStart(uint64_t frames) override;
  void OnExtend(uint64_t frames) override;
  void OnStop() override { CloseStream(); }
  uint32_t OnWanted() override;
  void OnQueue(uint32_t buffer) override;
  void OnStarve() override { Begin(); }
  [[nodiscard]] bool NeedsOneNow() const override { return queued_ < kEnoughQueued; }
  std::optional<Completion> OnDequeue() override;
  void OnControlWritten() override;

 private:
  struct Slot {
    std::shared_ptr<Memory> memory;
    std::unique_ptr<Landing> landing = {};  // made for the present format and payload
    bool queued = false;
  };

  [[nodiscard]] const std::string& id() const { return camera_->identity().id; }
  [[nodiscard]] std::vector<const GenicamFormat*> Offered(ArvCamera* arv) const;
  [[nodiscard]] const GenicamFormat& Choose(ArvCamera* arv, Fourcc fourcc) const;
  void ReadFormat();
  void ReadRate();
  void Begin();
  void Trigger();
  void CheckTrigger();
  Completion Judge(AravisStream::Done done);
  std::string WhyBad(ArvBuffer* buffer) const;
  [[nodiscard]] uint64_t TimeOf(ArvBuffer* buffer, uint64_t done_ns) const;
  Completion Gone();
  void CloseStream();

  const std::shared_ptr<AravisCamera> camera_;
  const AravisOptions options_;
  std::shared_ptr<Controls> controls_;
  Wakeups wakeups_;
  const GenicamFormat* wire_ = nullptr;  // of the camera; format_ was made from it
  uint64_t payload_ = 0;                 // bytes that the camera sends for a frame
  uint32_t packet_size_ = 0;             // bytes; 0: it has no packets
  std::map<uint32_t, Slot> slots_;       // bound and attached
  size_t bound_ = 0;
  size_t queued_ = 0;
  AravisNumbers numbers_;
  uint64_t underruns_ = 0;  // of the last frame
  uint64_t last_ns_ = 0;    // its time
  // Frames of a limited capture that have not come yet.
  std::optional<uint64_t> due_;
  bool gone_ = false;

  std::optional<SoftwareTrigger> trigger_;  // while it captures a limited number
  uint64_t triggered_ns_ = 0;               // when it was triggered; 0: the frame has come
  uint32_t triggers_ = 0;                   // since the last frame
  std::unique_ptr<AravisStream> stream_;    // while capturing
  bool acquiring_ = false;
};

Aravis::Aravis(std::shared_ptr<AravisCamera> camera, const AravisOptions& options,
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
  // A camera that is set to something we have no name for may be able to make something else.
  camera_->With([&](ArvCamera* arv) {
    GErrorSlot error;
    const auto code = static_cast<uint32_t>(arv_camera_get_pixel_format(arv, error));
    error.Check(description() + ": PixelFormat");
    if (FindGenicamFormat(code) != nullptr) return;
    const auto offered = Offered(arv);
    if (offered.empty()) {
      throw Error(EINVAL, description() + ": the pixel format " + FormatName(code) +
                              " is not supported, and it has no other that is");
    }
    arv_camera_set_pixel_format(arv, offered.front()->code, error);
    error.Check(description() + ": PixelFormat");
    LogInfo(description() + ": the pixel format " + FormatName(code) +
            " is not supported: " + std::string(offered.front()->name) + " is taken");
  });
  ReadFormat();
  ReadRate();
  wakeups_.Watch(camera_->event_fd());
  SetFormat(request);
}

std::map<std::string, std::string> Aravis::Settings() const {
  const AravisIdentity& identity = camera_->identity();
  std::map<std::string, std::string> settings = {{"id", identity.id},
                                                 {"vendor", identity.vendor},
                                                 {"model", identity.model},
                                                 {"serial", identity.serial},
                                                 {"address", identity.address},
                                                 {"protocol", identity.protocol},
                                                 {"pixel_format", std::string(wire_->name)},
                                                 {"payload", std::to_string(payload_)}};
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

std::vector<const GenicamFormat*> Aravis::Offered(ArvCamera* arv) const {
  guint count = 0;
  GErrorSlot error;
  const GArray<gint64> codes(arv_camera_dup_available_pixel_formats(arv, &count, error));
  error.Check(description() + ": PixelFormat");
  std::vector<const GenicamFormat*> offered;
  for (const GenicamFormat& format : GenicamFormats()) {
    const std::span all(codes.get(), count);
    if (std::ranges::find(all, gint64{format.code}) != all.end()) offered.push_back(&format);
  }
  return offered;
}

const GenicamFormat& Aravis::Choose(ArvCamera* arv, Fourcc fourcc) const {
  // The camera's user may have chosen a packed one on purpose.
  if (wire_->fourcc == fourcc) return *wire_;
  std::string known;
  for (const GenicamFormat* const format : Offered(arv)) {
    if (format->fourcc == fourcc) return *format;
    known += (known.empty() ? "" : ", ") + FourccName(format->fourcc) + " (" +
             std::string(format->name) + ")";
  }
  throw Error(EINVAL, description() + ": format " + FourccName(fourcc) +
                          " is none of the camera's, which are " + known);
}

// What the camera makes now.
void Aravis::ReadFormat() {
  camera_->With([this](ArvCamera* arv) {
    GErrorSlot error;
    const auto code = static_cast<uint32_t>(arv_camera_get_pixel_format(arv, error));
    error.Check(description() + ": PixelFormat");
    gint x = 0;
    gint y = 0;
    gint width = 0;
    gint height = 0;
    arv_camera_get_region(arv, &x, &y, &width, &height, error);
    error.Check(description() + ": Width and Height");
    const GenicamFormat* const wire = FindGenicamFormat(code);
    if (wire == nullptr) {
      throw Error(EINVAL,
                  description() + ": the pixel format " + FormatName(code) + " is not supported");
    }
    const uint64_t payload = arv_camera_get_payload(arv, error);
    error.Check(description() + ": PayloadSize");
    format_ =
        PackedFormat(wire->fourcc, static_cast<uint32_t>(width), static_cast<uint32_t>(height));
    wire_ = wire;
    payload_ = payload;
  });
  for (auto& [buffer, slot] : slots_) slot.landing.reset();
}

void Aravis::ReadRate() {
  rate_ = camera_->With([](ArvCamera* arv) {
    GErrorSlot error;
    const bool known = arv_camera_is_frame_rate_available(arv, error) != FALSE && !error.failed();
    const double rate = known ? arv_camera_get_frame_rate(arv, error) : 0;
    return error.failed() ? Rate{} : RateOf(rate);
  });
}

void CheckSize(const char* name, uint32_t value, gint minimum, gint maximum, gint increment) {
  const bool fits =
      value >= static_cast<uint32_t>(minimum) && value <= static_cast<uint32_t>(maximum) &&
      (increment <= 1 ||
       (value - static_cast<uint32_t>(minimum)) % static_cast<uint32_t>(increment) == 0);
  if (fits) return;
  throw Error(EINVAL, std::string(name) + " " + std::to_string(value) + ": must be from " +
                          std::to_string(minimum) + " to " + std::to_string(maximum) +
                          (increment > 1 ? " in steps of " + std::to_string(increment) : ""));
}

FrameFormat Aravis::OnSetFormat(const FormatRequest& request) {
  const FrameFormat before = format_;
  const GenicamFormat& wire_before = *wire_;
  const auto put = [&](ArvCamera* arv, const GenicamFormat& wire, uint32_t width, uint32_t height) {
    GErrorSlot error;
    if (&wire != wire_) arv_camera_set_pixel_format(arv, wire.code, error);
    error.Check(description() + ": PixelFormat");
    if (width == before.width && height == before.height) return;
    arv_camera_set_region(arv, -1, -1, static_cast<gint>(width), static_cast<gint>(height), error);
    error.Check(description() + ": Width and Height");
  };
  camera_->With([&](ArvCamera* arv) {
    const GenicamFormat& wire = Choose(arv, request.fourcc.value_or(before.fourcc));
    const uint32_t width = request.width.value_or(before.width);
    const uint32_t height = request.height.value_or(before.height);
    GErrorSlot error;
    gint minimum = 0;
    gint maximum = 0;
    if (width != before.width) {
      arv_camera_get_width_bounds(arv, &minimum, &maximum, error);
      error.Check(description() + ": Width");
      CheckSize("width", width, minimum, maximum, arv_camera_get_width_increment(arv, error));
    }
    if (height != before.height) {
      arv_camera_get_height_bounds(arv, &minimum, &maximum, error);
      error.Check(description() + ": Height");
      CheckSize("height", height, minimum, maximum, arv_camera_get_height_increment(arv, error));
    }
    try {
      put(arv, wire, width, height);
    } catch (const Error&) {
      GErrorSlot ignored;
      arv_camera_set_pixel_format(arv, wire_before.code, ignored);
      arv_camera_set_region(arv, -1, -1, static_cast<gint>(before.width),
                            static_cast<gint>(before.height), ignored);
      throw;
    }
  });
  ReadFormat();
  // Another size may have another highest rate.
  ReadRate();
  return format_;
}

void Aravis::OnSetRate(Rate rate) {
  if (rate == rate_) return;
  camera_->With([&](ArvCamera* arv) {
    GErrorSlot error;
    if (arv_camera_is_frame_rate_available(arv, error) == FALSE) {
      throw Error(EINVAL, description() + ": the camera has no frame rate to be set");
    }
    double minimum = 0;
    double maximum = 0;
    arv_camera_get_frame_rate_bounds(arv, &minimum, &maximum, error);
    error.Check(description() + ": frame rate");
    const double wanted =
        rate.unlimited() ? maximum : double{1} * rate.numerator / rate.denominator;
    if (wanted < minimum || wanted > maximum) {
      throw Error(EINVAL, "rate " + rate.ToString() + ": must be from " +
                              RateOf(minimum).ToString() + " to " +
                              RateOf(std::min<double>(maximum, Rate::kMax)).ToString());
    }
    // Aravis switches triggers off with it, which is not what was asked for.
    const KeepFeatures triggers(arv, {"TriggerSelector", "TriggerMode"});
    arv_camera_set_frame_rate(arv, wanted, error);
    error.Check(description() + ": frame rate");
  });
}

// What was written may be the size, or another format.
void Aravis::OnControlWritten() {
  if (capturing() || gone_) return;
  ReadFormat();
  ReadRate();
}

// --- Buffers

void Aravis::OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) {
  slots_.clear();
  for (uint32_t i = 0; i < buffers.size(); ++i) slots_[i].memory = buffers[i];
  bound_ = buffers.size();
}

uint32_t Aravis::OnWanted() {
  if (!stream_) return 0;
  const size_t share = std::clamp<size_t>(bound_ / 2, 1, kMaxQueued);
  const size_t useful = due_ ? std::min<uint64_t>(share, *due_) : share;
  return useful > queued_ ? static_cast<uint32_t>(useful - queued_) : 0;
}

void Aravis::OnQueue(uint32_t buffer) {
  const auto found = slots_.find(buffer);
  if (found == slots_.end() || found->second.queued || !stream_) {
    throw Error(EINVAL, "queue: buffer " + std::to_string(buffer) + " is not wanted");
  }
  Slot& slot = found->second;
  if (!slot.landing) {
    slot.landing = std::make_unique<Landing>(
        slot.memory, format_.bytes, wire_->WireBytes(format_.width, format_.height), payload_);
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

void Aravis::OnStart(uint64_t frames) {
  if (gone_) throw Error(ENODEV, description() + ": the camera is gone");
  const uint64_t payload = payload_;
  payload_ = camera_->With([&](ArvCamera* arv) {
    GErrorSlot error;
    const uint64_t now = arv_camera_get_payload(arv, error);
    error.Check(description() + ": PayloadSize");
    return now;
  });
  if (payload_ != payload) {
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

void Aravis::OnExtend(uint64_t frames) {
  if (due_) *due_ += frames;
  Trigger();
}

// Tells the camera to send frames.
void Aravis::Begin() {
  if (acquiring_ || !stream_) return;
  camera_->With([&](ArvCamera* arv) {
    GErrorSlot error;
    arv_camera_start_acquisition(arv, error);
    error.Check(description() + ": start");
  });
  acquiring_ = true;
}

// One frame after the other: a camera that is busy does not see a trigger.
void Aravis::Trigger() {
  const bool wanted = trigger_ && acquiring_ && queued_ > 0 && due_ > uint64_t{0};
  if (!wanted || triggered_ns_ != 0) return;
  trigger_->Fire();
  ++triggers_;
  triggered_ns_ = MonotonicNs();
  wakeups_.At(triggered_ns_ + kTriggerPatienceNs);
}

void Aravis::CheckTrigger() {
  if (triggered_ns_ == 0 || MonotonicNs() < triggered_ns_ + kTriggerPatienceNs) return;
  if (triggers_ >= kMostTriggers) {
    throw Error(ETIMEDOUT, description() + ": no frame comes after " + std::to_string(triggers_) +
                               " software triggers");
  }
  triggered_ns_ = 0;
  Trigger();
}

void Aravis::CloseStream() {
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

std::optional<Completion> Aravis::OnDequeue() {
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

Completion Aravis::Judge(AravisStream::Done done) {
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
    UnpackInPlace(wire_->packing, slot.landing->image());
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
std::string Aravis::WhyBad(ArvBuffer* buffer) const {
  const ArvBufferStatus status = arv_buffer_get_status(buffer);
  if (status != ARV_BUFFER_STATUS_SUCCESS) return StatusText(status);
  if (arv_buffer_get_n_parts(buffer) != 1) return "the camera sent something that is no image";
  const auto code = static_cast<uint32_t>(arv_buffer_get_image_pixel_format(buffer));
  const auto width = static_cast<uint32_t>(arv_buffer_get_image_width(buffer));
  const auto height = static_cast<uint32_t>(arv_buffer_get_image_height(buffer));
  if (code != wire_->code || width != format_.width || height != format_.height) {
    return "the camera sent " + FormatName(code) + " " + SizeText(width, height) +
           ", and was to send " + std::string(wire_->name) + " " +
           SizeText(format_.width, format_.height);
  }
  gint x_padding = 0;
  gint y_padding = 0;
  arv_buffer_get_image_padding(buffer, &x_padding, &y_padding);
  if (x_padding != 0) return "the camera pads its rows, which is not supported";
  size_t bytes = 0;
  (void)arv_buffer_get_image_data(buffer, &bytes);
  const uint64_t whole = wire_->WireBytes(width, height);
  if (bytes >= whole) return "";
  return "the camera sent " + std::to_string(bytes) + " bytes of " + std::to_string(whole);
}

// When the first packet came, which Aravis tells by the wall clock.
uint64_t Aravis::TimeOf(ArvBuffer* buffer, uint64_t done_ns) const {
  const uint64_t wall = RealtimeNs();
  const uint64_t now = MonotonicNs();
  const uint64_t then = arv_buffer_get_system_timestamp(buffer);
  const uint64_t age = wall - then;  // huge, if it was in the future
  const uint64_t begun = age <= kLongestAgeNs && age <= now ? now - age : done_ns;
  return std::max(last_ns_, std::min(begun, done_ns));
}

Completion Aravis::Gone() {
  CloseStream();
  gone_ = true;
  wakeups_.Unwatch(camera_->event_fd());
  return {.kind = Kind::kGone,
          .timestamp_ns = MonotonicNs(),
          .reason = "the camera does not answer any more, or another program has taken it"};
}

}  // namespace

std::unique_ptr<Source> MakeAravis(SourceSpec& spec) {
  const AravisOptions options = TakeAravisOptions(spec);
  const FormatRequest request = TakeFormatOptions(spec);
  const std::optional<Rate> rate = TakeRateOption(spec);
  const WithoutSignals aravis_has_threads;
  auto source =
      std::make_unique<Aravis>(std::make_shared<AravisCamera>(spec.argument), options, request);
  if (rate) source->SetRate(*rate);
  return source;
}

}  // namespace grabfs
