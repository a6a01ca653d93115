/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module of a board (a frame grabber) sees of grabdma: one struct of operations to
 * implement and a handful of functions to call. Sessions, buffers, files, queueing, pacing,
 * records and time-outs are the core's; see docs/adding-a-board.md.
 *
 * The contract in one picture. At most &grabdma_adapter_config.depth requests are the board's at a
 * time, in the order of their numbers:
 *
 *                submit()                          grabdma_done()
 *     core's ───────────────▶ the board's, in DMA ────────────────▶ core's
 *                                     │                               ▲
 *                                     └── abort(): all of them ───────┘
 *
 * Who may do what when:
 *
 *   - A request is the board's from submit() until grabdma_done() or the end of abort(), and no
 *     longer. Its memory lives as long as the adapter, so that a late look at it is a mistake and
 *     no disaster: grabdma_done() of a request that is not the board's does nothing. (One that has
 *     been submitted again is: who ends a request twice may end the next one.)
 *   - grabdma_done() ends the request that it is given and no other, in any context but submit().
 *     Boards end requests in order. If one does not, its frames are told in order all the same: they
 *     wait for those before them.
 *   - abort() takes everything back: after it the board writes nowhere. It comes when the session
 *     stops, is closed or frees a buffer that is being filled, when the board is unplugged, and
 *     when none of the requests has moved for the module's timeout_ms, and before the machine sleeps;
 *     after that prepare() comes first.
 *   - submit() is never called during prepare() or abort(). Output requests travel alone.
 */
#ifndef GRABDMA_ADAPTER_H
#define GRABDMA_ADAPTER_H

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/list.h>
#include <linux/module.h>

#include "compat.h"
#include "../../uapi/grabdma.h"

/* Of this header: grabdma_adapter_register() compares it with the core's. */
#define GRABDMA_ADAPTER_VERSION 1

#define GRABDMA_MAX_BYTES (1ULL << 30) /* of a buffer, and so of an image */
#define GRABDMA_MAX_DEPTH 256
#define GRABDMA_MAX_CHUNK 4096

struct grabdma_adapter;

/**
 * struct grabdma_request - one transfer between the device and a buffer
 * @adapter: whose it is
 * @index: which of the board's requests, below its depth. They are submitted in the order 0, 1, 2, …
 *	and round again; after abort() and before prepare() it begins with 0.
 * @direction: GRABDMA_DIRECTION_CAPTURE or GRABDMA_DIRECTION_OUTPUT
 * @offset: first byte of the buffer to transfer; 0 for a capture
 * @bytes: how many bytes; the size of an image for a capture
 * @sequence: capture: the frame's number, unless the board loses some before it
 * @due_ns: capture: when the frame was due, CLOCK_MONOTONIC
 * @format: capture: the image's format
 * @node: the board's, to keep a list of what it has
 */
struct grabdma_request {
	struct grabdma_adapter *adapter;
	unsigned int index;
	u32 direction;
	u64 offset;
	u64 bytes;
	u64 sequence;
	u64 due_ns;
	struct grabdma_format format;
	struct list_head node;
};

/**
 * struct grabdma_result - how a request has ended; what a board does not know stays 0
 * @error: 0 or a negative errno; the rest does not count then, but for @timestamp_ns
 * @bytes: capture: of the image, where it may be shorter than &grabdma_request.bytes (compressed,
 *	line scan); 0: it is as long as that
 * @timestamp_ns: ktime_get_ns() of the interrupt; 0: now
 * @lost: capture: frames that the board had to drop between the one before and this one
 * @device_time_ns: capture: by the board's own clock, if it has one
 * @device_sequence: capture: by the board's own counting, if it counts
 * @chunk: capture: data about the frame (a trailer, a line counter …), copied at once
 * @chunk_bytes: of it, at most &grabdma_adapter_config.chunk_bytes
 */
struct grabdma_result {
	int error;
	u64 bytes;
	u64 timestamp_ns;
	u64 lost;
	u64 device_time_ns;
	u64 device_sequence;
	const void *chunk;
	size_t chunk_bytes;
};

/**
 * struct grabdma_adapter_ops - what an adapter does
 * @name: of the driver, for INFO and sysfs
 * @directions: GRABDMA_DIRECTION_* that the device has
 * @enum_format: fill in the range of format @range->index, or -EINVAL. May be called at any time.
 *	NULL: &grabdma_adapter_config.formats are all that there is
 * @check_format: complete @format (stride, bytes) or -EINVAL, also where it says what the board would
 *	do otherwise: nothing is rounded. May be called at any time. NULL: as above
 * @prepare: captures in @format follow; may sleep. Not called while a request is the board's. It comes
 *	before the first submit() of each START and TRIGGER, and again after each abort() that a capture
 *	outlasts. NULL: there is nothing to do
 * @submit: start the transfer, or put it behind those that are under way, and return. Atomic:
 *	interrupts are off and a spinlock is held. The end is told by grabdma_done(), not from
 *	within submit().
 * @abort: end all transfers, if there are any; may sleep. When it returns, the device writes to no
 *	buffer, and grabdma_done() is not running and will not be called for any request submitted
 *	before; the next one can be submitted.
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
 * @parent: the device that is bound to the board's driver: PCI, platform, any
 * @dma_dev: who does DMA, with its mask already set; NULL: the adapter writes with the CPU, and
 *	buffers are not mapped for DMA
 * @dma_mask: highest address that the device can produce; taken from @dma_dev if there is one
 * @depth: how many requests the board takes at once; 0 is 1; at most GRABDMA_MAX_DEPTH
 * @max_segment_bytes: the longest segment that it can describe; 0: any
 * @max_segments: how many of them a buffer may have, also one that is larger than the image; 0: any,
 *	of boards of depth 1. There is a loop over them in submit(), with interrupts off: some thousand
 *	at most.
 * @capabilities: GRABDMA_CAP_DEVICE_TIME and GRABDMA_CAP_DEVICE_SEQUENCE: results have these
 * @chunk_bytes: the most data about a frame, at most GRABDMA_MAX_CHUNK; 0: none
 * @device_bytes: for output: size of the device's own memory, 0 if none
 * @formats: static: those that the board has, complete with stride and bytes; where there are
 *	enum_format() and check_format(), NULL
 * @format_count: of them
 * @default_format: of new sessions; must pass check_format(). Without one: the first of @formats
 * @injectable: allow GRABDMA_INJECT, to who has CAP_SYS_ADMIN; the core's inject=1 allows it for all
 *	boards, to everybody
 * @priv: the adapter's own, see grabdma_priv()
 */
struct grabdma_adapter_config {
	const struct grabdma_adapter_ops *ops;
	struct device *parent;
	struct device *dma_dev;
	u64 dma_mask;
	unsigned int depth;
	u32 max_segment_bytes;
	unsigned int max_segments;
	u32 capabilities;
	unsigned int chunk_bytes;
	u64 device_bytes;
	const struct grabdma_format *formats;
	unsigned int format_count;
	struct grabdma_format default_format;
	bool injectable;
	void *priv;
};

/*
 * Makes /dev/grabdmaN; the config is copied. The adapter or ERR_PTR(), with a reason in the log, and
 * never NULL. Operations may be called from here on until grabdma_adapter_unregister() returns, which
 * waits for all that is under way.
 */
struct grabdma_adapter *__grabdma_adapter_register(const struct grabdma_adapter_config *config,
						   struct module *owner, unsigned int version);
#define grabdma_adapter_register(config) \
	__grabdma_adapter_register(config, THIS_MODULE, GRABDMA_ADAPTER_VERSION)
void grabdma_adapter_unregister(struct grabdma_adapter *adapter);
void grabdma_adapter_suspend(struct grabdma_adapter *adapter);
int grabdma_adapter_resume(struct grabdma_adapter *adapter);
void *grabdma_priv(struct grabdma_adapter *adapter);

/*
 * The request has ended; @result is copied, its chunk too. Any context but submit(), which it may
 * call. grabdma_progress(): it has not ended, but is alive, which puts the time-out off.
 */
void grabdma_done(struct grabdma_request *request, const struct grabdma_result *result);
void grabdma_progress(struct grabdma_adapter *adapter);

/**
 * struct grabdma_segment - a part of a request that is contiguous for the device
 * @offset: in the buffer
 * @address: for the device
 * @bytes: at most &grabdma_adapter_config.max_segment_bytes
 * @last: no segment of the request follows
 */
struct grabdma_segment {
	u64 offset;
	dma_addr_t address;
	u32 bytes;
	bool last;
};

bool grabdma_next_segment(struct grabdma_request *request, struct grabdma_segment *segment);

/* Loops over the segments of a request that is the board's: one descriptor for each. */
#define grabdma_for_each_segment(request, segment)						\
	for (*(segment) = (struct grabdma_segment){ .offset = (request)->offset };		\
	     grabdma_next_segment(request, segment);)

size_t grabdma_dma_piece(struct grabdma_request *request, u64 offset, size_t limit,
			 dma_addr_t *address);
size_t grabdma_cpu_piece(struct grabdma_request *request, u64 offset, size_t limit,
			 void **address);

#endif /* GRABDMA_ADAPTER_H */
