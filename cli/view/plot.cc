// SPDX-License-Identifier: Apache-2.0
#include "cli/view/plot.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace grabfs::view {
namespace {

constexpr uint16_t kHeight = 100;
constexpr uint16_t kColumns = 256;

using Columns = std::array<uint64_t, kColumns>;

Columns InColumns(const Histogram& histogram) {
  Columns columns = {};
  for (size_t i = 0; i < histogram.size(); ++i) {
    columns[i * kColumns / histogram.size()] += histogram[i];
  }
  return columns;
}

// They stand on `bottom`.
std::array<xcb_rectangle_t, kColumns> Bars(const Columns& columns, int bottom) {
  const auto most = static_cast<double>(std::max<uint64_t>(1, *std::ranges::max_element(columns)));
  std::array<xcb_rectangle_t, kColumns> bars;
  for (size_t i = 0; i < kColumns; ++i) {
    const double share = std::sqrt(static_cast<double>(columns[i]) / most);
    const auto height = static_cast<uint16_t>(std::lround(kHeight * share));
    bars[i] = {static_cast<int16_t>(i), static_cast<int16_t>(bottom - height), 1, height};
  }
  return bars;
}

}  // namespace

Plot::Plot(const XServer& server, xcb_window_t window)
    : server_(server),
      window_(window),
      white_(xcb_generate_id(server.connection())),
      black_(xcb_generate_id(server.connection())) {
  const xcb_screen_t& screen = server_.screen();
  xcb_create_gc(server_.connection(), white_, window, XCB_GC_FOREGROUND, &screen.white_pixel);
  xcb_create_gc(server_.connection(), black_, window, XCB_GC_FOREGROUND, &screen.black_pixel);
}

Plot::~Plot() {
  xcb_free_gc(server_.connection(), white_);
  xcb_free_gc(server_.connection(), black_);
}

void Plot::Draw(const Histogram& histogram, Size room) const {
  const int bottom = static_cast<int>(room.height);
  const xcb_rectangle_t ground = {0, static_cast<int16_t>(bottom - kHeight), kColumns, kHeight};
  const auto bars = Bars(InColumns(histogram), bottom);
  xcb_poly_fill_rectangle(server_.connection(), window_, black_, 1, &ground);
  xcb_poly_fill_rectangle(server_.connection(), window_, white_, kColumns, bars.data());
  xcb_flush(server_.connection());
}

}  // namespace grabfs::view
