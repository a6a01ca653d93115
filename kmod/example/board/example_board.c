// SPDX-License-Identifier: GPL-2.0
/*
 * The driver of a board with a ring of descriptors and one interrupt, as docs/adding-a-board.md
 * explains it. Up to DEPTH frames are the board's; their descriptors follow each other in the ring.
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/videodev2.h>

#include <grabdma/adapter.h>

#include "example_fpga.h"

#define DEPTH 8

struct board {
	struct grabdma_adapter *adapter;
	struct fpga *fpga;
	struct fpga_descriptor *ring;
	dma_addr_t ring_address;

	spinlock_t lock;		/* of what follows; taken in the interrupt */
	struct list_head requests;	/* the board's, in order */
	u32 tail;			/* of the ring */
};

static const struct grabdma_format formats[] = {
	{ .fourcc = V4L2_PIX_FMT_GREY, .width = 640, .height = 480, .stride = 640, .bytes = 640 * 480 },
};

static void board_submit(struct grabdma_adapter *adapter, struct grabdma_request *request)
{
	struct board *board = grabdma_priv(adapter);
	struct grabdma_segment segment;

	spin_lock(&board->lock);
	if (list_empty(&board->requests) && !fpga_read(board->fpga, FPGA_RUN)) {
		board->tail = 0;
		fpga_write(board->fpga, FPGA_TAIL, 0);
		fpga_write(board->fpga, FPGA_RUN, 1);
	}
	list_add_tail(&request->node, &board->requests);
	grabdma_for_each_segment(request, &segment) {
		board->ring[board->tail] = (struct fpga_descriptor){
			.address = cpu_to_le64(segment.address),
			.bytes = cpu_to_le32(segment.bytes),
			.last = cpu_to_le32(segment.last),
		};
		board->tail = (board->tail + 1) % FPGA_RING;
	}
	dma_wmb(); /* the descriptors before the board looks at them */
	fpga_write(board->fpga, FPGA_TAIL, board->tail);
	spin_unlock(&board->lock);
}

static struct grabdma_request *take_first(struct board *board)
{
	struct grabdma_request *request;

	spin_lock(&board->lock);
	request = list_first_entry_or_null(&board->requests, struct grabdma_request, node);
	if (request)
		list_del(&request->node);
	spin_unlock(&board->lock);
	return request;
}

static irqreturn_t board_interrupt(int irq, void *data)
{
	struct board *board = data;
	struct grabdma_result result = { .timestamp_ns = ktime_get_ns() };
	u32 frames = fpga_read(board->fpga, FPGA_STATUS);
	u32 i;

	result.device_time_ns = (u64)fpga_read(board->fpga, FPGA_CLOCK) * NSEC_PER_USEC;
	for (i = 0; i < frames && i < DEPTH; i++) {
		struct grabdma_request *request = take_first(board);

		if (request)
			grabdma_done(request, &result);
	}
	return frames ? IRQ_HANDLED : IRQ_NONE;
}

static void board_abort(struct grabdma_adapter *adapter)
{
	struct board *board = grabdma_priv(adapter);

	fpga_write(board->fpga, FPGA_RUN, 0); /* a real board: and synchronize_irq() */
	fpga_read(board->fpga, FPGA_STATUS);
	INIT_LIST_HEAD(&board->requests);
}

static const struct grabdma_adapter_ops board_ops = {
	.name = "example",
	.directions = GRABDMA_DIRECTION_CAPTURE,
	.submit = board_submit,
	.abort = board_abort,
};

static int board_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct grabdma_adapter_config config = {
		.ops = &board_ops,
		.parent = dev,
		.dma_dev = dev,
		.depth = DEPTH,
		.max_segment_bytes = FPGA_SEGMENT_BYTES,
		.max_segments = FPGA_RING / DEPTH - 1, /* a full ring must not look empty */
		.capabilities = GRABDMA_CAP_DEVICE_TIME,
		.formats = formats,
		.format_count = ARRAY_SIZE(formats),
	};
	struct board *board = devm_kzalloc(dev, sizeof(*board), GFP_KERNEL);
	int error;

	if (!board)
		return -ENOMEM;
	spin_lock_init(&board->lock);
	INIT_LIST_HEAD(&board->requests);
	platform_set_drvdata(pdev, board);
	error = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (error)
		return error;
	board->ring = dmam_alloc_coherent(dev, FPGA_RING * sizeof(*board->ring),
					  &board->ring_address, GFP_KERNEL);
	if (!board->ring)
		return -ENOMEM;
	board->fpga = fpga_create(dev, board->ring, board_interrupt, board);
	if (!board->fpga)
		return -ENOMEM;
	config.priv = board;
	board->adapter = grabdma_adapter_register(&config);
	if (IS_ERR(board->adapter))
		fpga_destroy(board->fpga);
	return PTR_ERR_OR_ZERO(board->adapter);
}

static grabdma_platform_remove_t board_remove(struct platform_device *pdev)
{
	struct board *board = platform_get_drvdata(pdev);

	grabdma_adapter_unregister(board->adapter);
	fpga_destroy(board->fpga);
	return GRABDMA_PLATFORM_REMOVED;
}

static struct platform_driver board_driver = {
	.probe = board_probe,
	.remove = board_remove,
	.driver = {
		.name = "grabdma-example",
	},
};

/* The bus finds real boards by itself: module_pci_driver() or module_platform_driver() is enough. */
static struct platform_device *pdev;

static int __init board_init(void)
{
	int error = platform_driver_register(&board_driver);

	if (error)
		return error;
	pdev = platform_device_register_simple("grabdma-example", -1, NULL, 0);
	if (IS_ERR(pdev))
		platform_driver_unregister(&board_driver);
	return PTR_ERR_OR_ZERO(pdev);
}

static void __exit board_exit(void)
{
	platform_device_unregister(pdev);
	platform_driver_unregister(&board_driver);
}

module_init(board_init);
module_exit(board_exit);

MODULE_DESCRIPTION("grabdma: an example of a board");
MODULE_AUTHOR("The grabfs authors");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(GRABDMA_NAMESPACE);
