// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli/lib/internal.h"

struct component {
  uint8_t plane, offset, step;
};

struct format {
  const char* name;
  const struct component* components;
  uint8_t chroma_x, chroma_y;  // log2 of the columns and rows that share a chroma sample
};

#define GRABFS_LAYOUT(name, p0, o0, s0, p1, o1, s1, p2, o2, s2) \
  static const struct component layout_##name[] = {{p0, o0, s0}, {p1, o1, s1}, {p2, o2, s2}};
#define GRABFS_FORMAT(...)
#include "fusefs/base/pixel_formats.inc"

#define CHROMA_444 0, 0
#define CHROMA_422 1, 0
#define CHROMA_420 1, 1

static const struct format formats[] = {
#define GRABFS_LAYOUT(...)
#define GRABFS_FORMAT(name, description, family, bits, layout, chroma, ...) \
  {name, layout_##layout, CHROMA_##chroma},
#include "fusefs/base/pixel_formats.inc"
};

uint32_t grabfsi_parse_fourcc(const char* name) {
  static const char big_endian[] = "-BE";
  size_t length = strlen(name);
  uint32_t fourcc = 0;
  if (length > strlen(big_endian) && strcmp(name + length - strlen(big_endian), big_endian) == 0) {
    length -= strlen(big_endian);
    fourcc = UINT32_C(1) << 31;
  }
  for (uint32_t i = 0; i < 4; ++i) {
    fourcc |= (uint32_t)(unsigned char)(i < length ? name[i] : ' ') << 8 * i;
  }
  return fourcc;
}

static uint32_t shared(uint32_t pixels, uint32_t shift) {
  return (pixels + (1U << shift) - 1) >> shift;
}

// As PlanesOf() in fusefs/base/pixel_format.cc.
static uint32_t lay_out(const struct format* format, uint32_t stride, uint32_t height,
                        struct grabfs_plane* plane) {
  const uint32_t luma_step = format->components[0].step;
  const uint32_t columns = (stride + luma_step - 1) / luma_step;
  uint32_t planes = 1;
  plane[0] = (struct grabfs_plane){0, stride, height};
  for (int i = 1; i < 3; ++i) {
    const struct component* const component = &format->components[i];
    if (component->plane < planes) continue;
    const struct grabfs_plane* const before = &plane[planes - 1];
    plane[planes++] = (struct grabfs_plane){
        before->offset + (uint64_t)before->stride * before->rows,
        shared(columns, format->chroma_x) * component->step, shared(height, format->chroma_y)};
  }
  return planes;
}

uint32_t grabfsi_planes(uint32_t fourcc, uint32_t stride, uint32_t height,
                        struct grabfs_plane plane[4]) {
  memset(plane, 0, 4 * sizeof(*plane));
  for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); ++i) {
    if (grabfsi_parse_fourcc(formats[i].name) != fourcc) continue;
    return lay_out(&formats[i], stride, height, plane);
  }
  return 0;
}
