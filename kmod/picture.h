/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test picture for boards that have no camera: test_picture.h with memory management, and two
 * adapter operations ready for use. One more format, fourcc 0, is the device's memory as it is.
 */
#ifndef GRABDMA_PICTURE_H
#define GRABDMA_PICTURE_H

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "include/grabdma/adapter.h"
#include "test_picture.h"

/**
 * struct grabdma_picture - the picture of the current format
 * @geometry: of it; .bytes is 0 for raw bytes
 * @table: its painted rows; NULL at first
 */
struct grabdma_picture {
	struct test_picture geometry;
	u8 *table;
};

static const u32 grabdma_picture_fourccs[] = {
	TEST_PICTURE_GREY, TEST_PICTURE_Y16,  TEST_PICTURE_YUYV, TEST_PICTURE_RGB3,
	TEST_PICTURE_BGR3, TEST_PICTURE_BGR4, TEST_PICTURE_XR24, TEST_PICTURE_NV12,
};

static int grabdma_picture_enum_format(struct grabdma_adapter *adapter,
				       struct grabdma_format_range *range)
{
	u32 size = range->size;
	u32 index = range->index;

	if (index > ARRAY_SIZE(grabdma_picture_fourccs))
		return -EINVAL;
	*range = (struct grabdma_format_range){ .size = size, .index = index };
	if (index == ARRAY_SIZE(grabdma_picture_fourccs))
		return 0;
	index = array_index_nospec(index, ARRAY_SIZE(grabdma_picture_fourccs));
	range->fourcc = grabdma_picture_fourccs[index];
	range->min_width = TEST_PICTURE_MIN_SIZE;
	range->max_width = TEST_PICTURE_MAX_SIZE;
	range->min_height = TEST_PICTURE_MIN_SIZE;
	range->max_height = TEST_PICTURE_MAX_SIZE;
	range->step = 2;
	return 0;
}

static int grabdma_picture_check_raw(const struct grabdma_format *format)
{
	if (format->width || format->height || format->stride || !format->bytes ||
	    format->bytes > GRABDMA_MAX_BYTES)
		return -EINVAL;
	return 0;
}

static int grabdma_picture_check_format(struct grabdma_adapter *adapter,
					struct grabdma_format *format)
{
	struct test_picture geometry;

	if (!format->fourcc)
		return grabdma_picture_check_raw(format);
	if (!test_picture_init(&geometry, format->fourcc, format->width, format->height))
		return -EINVAL;
	if ((format->stride && format->stride != geometry.stride) ||
	    (format->bytes && format->bytes != geometry.bytes) ||
	    geometry.bytes > GRABDMA_MAX_BYTES)
		return -EINVAL;
	format->stride = geometry.stride;
	format->bytes = geometry.bytes;
	return 0;
}

/* Paints the table of a checked format, unless it is the one that is there. */
static int grabdma_picture_prepare(struct grabdma_picture *picture,
				   const struct grabdma_format *format)
{
	struct test_picture geometry = {};
	u8 *table;

	if (!format->fourcc) {
		picture->geometry = geometry;
		return 0;
	}
	test_picture_init(&geometry, format->fourcc, format->width, format->height);
	if (picture->table && !memcmp(&geometry, &picture->geometry, sizeof(geometry)))
		return 0;
	table = kvmalloc(test_picture_table_bytes(&geometry), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	test_picture_table_init(&geometry, table);
	kvfree(picture->table);
	picture->table = table;
	picture->geometry = geometry;
	return 0;
}

static void grabdma_picture_destroy(struct grabdma_picture *picture)
{
	kvfree(picture->table);
}

/* Shall the transfer make a picture, or show the device's memory? */
static inline bool grabdma_picture_wanted(const struct grabdma_request *request)
{
	return request->direction == GRABDMA_DIRECTION_CAPTURE && request->format.fourcc;
}

static inline void grabdma_picture_paint(const struct grabdma_picture *picture, u64 sequence,
					 u64 offset, size_t bytes, void *out)
{
	test_picture_paint(&picture->geometry, picture->table, sequence, offset, bytes, out);
}

#endif /* GRABDMA_PICTURE_H */
