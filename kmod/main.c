// SPDX-License-Identifier: GPL-2.0
/*
 * grabdma: DMA buffers of frame grabbers as files in the page cache. This file loads and unloads
 * the core; the drivers of boards are modules of their own. uapi/grabdma.h tells what it does,
 * grabdma.h how its parts hang together.
 */
#include <linux/module.h>

#include "grabdma.h"

static int __init grabdma_init(void)
{
	int error = grabdma_workqueue_init();

	if (error)
		return error;
	error = grabdma_boards_init();
	if (error)
		grabdma_workqueue_exit();
	return error;
}

/* Not while there are boards, nor while a session or a buffer is open or mapped: those keep it. */
static void __exit grabdma_exit(void)
{
	grabdma_workqueue_exit();
	grabdma_boards_exit();
}

module_init(grabdma_init);
module_exit(grabdma_exit);

MODULE_DESCRIPTION("DMA buffers of frame grabbers as files in the page cache");
MODULE_AUTHOR("The grabfs authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0");
