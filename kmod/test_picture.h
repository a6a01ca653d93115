/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The test picture of grabfs: one definition for everyone who paints or checks it.
 *
 * The `pattern` source (user space), the module's `virtual` and `edu` adapters (kernel) and the
 * tests must agree on every byte, so the picture is a pure function of (fourcc, width, height,
 * sequence) and lives in this header, free of any library, for C in the kernel and C++ outside.
 *
 * What it looks like: eight vertical colour bars under a diagonal brightness ramp that moves four
 * pixels a frame, with the sequence number in large digits at the top left. What makes tearing and
 * mix-ups provable:
 *   - the first eight bytes of every row of every plane are the sequence number, little-endian;
 *   - nearly every other byte changes from one frame to the next, because the ramp moves;
 *   - the bytes are deterministic, so a checker compares all of them, not a sample.
 *
 * Painting is a copy: a row depends on its position and sequence only through a phase of 64 values,
 * so the 64 possible rows of each plane are painted once (test_picture_table_init) and copied then.
 *
 * No function allocates, sleeps or locks; all may be called in any context and from many threads.
 */
#ifndef GRABFS_TEST_PICTURE_H
#define GRABFS_TEST_PICTURE_H

#ifdef __KERNEL__
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <linux/types.h>
#include <stddef.h>
#include <string.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TEST_PICTURE_FOURCC(a, b, c, d) \
	((__u32)(a) | ((__u32)(b) << 8) | ((__u32)(c) << 16) | ((__u32)(d) << 24))

/* V4L2's codes; the byte layouts are those of the V4L2 pixel format pages. */
#define TEST_PICTURE_GREY TEST_PICTURE_FOURCC('G', 'R', 'E', 'Y')
#define TEST_PICTURE_Y16 TEST_PICTURE_FOURCC('Y', '1', '6', ' ')
#define TEST_PICTURE_YUYV TEST_PICTURE_FOURCC('Y', 'U', 'Y', 'V')
#define TEST_PICTURE_RGB3 TEST_PICTURE_FOURCC('R', 'G', 'B', '3')
#define TEST_PICTURE_BGR3 TEST_PICTURE_FOURCC('B', 'G', 'R', '3')
#define TEST_PICTURE_BGR4 TEST_PICTURE_FOURCC('B', 'G', 'R', '4')
#define TEST_PICTURE_XR24 TEST_PICTURE_FOURCC('X', 'R', '2', '4')
#define TEST_PICTURE_NV12 TEST_PICTURE_FOURCC('N', 'V', '1', '2')

#define TEST_PICTURE_MIN_SIZE 16u
#define TEST_PICTURE_MAX_SIZE 16384u
#define TEST_PICTURE_PHASES 64u
#define TEST_PICTURE_STAMP_BYTES 8u
#define TEST_PICTURE_DIGITS 8u

/**
 * struct test_picture - geometry of one picture
 * @fourcc: one of the codes above
 * @width: pixels, even, 16 to 16384
 * @height: rows of pixels, even, 16 to 16384
 * @stride: bytes of a row, the same in both planes; rows are not padded
 * @rows: rows of bytes in both planes together
 * @chroma_row: the first row of the chroma plane; equal to @rows where there is none
 * @bytes: bytes of the whole picture, stride * rows
 */
struct test_picture {
	__u32 fourcc;
	__u32 width;
	__u32 height;
	__u32 stride;
	__u32 rows;
	__u32 chroma_row;
	__u64 bytes;
};

/* Bytes of one pixel in the first plane; 0: not a format of this picture. */
static inline __u32 test_picture_pixel_bytes(__u32 fourcc)
{
	switch (fourcc) {
	case TEST_PICTURE_GREY:
	case TEST_PICTURE_NV12:
		return 1;
	case TEST_PICTURE_Y16:
	case TEST_PICTURE_YUYV:
		return 2;
	case TEST_PICTURE_RGB3:
	case TEST_PICTURE_BGR3:
		return 3;
	case TEST_PICTURE_BGR4:
	case TEST_PICTURE_XR24:
		return 4;
	default:
		return 0;
	}
}

/* Fills *p; returns 1, or 0 when the format or the size cannot be painted. */
static inline int test_picture_init(struct test_picture *p, __u32 fourcc, __u32 width, __u32 height)
{
	__u32 pixel_bytes = test_picture_pixel_bytes(fourcc);

	if (!pixel_bytes || width % 2 || height % 2 || width < TEST_PICTURE_MIN_SIZE ||
	    height < TEST_PICTURE_MIN_SIZE || width > TEST_PICTURE_MAX_SIZE ||
	    height > TEST_PICTURE_MAX_SIZE)
		return 0;
	p->fourcc = fourcc;
	p->width = width;
	p->height = height;
	p->stride = width * pixel_bytes;
	p->chroma_row = height;
	p->rows = fourcc == TEST_PICTURE_NV12 ? height + height / 2 : height;
	p->bytes = (__u64)p->stride * p->rows;
	return 1;
}

/* Bytes that test_picture_table_init() writes: 64 rows for each plane. */
static inline size_t test_picture_table_bytes(const struct test_picture *p)
{
	size_t planes = p->rows > p->chroma_row ? 2 : 1;

	return planes * TEST_PICTURE_PHASES * p->stride;
}

struct test_picture_rgb {
	__u8 r, g, b;
};

/* Colour of column x in a row of the given phase: a bar, darkened by the moving ramp. */
static inline struct test_picture_rgb test_picture_colour(const struct test_picture *p, __u32 x,
							  __u32 phase)
{
	static const struct test_picture_rgb bars[8] = {
		{ 255, 255, 255 }, { 255, 255, 48 }, { 48, 255, 255 }, { 48, 255, 48 },
		{ 255, 48, 255 },  { 255, 48, 48 },  { 64, 96, 255 },  { 144, 144, 144 },
	};
	const struct test_picture_rgb *bar = &bars[x * 8 / p->width];
	__u32 ramp = (x + 4 * phase) & 255;
	__u32 level = 96 + (ramp * 160 >> 8);
	struct test_picture_rgb c;

	c.r = (__u8)(bar->r * level >> 8);
	c.g = (__u8)(bar->g * level >> 8);
	c.b = (__u8)(bar->b * level >> 8);
	return c;
}

/* BT.601, studio swing, in the usual 8-bit integer approximation. */
static inline __u8 test_picture_luma(struct test_picture_rgb c)
{
	return (__u8)(((66 * c.r + 129 * c.g + 25 * c.b + 128) >> 8) + 16);
}

static inline __u8 test_picture_cb(struct test_picture_rgb c)
{
	return (__u8)((32768 - 38 * c.r - 74 * c.g + 112 * c.b + 128) >> 8);
}

static inline __u8 test_picture_cr(struct test_picture_rgb c)
{
	return (__u8)((32768 + 112 * c.r - 94 * c.g - 18 * c.b + 128) >> 8);
}

/* Full-swing grey. */
static inline __u8 test_picture_grey(struct test_picture_rgb c)
{
	return (__u8)((77 * c.r + 150 * c.g + 29 * c.b) >> 8);
}

/* Writes the pixel pair (x, x + 1), x even, of the first plane into a row. */
static inline void test_picture_put_pair(__u32 fourcc, __u8 *row, __u32 x,
					 struct test_picture_rgb left,
					 struct test_picture_rgb right)
{
	__u32 i;

	for (i = 0; i < 2; i++) {
		struct test_picture_rgb c = i ? right : left;
		__u8 *out = row + (x + i) * test_picture_pixel_bytes(fourcc);

		switch (fourcc) {
		case TEST_PICTURE_GREY:
			out[0] = test_picture_grey(c);
			break;
		case TEST_PICTURE_Y16:
			out[0] = out[1] = test_picture_grey(c);
			break;
		case TEST_PICTURE_NV12:
			out[0] = test_picture_luma(c);
			break;
		case TEST_PICTURE_YUYV:
			out[0] = test_picture_luma(c);
			out[1] = i ? test_picture_cr(left) : test_picture_cb(left);
			break;
		case TEST_PICTURE_RGB3:
			out[0] = c.r;
			out[1] = c.g;
			out[2] = c.b;
			break;
		default: /* BGR3, BGR4, XR24 */
			out[0] = c.b;
			out[1] = c.g;
			out[2] = c.r;
			if (fourcc != TEST_PICTURE_BGR3)
				out[3] = 255;
			break;
		}
	}
}

/* Paints the 64 possible rows of each plane. @table: test_picture_table_bytes(p) bytes. */
static inline void test_picture_table_init(const struct test_picture *p, __u8 *table)
{
	__u8 *chroma = table + (size_t)TEST_PICTURE_PHASES * p->stride;
	__u32 phase, x;

	for (phase = 0; phase < TEST_PICTURE_PHASES; phase++) {
		__u8 *row = table + (size_t)phase * p->stride;
		__u8 *chroma_row = chroma + (size_t)phase * p->stride;

		for (x = 0; x < p->width; x += 2) {
			struct test_picture_rgb left = test_picture_colour(p, x, phase);
			struct test_picture_rgb right = test_picture_colour(p, x + 1, phase);

			test_picture_put_pair(p->fourcc, row, x, left, right);
			if (p->rows > p->chroma_row) {
				chroma_row[x] = test_picture_cb(left);
				chroma_row[x + 1] = test_picture_cr(left);
			}
		}
	}
}

/* Pixels of one dot of the 5x7 digits; 0: the picture is too small to carry digits. */
static inline __u32 test_picture_dot(const struct test_picture *p)
{
	__u32 dot = p->width / 128 & ~1u;

	if (p->width < 128)
		return 0;
	if (dot < 2)
		dot = 2;
	return 8 + 7 * dot <= p->height ? dot : 0;
}

/* The last eight decimal digits of a sequence number, most significant first. */
static inline void test_picture_decimal(__u64 sequence, __u8 digits[TEST_PICTURE_DIGITS])
{
	__u32 i, rest;

#ifdef __KERNEL__
	div_u64_rem(sequence, 100000000u, &rest);
#else
	rest = (__u32)(sequence % 100000000u);
#endif
	for (i = TEST_PICTURE_DIGITS; i-- > 0; rest /= 10)
		digits[i] = (__u8)(rest % 10);
}

/*
 * Overwrites bytes [from, to) of a row with the lit dots of one row of dots. The digits are white
 * and start at pixel (16, 8); dots have even sizes, so a chroma sample is never half lit.
 */
static inline void test_picture_draw_digits(const struct test_picture *p, __u64 sequence,
					    __u32 dot, __u32 dot_row, int chroma, __u32 from,
					    __u32 to, __u8 *out)
{
	static const __u8 font[10][7] = {
		{ 14, 17, 19, 21, 25, 17, 14 }, { 4, 12, 4, 4, 4, 4, 14 },
		{ 14, 17, 1, 2, 4, 8, 31 },	{ 31, 2, 4, 2, 1, 17, 14 },
		{ 2, 6, 10, 18, 31, 2, 2 },	{ 31, 16, 30, 1, 1, 17, 14 },
		{ 6, 8, 16, 30, 17, 17, 14 },	{ 31, 1, 2, 4, 8, 8, 8 },
		{ 14, 17, 17, 14, 17, 17, 14 }, { 14, 17, 17, 15, 1, 2, 12 },
	};
	const struct test_picture_rgb white = { 255, 255, 255 };
	__u32 pixel_bytes = test_picture_pixel_bytes(p->fourcc);
	__u8 digits[TEST_PICTURE_DIGITS];
	__u8 pair[8];
	__u32 digit, column, b;

	/* White repeats after two bytes in each format; its chroma is 128, 128. */
	test_picture_put_pair(p->fourcc, pair, 0, white, white);
	if (chroma)
		pair[0] = pair[1] = 128;
	test_picture_decimal(sequence, digits);
	for (digit = 0; digit < TEST_PICTURE_DIGITS; digit++) {
		for (column = 0; column < 5; column++) {
			__u32 first = (16 + (digit * 6 + column) * dot) * pixel_bytes;
			__u32 last = first + dot * pixel_bytes;

			if (!(font[digits[digit]][dot_row] >> (4 - column) & 1))
				continue;
			first = first < from ? from : first;
			last = last < to ? last : to;
			if (pair[0] == pair[1] && first < last)
				memset(out + first - from, pair[0], last - first);
			else
				for (b = first; b < last; b++)
					out[b - from] = pair[b & 1];
		}
	}
}

/* Paints bytes [from, to) of one row; from < to <= stride. */
static inline void test_picture_paint_row(const struct test_picture *p, const __u8 *table,
					  __u64 sequence, __u32 row, __u32 from, __u32 to,
					  __u8 *out)
{
	int chroma = row >= p->chroma_row;
	__u32 y = chroma ? 2 * (row - p->chroma_row) : row;
	__u32 phase = ((y >> 2) + (__u32)sequence) & (TEST_PICTURE_PHASES - 1);
	__u32 dot = test_picture_dot(p);
	__u32 b;

	if (chroma)
		phase += TEST_PICTURE_PHASES;
	memcpy(out, table + (size_t)phase * p->stride + from, to - from);
	if (dot && y >= 8 && y < 8 + 7 * dot)
		test_picture_draw_digits(p, sequence, dot, (y - 8) / dot, chroma, from, to, out);
	for (b = from; b < TEST_PICTURE_STAMP_BYTES && b < to; b++)
		out[b - from] = (__u8)(sequence >> (8 * b));
}

/*
 * Paints bytes [offset, offset + length) of the picture; the range lies within p->bytes. Made for
 * scattered pages: a page starts and ends anywhere in a row.
 */
static inline void test_picture_paint(const struct test_picture *p, const __u8 *table,
				      __u64 sequence, __u64 offset, size_t length, __u8 *out)
{
#ifdef __KERNEL__
	__u32 from;
	__u32 row = (__u32)div_u64_rem(offset, p->stride, &from);
#else
	__u32 from = (__u32)(offset % p->stride);
	__u32 row = (__u32)(offset / p->stride);
#endif

	while (length) {
		__u32 to = length < p->stride - from ? from + (__u32)length : p->stride;

		test_picture_paint_row(p, table, sequence, row, from, to, out);
		out += to - from;
		length -= to - from;
		from = 0;
		row++;
	}
}

#ifdef __cplusplus
}
#endif

#endif /* GRABFS_TEST_PICTURE_H */
