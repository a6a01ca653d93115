// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual adapter: a frame grabber in software. Its engine is a work that paints the test
 * picture with the CPU, so it needs no hardware and makes any size at any rate. It has a memory
 * of its own, which output writes and raw captures read: what was sent can be looked at.
 *
 * Like a board with a ring of descriptors it takes as many requests at once as its parameter says,
 * and ends them in order. It can be slow as such boards are: each frame is there some time after it
 * was due, however many others are under way. It has a clock and counts for itself, and says of each
 * frame in a few words what it was asked for. Parameters make it behave as worse boards do.
 */
#include <linux/module.h>
#include <linux/platform_device.h>

#include "picture.h"

#define DRIVER_NAME "grabdma-virtual"
#define DEVICE_BYTES SZ_1M
#define PIECE_BYTES SZ_256K /* after each, an abort is noticed */
#define MAX_ADAPTERS 16
#define CHUNK_BYTES 64

static int adapters = 1;
module_param_named(count, adapters, int, 0444);
MODULE_PARM_DESC(count, "Number of virtual adapters, 0 to 16 (default 1)");

static unsigned int depth = 1;
module_param(depth, uint, 0444);
MODULE_PARM_DESC(depth, "How many requests each takes at once, 1 to 256 (default 1)");

static unsigned int latency_us;
module_param(latency_us, uint, 0444);
MODULE_PARM_DESC(latency_us, "Microseconds from when a frame is due to when it is there (default 0)");

static bool line_scan;
module_param(line_scan, bool, 0444);
MODULE_PARM_DESC(line_scan,
		 "Frames end early: a quarter of the rows, a half, three quarters, all (default N)");

static unsigned int lose;
module_param(lose, uint, 0444);
MODULE_PARM_DESC(lose, "Before every so many-th frame the board itself loses one; 0: never (default 0)");

static bool shuffle;
module_param(shuffle, bool, 0444);
MODULE_PARM_DESC(shuffle, "Frames end out of order: the second before the first (default N)");

static unsigned int dma_bits = 64;
module_param(dma_bits, uint, 0444);
MODULE_PARM_DESC(dma_bits,
		 "Address bits that virtual adapters pretend to have, 20 to 64 (default 64)");

static int node = NUMA_NO_NODE;
module_param(node, int, 0444);
MODULE_PARM_DESC(node,
		 "NUMA node that virtual adapters pretend to be near to; -1: none (default -1)");

struct virtual {
	struct grabdma_adapter *adapter;
	struct workqueue_struct *workqueue;
	struct delayed_work work;
	struct grabdma_picture picture;
	u8 *memory;
	u64 began_ns;  /* when its clock was 0 */
	u64 sequence;  /* of frames, by its own counting */
	bool aborting; /* READ_ONCE() */

	spinlock_t lock;
	struct list_head requests; /* in order */
};

static struct platform_device *devices[MAX_ADAPTERS];

/* Copies between buffer and device memory, which repeats for ever; the piece is within a repeat. */
static void copy_memory(struct virtual *virtual, const struct grabdma_request *request, u64 offset,
			size_t bytes, u8 *address)
{
	u8 *memory = virtual->memory + offset % DEVICE_BYTES;

	if (request->direction == GRABDMA_DIRECTION_OUTPUT)
		memcpy(memory, address, bytes);
	else
		memcpy(address, memory, bytes);
}

static size_t transfer_piece(struct virtual *virtual, struct grabdma_request *request, u64 offset)
{
	bool paints = grabdma_picture_wanted(request);
	size_t limit = PIECE_BYTES;
	void *address;
	size_t bytes;

	if (!paints)
		limit = min_t(u64, limit, DEVICE_BYTES - offset % DEVICE_BYTES);
	bytes = grabdma_cpu_piece(request, offset, limit, &address);
	if (paints)
		grabdma_picture_paint(&virtual->picture, request->sequence, offset, bytes, address);
	else
		copy_memory(virtual, request, offset, bytes, address);
	return bytes;
}

/* How much of the frame there will be. */
static u64 bytes_of(const struct grabdma_request *request)
{
	const struct grabdma_format *format = &request->format;
	u64 rows = (u64)format->height * (request->sequence % 4 + 1) / 4;

	if (!line_scan || !grabdma_picture_wanted(request))
		return request->bytes;
	return min(request->bytes, rows * format->stride);
}

/* Says whether all of it has been transferred. */
static bool transfer(struct virtual *virtual, struct grabdma_request *request)
{
	u64 offset = request->offset;
	u64 end = offset + bytes_of(request);

	while (offset < end) {
		if (READ_ONCE(virtual->aborting))
			return false;
		offset += transfer_piece(virtual, request, offset);
		grabdma_progress(virtual->adapter);
		cond_resched();
	}
	return true;
}

static void tell(struct virtual *virtual, struct grabdma_request *request)
{
	struct grabdma_result result = {
		.bytes = bytes_of(request),
		.timestamp_ns = request->due_ns,
		.device_time_ns = ktime_get_ns() - virtual->began_ns,
	};
	char chunk[CHUNK_BYTES];

	if (request->direction == GRABDMA_DIRECTION_CAPTURE) {
		result.lost = lose && virtual->sequence % lose == lose - 1;
		virtual->sequence += result.lost;
		result.device_sequence = virtual->sequence++;
		result.chunk = chunk;
		result.chunk_bytes = scnprintf(chunk, sizeof(chunk), "sequence=%llu due_ns=%llu\n",
					       request->sequence, request->due_ns);
	}
	grabdma_done(request, &result);
}

/* Requests 0 and 1, 2 and 3 ... change places when both are there. */
static bool has_partner(struct virtual *virtual, struct grabdma_request *request)
{
	return !(request->index % 2) && !list_is_last(&request->node, &virtual->requests) &&
	       list_next_entry(request, node)->index == request->index + 1;
}

/* The one to be transferred next. */
static struct grabdma_request *first_request(struct virtual *virtual)
{
	struct grabdma_request *request;

	spin_lock_irq(&virtual->lock);
	request = list_first_entry_or_null(&virtual->requests, struct grabdma_request, node);
	if (shuffle && request && has_partner(virtual, request))
		request = list_next_entry(request, node);
	spin_unlock_irq(&virtual->lock);
	return request;
}

static void forget(struct virtual *virtual, struct grabdma_request *request)
{
	spin_lock_irq(&virtual->lock);
	list_del(&request->node);
	spin_unlock_irq(&virtual->lock);
}

static u64 ready_ns(const struct grabdma_request *request)
{
	bool captures = request->direction == GRABDMA_DIRECTION_CAPTURE;

	return captures ? request->due_ns + (u64)latency_us * NSEC_PER_USEC : 0;
}

static void virtual_work(struct work_struct *work)
{
	struct virtual *virtual = container_of(to_delayed_work(work), struct virtual, work);
	struct grabdma_request *request;

	while (!READ_ONCE(virtual->aborting)) {
		u64 now = ktime_get_ns();

		request = first_request(virtual);
		if (!request)
			return;
		if (ready_ns(request) > now) {
			mod_delayed_work(virtual->workqueue, &virtual->work,
					 nsecs_to_jiffies(ready_ns(request) - now) + 1);
			return;
		}
		if (!transfer(virtual, request))
			return;
		forget(virtual, request);
		tell(virtual, request);
	}
}

static int virtual_prepare(struct grabdma_adapter *adapter, const struct grabdma_format *format)
{
	struct virtual *virtual = grabdma_priv(adapter);

	return grabdma_picture_prepare(&virtual->picture, format);
}

static void virtual_submit(struct grabdma_adapter *adapter, struct grabdma_request *request)
{
	struct virtual *virtual = grabdma_priv(adapter);

	spin_lock(&virtual->lock);
	list_add_tail(&request->node, &virtual->requests);
	spin_unlock(&virtual->lock);
	queue_delayed_work(virtual->workqueue, &virtual->work, 0);
}

static void virtual_abort(struct grabdma_adapter *adapter)
{
	struct virtual *virtual = grabdma_priv(adapter);

	WRITE_ONCE(virtual->aborting, true);
	cancel_delayed_work_sync(&virtual->work);
	INIT_LIST_HEAD(&virtual->requests);
	WRITE_ONCE(virtual->aborting, false);
}

static const struct grabdma_adapter_ops virtual_ops = {
	.name = "virtual",
	.directions = GRABDMA_DIRECTION_CAPTURE | GRABDMA_DIRECTION_OUTPUT,
	.enum_format = grabdma_picture_enum_format,
	.check_format = grabdma_picture_check_format,
	.prepare = virtual_prepare,
	.submit = virtual_submit,
	.abort = virtual_abort,
};

static void virtual_free(struct virtual *virtual)
{
	if (virtual->workqueue)
		destroy_workqueue(virtual->workqueue);
	grabdma_picture_destroy(&virtual->picture);
	kvfree(virtual->memory);
	kfree(virtual);
}

static int virtual_probe(struct platform_device *device)
{
	struct grabdma_adapter_config config = {
		.ops = &virtual_ops,
		.parent = &device->dev,
		.dma_mask = DMA_BIT_MASK(clamp(dma_bits, 20u, 64u)),
		.depth = clamp(depth, 1u, (unsigned int)GRABDMA_MAX_DEPTH),
		.capabilities = GRABDMA_CAP_DEVICE_TIME | GRABDMA_CAP_DEVICE_SEQUENCE,
		.chunk_bytes = CHUNK_BYTES,
		.device_bytes = DEVICE_BYTES,
		.default_format = { .fourcc = TEST_PICTURE_BGR4, .width = 640, .height = 480 },
		.injectable = true,
	};
	struct virtual *virtual = kzalloc(sizeof(*virtual), GFP_KERNEL);
	int error = -ENOMEM;

	if (!virtual)
		return error;
	if (node >= 0 && node < MAX_NUMNODES)
		set_dev_node(&device->dev, node);
	INIT_DELAYED_WORK(&virtual->work, virtual_work);
	INIT_LIST_HEAD(&virtual->requests);
	spin_lock_init(&virtual->lock);
	virtual->began_ns = ktime_get_ns();
	virtual->memory = kvzalloc(DEVICE_BYTES, GFP_KERNEL);
	virtual->workqueue = alloc_ordered_workqueue(DRIVER_NAME, WQ_HIGHPRI);
	if (!virtual->memory || !virtual->workqueue)
		goto free;
	config.priv = virtual;
	platform_set_drvdata(device, virtual);
	virtual->adapter = grabdma_adapter_register(&config);
	error = PTR_ERR_OR_ZERO(virtual->adapter);
	if (!error)
		return 0;
free:
	virtual_free(virtual);
	return error;
}

static grabdma_platform_remove_t virtual_remove(struct platform_device *device)
{
	struct virtual *virtual = platform_get_drvdata(device);

	grabdma_adapter_unregister(virtual->adapter);
	virtual_free(virtual);
	return GRABDMA_PLATFORM_REMOVED;
}

static struct platform_driver virtual_driver = {
	.probe = virtual_probe,
	.remove = virtual_remove,
	.driver = {
		.name = DRIVER_NAME,
	},
};

static void remove_devices(void)
{
	unsigned int i;

	for (i = 0; i < MAX_ADAPTERS; i++)
		platform_device_unregister(devices[i]);
}

static int __init virtual_init(void)
{
	int error = platform_driver_register(&virtual_driver);
	unsigned int i;

	if (error)
		return error;
	for (i = 0; i < clamp(adapters, 0, MAX_ADAPTERS); i++) {
		devices[i] = platform_device_register_simple(DRIVER_NAME, i, NULL, 0);
		if (IS_ERR(devices[i])) {
			error = PTR_ERR(devices[i]);
			remove_devices();
			platform_driver_unregister(&virtual_driver);
			return error;
		}
	}
	return 0;
}

static void __exit virtual_exit(void)
{
	remove_devices();
	platform_driver_unregister(&virtual_driver);
}

module_init(virtual_init);
module_exit(virtual_exit);

MODULE_DESCRIPTION("grabdma: a frame grabber in software");
MODULE_AUTHOR("The grabfs authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0");
MODULE_IMPORT_NS(GRABDMA_NAMESPACE);
