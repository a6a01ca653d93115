// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/negotiation.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <span>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/source/aravis/glib.h"
#include "fusefs/source/aravis/trigger.h"

namespace grabfs {
namespace {

Rate RateOf(double frames_per_second) {
  if (!(frames_per_second > 0) || frames_per_second > Rate::kMax) return {};
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", frames_per_second);
  return Rate::Parse(text);
}

std::vector<const GenicamFormat*> Offered(ArvCamera* arv, const std::string& who) {
  guint count = 0;
  GErrorSlot error;
  const GArray<gint64> codes(arv_camera_dup_available_pixel_formats(arv, &count, error));
  error.Check(who + ": PixelFormat");
  std::vector<const GenicamFormat*> offered;
  for (const GenicamFormat& format : GenicamFormats()) {
    const std::span all(codes.get(), count);
    if (std::ranges::find(all, gint64{format.code}) != all.end()) offered.push_back(&format);
  }
  return offered;
}

const GenicamFormat& Choose(ArvCamera* arv, const std::string& who, const GenicamFormat& present,
                            Fourcc fourcc) {
  // The camera's user may have chosen a packed one on purpose.
  if (present.fourcc == fourcc) return present;
  std::string known;
  for (const GenicamFormat* const format : Offered(arv, who)) {
    if (format->fourcc == fourcc) return *format;
    known += (known.empty() ? "" : ", ") + FourccName(format->fourcc) + " (" +
             std::string(format->name) + ")";
  }
  throw Error(EINVAL, who + ": format " + FourccName(fourcc) +
                          " is none of the camera's, which are " + known);
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

}  // namespace

std::string PixelFormatName(uint32_t code) {
  if (const GenicamFormat* const format = FindGenicamFormat(code)) return std::string(format->name);
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", code);
  return text;
}

void TakeKnownFormat(AravisCamera& camera, const std::string& who) {
  camera.With([&](ArvCamera* arv) {
    GErrorSlot error;
    const auto code = static_cast<uint32_t>(arv_camera_get_pixel_format(arv, error));
    error.Check(who + ": PixelFormat");
    if (FindGenicamFormat(code) != nullptr) return;
    const auto offered = Offered(arv, who);
    if (offered.empty()) {
      throw Error(EINVAL, who + ": the pixel format " + PixelFormatName(code) +
                              " is not supported, and it has no other that is");
    }
    arv_camera_set_pixel_format(arv, offered.front()->code, error);
    error.Check(who + ": PixelFormat");
    LogInfo(who + ": the pixel format " + PixelFormatName(code) +
            " is not supported: " + std::string(offered.front()->name) + " is taken");
  });
}

AravisPicture ReadPicture(AravisCamera& camera, const std::string& who) {
  return camera.With([&](ArvCamera* arv) {
    GErrorSlot error;
    const auto code = static_cast<uint32_t>(arv_camera_get_pixel_format(arv, error));
    error.Check(who + ": PixelFormat");
    gint x = 0;
    gint y = 0;
    gint width = 0;
    gint height = 0;
    arv_camera_get_region(arv, &x, &y, &width, &height, error);
    error.Check(who + ": Width and Height");
    const GenicamFormat* const wire = FindGenicamFormat(code);
    if (wire == nullptr) {
      throw Error(EINVAL,
                  who + ": the pixel format " + PixelFormatName(code) + " is not supported");
    }
    const uint64_t payload = arv_camera_get_payload(arv, error);
    error.Check(who + ": PayloadSize");
    return AravisPicture{
        PackedFormat(wire->fourcc, static_cast<uint32_t>(width), static_cast<uint32_t>(height)),
        wire, payload};
  });
}

void NegotiatePicture(AravisCamera& camera, const std::string& who, const AravisPicture& picture,
                      const FormatRequest& request) {
  const FrameFormat& before = picture.format;
  const GenicamFormat& wire_before = *picture.wire;
  const auto put = [&](ArvCamera* arv, const GenicamFormat& wire, uint32_t width, uint32_t height) {
    GErrorSlot error;
    if (&wire != &wire_before) arv_camera_set_pixel_format(arv, wire.code, error);
    error.Check(who + ": PixelFormat");
    if (width == before.width && height == before.height) return;
    arv_camera_set_region(arv, -1, -1, static_cast<gint>(width), static_cast<gint>(height), error);
    error.Check(who + ": Width and Height");
  };
  camera.With([&](ArvCamera* arv) {
    const GenicamFormat& wire =
        Choose(arv, who, wire_before, request.fourcc.value_or(before.fourcc));
    const uint32_t width = request.width.value_or(before.width);
    const uint32_t height = request.height.value_or(before.height);
    GErrorSlot error;
    gint minimum = 0;
    gint maximum = 0;
    if (width != before.width) {
      arv_camera_get_width_bounds(arv, &minimum, &maximum, error);
      error.Check(who + ": Width");
      CheckSize("width", width, minimum, maximum, arv_camera_get_width_increment(arv, error));
    }
    if (height != before.height) {
      arv_camera_get_height_bounds(arv, &minimum, &maximum, error);
      error.Check(who + ": Height");
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
}

Rate ReadRate(AravisCamera& camera) {
  return camera.With([](ArvCamera* arv) {
    GErrorSlot error;
    const bool known = arv_camera_is_frame_rate_available(arv, error) != FALSE && !error.failed();
    const double rate = known ? arv_camera_get_frame_rate(arv, error) : 0;
    return error.failed() ? Rate{} : RateOf(rate);
  });
}

void NegotiateRate(AravisCamera& camera, const std::string& who, Rate rate) {
  camera.With([&](ArvCamera* arv) {
    GErrorSlot error;
    if (arv_camera_is_frame_rate_available(arv, error) == FALSE) {
      throw Error(EINVAL, who + ": the camera has no frame rate to be set");
    }
    double minimum = 0;
    double maximum = 0;
    arv_camera_get_frame_rate_bounds(arv, &minimum, &maximum, error);
    error.Check(who + ": frame rate");
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
    error.Check(who + ": frame rate");
  });
}

}  // namespace grabfs
