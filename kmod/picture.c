// SPDX-License-Identifier: GPL-2.0
/* Formats and memory of the test picture; see picture.h. */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "grabdma.h"
#include "picture.h"

static const u32 fourccs[] = {
	TEST_PICTURE_GREY, TEST_PICTURE_Y16,  TEST_PICTURE_YUYV, TEST_PICTURE_RGB3,
	TEST_PICTURE_BGR3, TEST_PICTURE_BGR4, TEST_PICTURE_XR24, TEST_PICTURE_NV12,
};

int grabdma_picture_enum_format(struct grabdma_adapter *adapter,
				struct grabdma_format_range *range)
{
	u32 size = range->size;
	u32 index = range->index;

	if (index > ARRAY_SIZE(fourccs))
		return -EINVAL;
	*range = (struct grabdma_format_range){ .size = size, .index = index };
	if (index == ARRAY_SIZE(fourccs))
		return 0;
	range->fourcc = fourccs[array_index_nospec(index, ARRAY_SIZE(fourccs))];
	range->min_width = TEST_PICTURE_MIN_SIZE;
	range->max_width = TEST_PICTURE_MAX_SIZE;
	range->min_height = TEST_PICTURE_MIN_SIZE;
	range->max_height = TEST_PICTURE_MAX_SIZE;
	range->step = 2;
	return 0;
}

static int check_raw(const struct grabdma_format *format)
{
	if (format->width || format->height || format->stride || !format->bytes ||
	    format->bytes > GRABDMA_MAX_BYTES)
		return -EINVAL;
	return 0;
}

int grabdma_picture_check_format(struct grabdma_adapter *adapter, struct grabdma_format *format)
{
	struct test_picture geometry;

	if (!format->fourcc)
		return check_raw(format);
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
int grabdma_picture_prepare(struct grabdma_picture *picture, const struct grabdma_format *format)
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

void grabdma_picture_destroy(struct grabdma_picture *picture)
{
	kvfree(picture->table);
}
