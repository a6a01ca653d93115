// SPDX-License-Identifier: GPL-2.0
/*
 * Adapters coming and going: the device node, who may use the device, and unplugging at any
 * moment.
 *
 * The adapter object is reference-counted through its struct device and outlives the hardware.
 * What belongs to the hardware (DMA mappings, the adapter driver's own data) is used between
 * grabdma_adapter_enter() and _leave() only, or by the engine, and both have ended when
 * grabdma_adapter_unregister() returns.
 */
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "grabdma.h"

static DEFINE_IDA(ids);

/* Enters a part that needs the device; ENODEV when it is gone. */
int grabdma_adapter_enter(struct grabdma_adapter *adapter)
{
	down_read(&adapter->alive);
	if (!READ_ONCE(adapter->gone))
		return 0;
	up_read(&adapter->alive);
	return -ENODEV;
}

void grabdma_adapter_leave(struct grabdma_adapter *adapter)
{
	up_read(&adapter->alive);
}

/**
 * grabdma_priv - the adapter driver's own data
 * @adapter: registered
 *
 * Return: &grabdma_adapter_config.priv
 */
void *grabdma_priv(struct grabdma_adapter *adapter)
{
	return adapter->config.priv;
}

static void adapter_free(struct device *dev)
{
	kfree(container_of(dev, struct grabdma_adapter, dev));
}

/* No new frames, no new users: adapter->lock is taken. */
static void mark_gone(struct grabdma_adapter *adapter)
{
	spin_lock_irq(&adapter->lock);
	WRITE_ONCE(adapter->gone, true);
	adapter->engine.owner = NULL;
	wake_up_all(&adapter->engine.idle);
	spin_unlock_irq(&adapter->lock);
}

static void unplug_work(struct work_struct *work)
{
	struct grabdma_adapter *adapter = container_of(work, struct grabdma_adapter, unplug);
	struct device *parent = adapter->dev.parent;

	device_release_driver(parent);
	put_device(parent);
	put_device(&adapter->dev);
}

/*
 * Unbinds the device from its driver as sysfs does, but not in the caller's context, which the
 * unbinding waits for. For everybody else the device is gone at once.
 */
void grabdma_adapter_unplug(struct grabdma_adapter *adapter)
{
	mark_gone(adapter);
	get_device(adapter->dev.parent);
	get_device(&adapter->dev);
	if (!queue_work(grabdma_workqueue, &adapter->unplug)) {
		put_device(adapter->dev.parent);
		put_device(&adapter->dev);
	}
}

static unsigned long default_memory_limit(void)
{
	if (grabdma_memory_limit_mb)
		return (unsigned long)grabdma_memory_limit_mb << (20 - PAGE_SHIFT);
	return totalram_pages() / 2;
}

static struct grabdma_adapter *adapter_new(const struct grabdma_adapter_config *config)
{
	struct grabdma_adapter *adapter = kzalloc(sizeof(*adapter), GFP_KERNEL);

	if (!adapter)
		return ERR_PTR(-ENOMEM);
	adapter->id = ida_alloc_max(&ids, GRABDMA_MAX_ADAPTERS - 1, GFP_KERNEL);
	if (adapter->id < 0) {
		int error = adapter->id;

		kfree(adapter);
		return ERR_PTR(error);
	}
	adapter->config = *config;
	adapter->config.injectable |= grabdma_inject_all;
	adapter->memory_limit = default_memory_limit();
	if (config->dma_dev)
		adapter->config.dma_mask = dma_get_mask(config->dma_dev);
	strscpy(adapter->bus, dev_name(config->parent), sizeof(adapter->bus));
	init_rwsem(&adapter->alive);
	mutex_init(&adapter->sender);
	mutex_init(&adapter->control);
	mutex_init(&adapter->buffers_mutex);
	spin_lock_init(&adapter->lock);
	INIT_LIST_HEAD(&adapter->buffers);
	INIT_LIST_HEAD(&adapter->sessions);
	INIT_WORK(&adapter->unplug, unplug_work);
	grabdma_engine_init(adapter);

	device_initialize(&adapter->dev);
	adapter->dev.class = &grabdma_class;
	adapter->dev.parent = config->parent;
	adapter->dev.release = adapter_free;
	adapter->dev.devt = grabdma_devt(adapter->id);
	dev_set_drvdata(&adapter->dev, adapter);
	return adapter;
}

/**
 * grabdma_adapter_register - makes /dev/grabdmaN for a device
 * @config: copied
 *
 * From here on, until grabdma_adapter_unregister(), the operations may be called. The DMA device's
 * longest segment is set to "any": adapters take their pieces from grabdma_dma_piece().
 *
 * Return: the adapter or an error.
 */
struct grabdma_adapter *grabdma_adapter_register(const struct grabdma_adapter_config *config)
{
	struct grabdma_adapter *adapter = adapter_new(config);
	int error;

	if (IS_ERR(adapter))
		return adapter;
	if (config->dma_dev)
		dma_set_max_seg_size(config->dma_dev, UINT_MAX);
	grabdma_dma_init(adapter);
	error = config->ops->check_format(adapter, &adapter->config.default_format);
	if (error)
		goto put;
	error = dev_set_name(&adapter->dev, GRABDMA_NAME "%d", adapter->id);
	if (error)
		goto put;
	cdev_init(&adapter->cdev, &grabdma_session_fops);
	adapter->cdev.owner = THIS_MODULE;
	error = cdev_device_add(&adapter->cdev, &adapter->dev);
	if (error)
		goto put;
	grabdma_debugfs_add(adapter);
	dev_info(&adapter->dev, "%s at %s\n", config->ops->name, adapter->bus);
	return adapter;
put:
	ida_free(&ids, adapter->id);
	put_device(&adapter->dev);
	return ERR_PTR(error);
}

/* The last record of a session whose device is gone. */
static void post_gone(struct grabdma_session *session)
{
	session->gone.record = (struct grabdma_record){
		.type = GRABDMA_RECORD_GONE,
		.buffer = GRABDMA_NO_BUFFER,
		.timestamp_ns = ktime_get_ns(),
	};
	grabdma_session_post(session, &session->gone);
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
	mark_gone(adapter);
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
