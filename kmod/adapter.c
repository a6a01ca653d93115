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
	struct grabdma_session *session;

	spin_lock_irq(&adapter->lock);
	adapter->gone = true;
	adapter->engine.owner = NULL;
	list_for_each_entry(session, &adapter->sessions, node)
		wake_up_interruptible(&session->wait);
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

/* What a session keeps of a device that is gone: its buffers, idle, and one last record. */
static void bid_farewell(struct grabdma_session *session)
{
	struct grabdma_buffer *buffer, *next;

	list_for_each_entry_safe(buffer, next, &session->queue, queue_node) {
		list_del_init(&buffer->queue_node);
		buffer->state = GRABDMA_STATE_IDLE;
		session->busy--;
	}
	session->gone.record = (struct grabdma_record){
		.type = GRABDMA_RECORD_GONE,
		.buffer = GRABDMA_NO_BUFFER,
		.timestamp_ns = ktime_get_ns(),
	};
	grabdma_session_post(session, &session->gone);
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
	struct grabdma_session *session;

	mark_gone(adapter);
	grabdma_engine_shutdown(adapter);
	spin_lock_irq(&adapter->lock);
	list_for_each_entry(session, &adapter->sessions, node)
		bid_farewell(session);
	spin_unlock_irq(&adapter->lock);

	down_write(&adapter->alive);
	up_write(&adapter->alive);
	unmap_all(adapter);
	grabdma_debugfs_remove(adapter);
	cdev_device_del(&adapter->cdev, &adapter->dev);
	ida_free(&ids, adapter->id);
	dev_info(&adapter->dev, "gone\n");
	put_device(&adapter->dev);
}
