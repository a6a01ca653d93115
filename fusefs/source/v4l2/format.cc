// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/format.h"

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

struct Size {
  uint32_t width;
  uint32_t height;
};

std::string Text(uint32_t width, uint32_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

std::string Text(const V4l2Sizes& sizes) {
  const std::string least = Text(sizes.min_width, sizes.min_height);
  if (sizes.min_width == sizes.max_width && sizes.min_height == sizes.max_height) return least;
  return least + " to " + Text(sizes.max_width, sizes.max_height) + " in steps of " +
         Text(sizes.step_width, sizes.step_height);
}

template <typename Range, typename ToText>
std::string Join(const Range& range, ToText to_text) {
  std::string text;
  for (const auto& element : range) text += (text.empty() ? "" : ", ") + to_text(element);
  return text.empty() ? "something that the driver does not tell" : text;
}

// The member of a range of sizes that is nearest to a number.
uint32_t Nearest(uint32_t wanted, uint32_t min, uint32_t max, uint32_t step) {
  if (wanted <= min) return min;
  return min + (std::min(wanted, max) - min) / step * step;
}

uint64_t Distance(Size a, Size b) {
  const auto apart = [](uint32_t x, uint32_t y) { return uint64_t{x > y ? x - y : y - x}; };
  return apart(a.width, b.width) + apart(a.height, b.height);
}

// Adjusts the width or height that the user did not name to a size that the device has. nullopt: it
// has no size with the named value.
std::optional<Size> FindSize(const std::vector<V4l2Sizes>& all, Size wanted,
                             const FormatRequest& request) {
  std::optional<Size> best;
  for (const V4l2Sizes& sizes : all) {
    const Size size = {request.width.value_or(Nearest(wanted.width, sizes.min_width,
                                                      sizes.max_width, sizes.step_width)),
                       request.height.value_or(Nearest(wanted.height, sizes.min_height,
                                                       sizes.max_height, sizes.step_height))};
    if (!sizes.Has(size.width, size.height)) continue;
    if (!best || Distance(size, wanted) < Distance(*best, wanted)) best = size;
  }
  return best;
}

void CheckEncoding(const V4l2Device& device, Fourcc fourcc) {
  const auto encodings = device.Encodings();
  const auto has = [&](const V4l2Encoding& encoding) { return encoding.fourcc == fourcc; };
  if (encodings.empty() || std::ranges::any_of(encodings, has)) return;
  throw Error(EINVAL, device.path() + ": the device cannot make " + FourccName(fourcc) +
                          "; it makes " + Join(encodings, [](const V4l2Encoding& encoding) {
                            return FourccName(encoding.fourcc);
                          }));
}

bool Obeys(const V4l2Format& made, const V4l2Format& wanted, const FormatRequest& request) {
  return made.fourcc == wanted.fourcc && (!request.width || made.width == *request.width) &&
         (!request.height || made.height == *request.height);
}

[[noreturn]] void RefuseSize(const V4l2Device& device, const V4l2Format& wanted,
                             const V4l2Format* made) {
  std::string offers =
      Join(device.Sizes(wanted.fourcc), [](const V4l2Sizes& s) { return Text(s); });
  if (made != nullptr)
    offers += "; with its present input and crop " + Text(made->width, made->height);
  throw Error(EINVAL, device.path() + ": the device cannot make " + FourccName(wanted.fourcc) +
                          " " + Text(wanted.width, wanted.height) + "; it makes " + offers);
}

}  // namespace

FrameFormat ToFrameFormat(const V4l2Format& format) {
  const auto add = [](uint64_t sum, const V4l2Plane& plane) { return sum + plane.bytes; };
  return {.fourcc = format.fourcc,
          .width = format.width,
          .height = format.height,
          .stride = format.planes.empty() ? 0 : format.planes.front().stride,
          .bytes = std::accumulate(format.planes.begin(), format.planes.end(), uint64_t{0}, add),
          .color = format.color};
}

V4l2Format NegotiateFormat(V4l2Device& device, const FormatRequest& request) {
  const V4l2Format current = device.GetFormat();
  V4l2Format wanted = {.fourcc = request.fourcc.value_or(current.fourcc),
                       .width = request.width.value_or(current.width),
                       .height = request.height.value_or(current.height)};
  if (request.fourcc) CheckEncoding(device, wanted.fourcc);
  if (const auto sizes = device.Sizes(wanted.fourcc); !sizes.empty()) {
    const auto size = FindSize(sizes, {wanted.width, wanted.height}, request);
    if (!size) RefuseSize(device, wanted, nullptr);
    wanted.width = size->width;
    wanted.height = size->height;
  }
  if (const auto tried = device.TryFormat(wanted); !Obeys(tried, wanted, request)) {
    RefuseSize(device, wanted, &tried);
  }
  const V4l2Format made = device.SetFormat(wanted);
  if (Obeys(made, wanted, request) && ToFrameFormat(made).bytes > 0) return made;
  device.SetFormat(current);
  RefuseSize(device, wanted, &made);
}

Rate NegotiateRate(V4l2Device& device, const V4l2Format& format, Rate rate) {
  const auto before = device.GetRate();
  if (!before) {
    if (rate.unlimited()) return {};
    throw Error(EINVAL, device.path() + ": the device has its own rate, which cannot be set");
  }
  const auto rates = device.Rates(format);
  if (rate.unlimited()) return rates.empty() ? *before : device.SetRate(rates.front());
  const Rate made = device.SetRate(rate);
  // Drivers count in units of their own, 100 ns with USB: 30000/1001 comes back as 10000000/333667.
  const uint64_t wanted_ns = rate.DueNs(1);
  const uint64_t made_ns = made.unlimited() ? 0 : made.DueNs(1);
  const uint64_t apart = wanted_ns > made_ns ? wanted_ns - made_ns : made_ns - wanted_ns;
  if (apart <= wanted_ns / 1000) return rate;
  device.SetRate(*before);
  throw Error(EINVAL, device.path() + ": the device cannot make " + rate.ToString() +
                          " frames a second; at this size it makes " +
                          Join(rates, [](const Rate& r) { return r.ToString(); }));
}

}  // namespace grabfs
