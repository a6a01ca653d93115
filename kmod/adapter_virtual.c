// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual adapter: a frame grabber in software. Its engine is a work that paints the test
 * picture with the CPU, so it needs no hardware and makes any size at any rate. It has a memory
 * of its own, which output writes and raw captures read: what was sent can be looked at.
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "compat.h"
#include "grabdma.h"
#include "picture.h"

#define DRIVER_NAME "grabdma-virtual"
#define DEVICE_BYTES SZ_1M
#define PIECE_BYTES SZ_256K /* after each, an abort is noticed */
#define MAX_ADAPTERS 16

static unsigned int dma_bits = 64;
module_param_named(virtual_dma_bits, dma_bits, uint, 0444);
MODULE_PARM_DESC(virtual_dma_bits,
		 "Address bits that virtual adapters pretend to have, 20 to 64 (default 64)");

static int node = NUMA_NO_NODE;
module_param_named(virtual_node, node, int, 0444);
MODULE_PARM_DESC(virtual_node,
		 "NUMA node that virtual adapters pretend to be near to; -1: none (default -1)");

struct virtual {
	struct grabdma_adapter *adapter;
	struct workqueue_struct *workqueue;
	struct work_struct work;
	struct grabdma_request *request;
	struct grabdma_picture picture;
	u8 *memory;
	bool aborting;
};

static struct platform_device *devices[MAX_ADAPTERS];

/* Copies between buffer and device memory, which repeats for ever; the piece is within a repeat. */
static void copy_memory(struct virtual *virtual, u64 offset, size_t bytes, u8 *address)
{
	u8 *memory = virtual->memory + offset % DEVICE_BYTES;

	if (virtual->request->direction == GRABDMA_DIRECTION_OUTPUT)
		memcpy(memory, address, bytes);
	else
		memcpy(address, memory, bytes);
}

static size_t transfer_piece(struct virtual *virtual, u64 offset)
{
	struct grabdma_request *request = virtual->request;
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
		copy_memory(virtual, offset, bytes, address);
	return bytes;
}

static void virtual_work(struct work_struct *work)
{
	struct virtual *virtual = container_of(work, struct virtual, work);
	struct grabdma_request *request = virtual->request;
	u64 due_ns = request->due_ns;
	u64 offset = request->offset;
	u64 end = offset + request->bytes;

	while (offset < end) {
		if (READ_ONCE(virtual->aborting))
			return;
		offset += transfer_piece(virtual, offset);
		grabdma_progress(virtual->adapter);
		cond_resched();
	}
	grabdma_done(virtual->adapter, 0, due_ns);
}

static int virtual_prepare(struct grabdma_adapter *adapter, const struct grabdma_format *format)
{
	struct virtual *virtual = grabdma_priv(adapter);

	return grabdma_picture_prepare(&virtual->picture, format);
}

static void virtual_submit(struct grabdma_adapter *adapter, struct grabdma_request *request)
{
	struct virtual *virtual = grabdma_priv(adapter);

	virtual->request = request;
	queue_work(virtual->workqueue, &virtual->work);
}

static void virtual_abort(struct grabdma_adapter *adapter)
{
	struct virtual *virtual = grabdma_priv(adapter);

	WRITE_ONCE(virtual->aborting, true);
	flush_work(&virtual->work);
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
	INIT_WORK(&virtual->work, virtual_work);
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

int grabdma_virtual_init(unsigned int count)
{
	int error = platform_driver_register(&virtual_driver);
	unsigned int i;

	if (error)
		return error;
	for (i = 0; i < min_t(unsigned int, count, MAX_ADAPTERS); i++) {
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

void grabdma_virtual_exit(void)
{
	remove_devices();
	platform_driver_unregister(&virtual_driver);
}
