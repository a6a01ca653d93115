// SPDX-License-Identifier: GPL-2.0
/*
 * Boards coming and going: the device node of each, and all that has to be set up and taken down
 * around it. The modules of boards call this file; see docs/adding-a-board.md.
 */
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/pm.h>
#include <linux/slab.h>

#include "compat.h"
#include "grabdma.h"

static bool inject;
module_param(inject, bool, 0444);
MODULE_PARM_DESC(inject,
		 "Allow fault injection on real hardware and without CAP_SYS_ADMIN, for tests (default N)");

static dev_t first_devt;
static DEFINE_IDA(ids);

/* The mode before udev's rule gives the node to its group. */
static char *grabdma_devnode(grabdma_devnode_const struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0660;
	return NULL;
}

/* Called before the device itself is suspended, and after it has been resumed. */
static int board_suspend(struct device *dev)
{
	grabdma_capture_suspend(dev_get_drvdata(dev));
	return 0;
}

static int board_resume(struct device *dev)
{
	int error = grabdma_capture_resume(dev_get_drvdata(dev));

	if (error)
		dev_err(dev, "does not come back: %d\n", error);
	return error;
}

static const struct dev_pm_ops board_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(board_suspend, board_resume)
};

/* The machine goes down, or another kernel begins: no DMA may be under way then. */
static struct class grabdma_class = {
	.name = GRABDMA_NAME,
	.devnode = grabdma_devnode,
	.dev_groups = grabdma_groups,
	.pm = pm_sleep_ptr(&board_pm_ops),
	.shutdown_pre = board_suspend,
};

/* What there is before the first board comes. */
int grabdma_boards_init(void)
{
	int error = alloc_chrdev_region(&first_devt, 0, GRABDMA_MAX_ADAPTERS, GRABDMA_NAME);

	if (error)
		return error;
	error = class_register(&grabdma_class);
	if (error) {
		unregister_chrdev_region(first_devt, GRABDMA_MAX_ADAPTERS);
		return error;
	}
	grabdma_debugfs_init();
	return 0;
}

void grabdma_boards_exit(void)
{
	grabdma_debugfs_exit();
	class_unregister(&grabdma_class);
	unregister_chrdev_region(first_devt, GRABDMA_MAX_ADAPTERS);
}

static void adapter_free(struct device *dev)
{
	struct grabdma_adapter *adapter = container_of(dev, struct grabdma_adapter, dev);

	kfree(adapter->engine.slots);
	kfree(adapter);
}

/* What was said to be in the config, made into what the rest may rely on. */
/* What is wrong with what a board says of itself; NULL: nothing. */
static const char *config_error(const struct grabdma_adapter_config *config)
{
	const u32 directions = GRABDMA_DIRECTION_CAPTURE | GRABDMA_DIRECTION_OUTPUT;
	const u32 capabilities = GRABDMA_CAP_DEVICE_TIME | GRABDMA_CAP_DEVICE_SEQUENCE;
	const struct grabdma_adapter_ops *ops = config->ops;

	if (!ops || !ops->name || !ops->submit || !ops->abort)
		return "name, submit and abort are needed";
	if (!ops->directions || (ops->directions & ~directions))
		return "directions are capture, output or both";
	if (!config->formats != (ops->enum_format && ops->check_format))
		return "formats, or enum_format and check_format, are needed";
	if (!config->formats != !config->format_count)
		return "format_count is wrong";
	if (!config->dma_dev && !config->dma_mask)
		return "dma_dev, or dma_mask of a board that copies, is needed";
	if (config->depth > GRABDMA_MAX_DEPTH || config->chunk_bytes > GRABDMA_MAX_CHUNK)
		return "depth or chunk_bytes is too large";
	if (config->dma_dev && config->depth > 1 && !config->max_segments)
		return "a board of some depth needs max_segments";
	if (config->capabilities & ~capabilities)
		return "unknown capabilities";
	return NULL;
}

static int check_config(struct grabdma_adapter_config *config)
{
	const char *error = config->parent ? config_error(config) : "parent is needed";

	if (error) {
		pr_err(GRABDMA_NAME ": a board cannot be registered: %s\n", error);
		return -EINVAL;
	}
	if (config->formats && !config->default_format.fourcc)
		config->default_format = config->formats[0];
	if (!config->depth)
		config->depth = 1;
	if (config->dma_dev)
		config->dma_mask = dma_get_mask(config->dma_dev);
	return 0;
}

static void adapter_init(struct grabdma_adapter *adapter)
{
	const struct grabdma_adapter_config *config = &adapter->config;

	adapter->inject_all = inject;
	adapter->config.injectable |= inject;
	grabdma_account_init(adapter);
	strscpy(adapter->name, config->ops->name, sizeof(adapter->name));
	strscpy(adapter->bus, dev_name(config->parent), sizeof(adapter->bus));
	init_rwsem(&adapter->alive);
	mutex_init(&adapter->sender);
	mutex_init(&adapter->control);
	mutex_init(&adapter->buffers_mutex);
	spin_lock_init(&adapter->lock);
	INIT_LIST_HEAD(&adapter->buffers);
	INIT_LIST_HEAD(&adapter->sessions);
	grabdma_adapter_init_unplug(adapter);
	grabdma_capture_init(adapter);

	device_initialize(&adapter->dev);
	adapter->dev.class = &grabdma_class;
	adapter->dev.parent = config->parent;
	adapter->dev.release = adapter_free;
	adapter->dev.devt = MKDEV(MAJOR(first_devt), MINOR(first_devt) + adapter->id);
	dev_set_drvdata(&adapter->dev, adapter);
}

static struct grabdma_adapter *adapter_new(const struct grabdma_adapter_config *config)
{
	struct grabdma_adapter *adapter = kzalloc(sizeof(*adapter), GFP_KERNEL);
	int error;

	if (!adapter)
		return ERR_PTR(-ENOMEM);
	adapter->config = *config;
	error = check_config(&adapter->config);
	if (error)
		goto free;
	error = grabdma_engine_init(adapter);
	if (error)
		goto free;
	adapter->id = ida_alloc_max(&ids, GRABDMA_MAX_ADAPTERS - 1, GFP_KERNEL);
	if (adapter->id < 0) {
		error = adapter->id;
		goto free;
	}
	adapter_init(adapter);
	return adapter;
free:
	kfree(adapter->engine.slots);
	kfree(adapter);
	return ERR_PTR(error);
}

/* All formats of a table, and the one of new sessions. */
static int check_formats(struct grabdma_adapter *adapter)
{
	const struct grabdma_adapter_config *config = &adapter->config;
	int error = grabdma_adapter_check_format(adapter, &adapter->config.default_format);
	unsigned int i;

	for (i = 0; !error && i < config->format_count; i++) {
		struct grabdma_format format = config->formats[i];

		error = grabdma_adapter_check_format(adapter, &format);
	}
	if (error)
		dev_err(config->parent, GRABDMA_NAME ": a format of the board is incomplete\n");
	return error;
}

/* @owner: open sessions keep this module, too: its board is in use. */
static int publish(struct grabdma_adapter *adapter, struct module *owner)
{
	int error = check_formats(adapter);

	if (error)
		return error;
	error = dev_set_name(&adapter->dev, GRABDMA_NAME "%d", adapter->id);
	if (error)
		return error;
	cdev_init(&adapter->cdev, &grabdma_session_fops);
	adapter->cdev.owner = owner;
	return cdev_device_add(&adapter->cdev, &adapter->dev);
}

/**
 * __grabdma_adapter_register - makes /dev/grabdmaN for a device
 * @config: copied
 * @owner: the board's module
 * @version: of the header that it was built with; grabdma_adapter_register() fills both in
 *
 * From here on, until grabdma_adapter_unregister(), the operations may be called. The DMA device may
 * be given segments of any length: the core splits them for the board.
 *
 * Return: the adapter or an error; -ENOEXEC: the board was built for another version of grabdma.
 */
struct grabdma_adapter *__grabdma_adapter_register(const struct grabdma_adapter_config *config,
						   struct module *owner, unsigned int version)
{
	struct grabdma_adapter *adapter;
	int error;

	if (version != GRABDMA_ADAPTER_VERSION) {
		pr_err(GRABDMA_NAME ": a board for version %u of the interface, this is %u: build it anew\n",
		       version, GRABDMA_ADAPTER_VERSION);
		return ERR_PTR(-ENOEXEC);
	}
	adapter = adapter_new(config);
	if (IS_ERR(adapter))
		return adapter;
	if (config->dma_dev)
		dma_set_max_seg_size(config->dma_dev, UINT_MAX);
	grabdma_dma_init(adapter);
	error = publish(adapter, owner);
	if (error) {
		ida_free(&ids, adapter->id);
		put_device(&adapter->dev);
		return ERR_PTR(error);
	}
	grabdma_debugfs_add(adapter);
	dev_info(&adapter->dev, "%s at %s\n", config->ops->name, adapter->bus);
	return adapter;
}
EXPORT_SYMBOL_NS_GPL(__grabdma_adapter_register, GRABDMA_NAMESPACE);

/**
 * grabdma_adapter_suspend - takes all requests back for a while
 * @adapter: registered
 *
 * For error handlers of the bus, such as PCI's error_detected(): abort() is called if something is
 * in flight, whose frames are told as cancelled. The core does this by itself before the machine
 * sleeps or is switched off. May sleep; may be called again.
 */
void grabdma_adapter_suspend(struct grabdma_adapter *adapter)
{
	grabdma_capture_suspend(adapter);
}
EXPORT_SYMBOL_NS_GPL(grabdma_adapter_suspend, GRABDMA_NAMESPACE);

/**
 * grabdma_adapter_resume - the end of grabdma_adapter_suspend()
 * @adapter: registered
 *
 * The device works again: prepare() is called if somebody captures, and his frames go on with the
 * next number.
 *
 * Return: 0 or what prepare() said.
 */
int grabdma_adapter_resume(struct grabdma_adapter *adapter)
{
	return grabdma_capture_resume(adapter);
}
EXPORT_SYMBOL_NS_GPL(grabdma_adapter_resume, GRABDMA_NAMESPACE);

/* The last record of a session whose device is gone. */
static void post_gone(struct grabdma_session *session)
{
	session->gone.record = (struct grabdma_record){
		.type = GRABDMA_RECORD_GONE,
		.buffer = GRABDMA_NO_BUFFER,
		.timestamp_ns = ktime_get_ns(),
	};
	grabdma_event_post(session, &session->gone);
}

/*
 * What sessions keep of a device that is gone: their buffers, idle, and one last record. There may
 * be many of both, so the lock is let go between some and some; sessions may be closed meanwhile.
 */
static void bid_farewell(struct grabdma_adapter *adapter)
{
	struct grabdma_session *session;
	LIST_HEAD(told);

	spin_lock_irq(&adapter->lock);
	while (!list_empty(&adapter->sessions)) {
		session = list_first_entry(&adapter->sessions, struct grabdma_session, node);
		if (!grabdma_queue_take_some(session)) {
			post_gone(session);
			list_move(&session->node, &told);
		}
		spin_unlock_irq(&adapter->lock);
		cond_resched();
		spin_lock_irq(&adapter->lock);
	}
	list_splice(&told, &adapter->sessions);
	spin_unlock_irq(&adapter->lock);
}

static void unmap_all(struct grabdma_adapter *adapter)
{
	for (;;) {
		struct grabdma_buffer *buffer;

		mutex_lock(&adapter->buffers_mutex);
		buffer = list_first_entry_or_null(&adapter->buffers, struct grabdma_buffer,
						  dma_node);
		if (buffer)
			grabdma_buffer_get(buffer);
		mutex_unlock(&adapter->buffers_mutex);
		if (!buffer)
			return;
		grabdma_buffer_unmap(buffer);
		grabdma_buffer_put(buffer);
	}
}

/**
 * grabdma_adapter_unregister - the device goes
 * @adapter: returned by grabdma_adapter_register(), not to be used afterwards
 *
 * May be called at any moment. When it returns, the device does no DMA, no buffer is mapped for
 * it and no operation of the adapter is called any more. Sessions, buffers and mappings live on
 * without it. All names are gone, so that the number is the next device's: what is plugged in again
 * is found where it was, whoever still looks at frames of its predecessor.
 */
void grabdma_adapter_unregister(struct grabdma_adapter *adapter)
{
	grabdma_adapter_mark_gone(adapter);
	hrtimer_cancel(&adapter->engine.timer);
	grabdma_engine_shutdown(adapter);
	bid_farewell(adapter);
	down_write(&adapter->alive);
	up_write(&adapter->alive);
	unmap_all(adapter);
	grabdma_debugfs_remove(adapter);
	cdev_device_del(&adapter->cdev, &adapter->dev);
	ida_free(&ids, adapter->id);
	dev_info(&adapter->dev, "gone\n");
	put_device(&adapter->dev);
}
EXPORT_SYMBOL_NS_GPL(grabdma_adapter_unregister, GRABDMA_NAMESPACE);
