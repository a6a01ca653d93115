// SPDX-License-Identifier: GPL-2.0
/*
 * grabdma: DMA buffers of frame grabbers as files in the page cache. This file loads and unloads
 * the module; uapi/grabdma.h tells what it does, grabdma.h how its parts hang together.
 */
#include <linux/module.h>
#include <linux/pci.h>

#include "compat.h"
#include "grabdma.h"

unsigned int grabdma_timeout_ms = 5000;
module_param_named(timeout_ms, grabdma_timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms,
		 "A transfer without progress for so many milliseconds is aborted (default 5000)");

bool grabdma_inject_all;
module_param_named(inject, grabdma_inject_all, bool, 0444);
MODULE_PARM_DESC(inject,
		 "Allow fault injection on real hardware and without CAP_SYS_ADMIN, for tests (default N)");

bool grabdma_bounce;
module_param_named(bounce, grabdma_bounce, bool, 0444);
MODULE_PARM_DESC(bounce,
		 "Allow DMA through bounce buffers: with swiotlb=force, a machine that is not cache-coherent, for tests (default N)");

unsigned int grabdma_memory_limit_mb;
module_param_named(memory_limit_mb, grabdma_memory_limit_mb, uint, 0644);
MODULE_PARM_DESC(memory_limit_mb,
		 "MiB of buffers of each adapter that comes from now on; 0: half of the memory (default 0)");

static int virtual_adapters = -1;
module_param_named(virtual, virtual_adapters, int, 0444);
MODULE_PARM_DESC(virtual,
		 "Number of virtual adapters, 0 to 16; -1: one if there is no hardware (default -1)");

/* The drivers of boards: each new one has a line here. */
static struct pci_driver *const boards[] = {
	&grabdma_edu_driver,
};

struct workqueue_struct *grabdma_workqueue;
static dev_t first_devt;

dev_t grabdma_devt(int id)
{
	return MKDEV(MAJOR(first_devt), MINOR(first_devt) + id);
}

/* The mode before udev's rule gives the node to its group. */
static char *grabdma_devnode(grabdma_devnode_const struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0660;
	return NULL;
}

struct class grabdma_class = {
	.name = GRABDMA_NAME,
	.devnode = grabdma_devnode,
	.dev_groups = grabdma_groups,
};

static void unregister_boards(unsigned int count)
{
	while (count--)
		pci_unregister_driver(boards[count]);
}

static int init_adapters(void)
{
	bool hardware = false;
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(boards); i++) {
		hardware |= pci_dev_present(boards[i]->id_table);
		error = pci_register_driver(boards[i]);
		if (error)
			goto unregister;
	}
	error = grabdma_virtual_init(virtual_adapters < 0 ? !hardware : virtual_adapters);
	if (!error)
		return 0;
unregister:
	unregister_boards(i);
	return error;
}

static int __init grabdma_init(void)
{
	int error = -ENOMEM;

	grabdma_workqueue = alloc_workqueue(GRABDMA_NAME, WQ_UNBOUND, 0);
	if (!grabdma_workqueue)
		return error;
	error = alloc_chrdev_region(&first_devt, 0, GRABDMA_MAX_ADAPTERS, GRABDMA_NAME);
	if (error)
		goto destroy_workqueue;
	error = class_register(&grabdma_class);
	if (error)
		goto unregister_region;
	grabdma_debugfs_init();
	error = init_adapters();
	if (!error)
		return 0;

	grabdma_debugfs_exit();
	class_unregister(&grabdma_class);
unregister_region:
	unregister_chrdev_region(first_devt, GRABDMA_MAX_ADAPTERS);
destroy_workqueue:
	destroy_workqueue(grabdma_workqueue);
	return error;
}

/* Not while a session or a buffer is open or mapped: those keep the module. */
static void __exit grabdma_exit(void)
{
	grabdma_virtual_exit();
	unregister_boards(ARRAY_SIZE(boards));
	destroy_workqueue(grabdma_workqueue);
	grabdma_debugfs_exit();
	class_unregister(&grabdma_class);
	unregister_chrdev_region(first_devt, GRABDMA_MAX_ADAPTERS);
}

module_init(grabdma_init);
module_exit(grabdma_exit);

MODULE_DESCRIPTION("DMA buffers of frame grabbers as files in the page cache");
MODULE_AUTHOR("The grabfs authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0");
