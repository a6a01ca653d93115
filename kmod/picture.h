/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test picture for adapters that have no camera: test_picture.h with memory management, and
 * two adapter operations ready for use. One more format, fourcc 0, is the device's memory as it is.
 */
#ifndef GRABDMA_PICTURE_H
#define GRABDMA_PICTURE_H

#include "adapter.h"
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

int grabdma_picture_enum_format(struct grabdma_adapter *adapter,
				struct grabdma_format_range *range);
int grabdma_picture_check_format(struct grabdma_adapter *adapter, struct grabdma_format *format);
int grabdma_picture_prepare(struct grabdma_picture *picture, const struct grabdma_format *format);
void grabdma_picture_destroy(struct grabdma_picture *picture);

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
