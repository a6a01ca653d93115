/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a driver of an adapter (a frame grabber board) sees of grabdma: one struct of operations to
 * implement and a handful of functions to call. Sessions, buffers, files, queueing, pacing,
 * records and time-outs are the core's; see docs/adding-a-board.md.
 *
 * The contract in one picture. The core has at most one request in flight on an adapter:
 *
 *     core:     submit(request) ───────────────▶ abort() when it has lost patience
 *                    │                                │
 *     adapter:       └─ DMA … interrupt ─▶ grabdma_done()   (none after abort() has returned)
 */
#ifndef GRABDMA_ADAPTER_H
#define GRABDMA_ADAPTER_H

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/scatterlist.h>

#include "uapi/grabdma.h"

struct grabdma_adapter;
struct grabdma_buffer;

/**
 * struct grabdma_request - one transfer between the device and a buffer
 * @direction: GRABDMA_DIRECTION_CAPTURE or GRABDMA_DIRECTION_OUTPUT
 * @offset: first byte of the buffer to transfer; 0 for a capture
 * @bytes: how many bytes; the size of an image for a capture
 * @sequence: capture: the frame's number
 * @due_ns: capture: when the frame was due, CLOCK_MONOTONIC
 * @format: capture: the image's format
 * @buffer: the core's
 * @sg: the core's; where grabdma_dma_piece() or grabdma_cpu_piece() was last
 * @sg_offset: the core's; the buffer's offset of @sg
 *
 * The request belongs to the adapter from submit() to grabdma_done() or the end of abort().
 */
struct grabdma_request {
	u32 direction;
	u64 offset;
	u64 bytes;
	u64 sequence;
	u64 due_ns;
	struct grabdma_format format;

	struct grabdma_buffer *buffer;
	struct scatterlist *sg;
	u64 sg_offset;
};

/**
 * struct grabdma_adapter_ops - what an adapter does
 * @name: of the driver, for INFO and sysfs
 * @directions: GRABDMA_DIRECTION_* that the device has
 * @enum_format: fill in the range of format @range->index, or -EINVAL. May be called at any time.
 * @check_format: complete @format (stride, bytes) or -EINVAL. May be called at any time.
 * @prepare: captures in @format follow; may sleep. Not called while a request is in flight.
 * @submit: start the transfer and return; atomic, interrupts are off. The end is told by
 *	grabdma_done(), not from within submit().
 * @abort: end the transfer in flight, if there is one; may sleep. When it returns, the device
 *	writes to no buffer and grabdma_done() is not and will not be called for that request; the
 *	next one can be submitted.
 *
 * No operation is called any more when grabdma_adapter_unregister() has returned.
 */
struct grabdma_adapter_ops {
	const char *name;
	u32 directions;
	int (*enum_format)(struct grabdma_adapter *adapter, struct grabdma_format_range *range);
	int (*check_format)(struct grabdma_adapter *adapter, struct grabdma_format *format);
	int (*prepare)(struct grabdma_adapter *adapter, const struct grabdma_format *format);
	void (*submit)(struct grabdma_adapter *adapter, struct grabdma_request *request);
	void (*abort)(struct grabdma_adapter *adapter);
};

/**
 * struct grabdma_adapter_config - what grabdma_adapter_register() is told
 * @ops: static
 * @parent: the device that is bound to the adapter's driver
 * @dma_dev: who does DMA, with its mask already set; NULL: the adapter writes with the CPU, and
 *	buffers are not mapped for DMA
 * @dma_mask: highest address that the device can produce; taken from @dma_dev if there is one
 * @device_bytes: size of the device's own memory, 0 if none
 * @default_format: of new sessions; must pass check_format()
 * @injectable: allow GRABDMA_INJECT, to who has CAP_SYS_ADMIN
 * @priv: the adapter's own, see grabdma_priv()
 */
struct grabdma_adapter_config {
	const struct grabdma_adapter_ops *ops;
	struct device *parent;
	struct device *dma_dev;
	u64 dma_mask;
	u64 device_bytes;
	struct grabdma_format default_format;
	bool injectable;
	void *priv;
};

struct grabdma_adapter *grabdma_adapter_register(const struct grabdma_adapter_config *config);
void grabdma_adapter_unregister(struct grabdma_adapter *adapter);
void *grabdma_priv(struct grabdma_adapter *adapter);

void grabdma_done(struct grabdma_adapter *adapter, int error, u64 timestamp_ns);
void grabdma_progress(struct grabdma_adapter *adapter);

size_t grabdma_dma_piece(struct grabdma_request *request, u64 offset, size_t limit,
			 dma_addr_t *address);
size_t grabdma_cpu_piece(struct grabdma_request *request, u64 offset, size_t limit,
			 void **address);

#endif /* GRABDMA_ADAPTER_H */
