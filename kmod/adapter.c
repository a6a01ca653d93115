// SPDX-License-Identifier: GPL-2.0
/*
 * Who may use the device of an adapter, which can be unplugged at any moment.
 *
 * The adapter object is reference-counted through its struct device and outlives the hardware.
 * What belongs to the hardware (DMA mappings, the board's own data) is used between
 * grabdma_adapter_enter() and _leave() only, or by the engine, and both have ended when
 * grabdma_adapter_unregister() returns.
 */
#include <linux/nospec.h>

#include "compat.h"
#include "grabdma.h"

/* Of the core's works: when it is destroyed none of them runs any more, and the module may go. */
struct workqueue_struct *grabdma_workqueue;

int grabdma_workqueue_init(void)
{
	grabdma_workqueue = alloc_workqueue(GRABDMA_NAME, WQ_UNBOUND, 0);
	return grabdma_workqueue ? 0 : -ENOMEM;
}

void grabdma_workqueue_exit(void)
{
	destroy_workqueue(grabdma_workqueue);
}

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
 * grabdma_priv - the board's own data
 * @adapter: registered
 *
 * Return: &grabdma_adapter_config.priv
 */
void *grabdma_priv(struct grabdma_adapter *adapter)
{
	return adapter->config.priv;
}
EXPORT_SYMBOL_NS_GPL(grabdma_priv, GRABDMA_NAMESPACE);

/* Of a board that has only some fixed formats. */
static int enum_fixed(const struct grabdma_adapter_config *config,
		      struct grabdma_format_range *range)
{
	const struct grabdma_format *format;

	if (range->index >= config->format_count)
		return -EINVAL;
	format = &config->formats[array_index_nospec(range->index, config->format_count)];
	*range = (struct grabdma_format_range){
		.size = range->size,
		.index = range->index,
		.fourcc = format->fourcc,
		.min_width = format->width,
		.max_width = format->width,
		.min_height = format->height,
		.max_height = format->height,
		.step = 1,
	};
	return 0;
}

static int check_fixed(const struct grabdma_adapter_config *config, struct grabdma_format *format)
{
	unsigned int i;

	for (i = 0; i < config->format_count; i++) {
		const struct grabdma_format *known = &config->formats[i];

		if (format->fourcc != known->fourcc || format->width != known->width ||
		    format->height != known->height ||
		    (format->stride && format->stride != known->stride) ||
		    (format->bytes && format->bytes != known->bytes))
			continue;
		format->stride = known->stride;
		format->bytes = known->bytes;
		return 0;
	}
	return -EINVAL;
}

int grabdma_adapter_enum_format(struct grabdma_adapter *adapter, struct grabdma_format_range *range)
{
	const struct grabdma_adapter_config *config = &adapter->config;

	if (config->ops->enum_format)
		return config->ops->enum_format(adapter, range);
	return enum_fixed(config, range);
}

/* What the board says is not taken for granted: sizes become loops and allocations. */
int grabdma_adapter_check_format(struct grabdma_adapter *adapter, struct grabdma_format *format)
{
	const struct grabdma_adapter_config *config = &adapter->config;
	int error = config->ops->check_format ? config->ops->check_format(adapter, format) :
						check_fixed(config, format);

	if (error)
		return error;
	return !format->bytes || format->bytes > GRABDMA_MAX_BYTES ? -EINVAL : 0;
}

/* No new frames, no new users: adapter->lock is taken. */
void grabdma_adapter_mark_gone(struct grabdma_adapter *adapter)
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

void grabdma_adapter_init_unplug(struct grabdma_adapter *adapter)
{
	INIT_WORK(&adapter->unplug, unplug_work);
}

/*
 * Unbinds the device from its driver as sysfs does, but not in the caller's context, which the
 * unbinding waits for. For everybody else the device is gone at once.
 */
void grabdma_adapter_unplug(struct grabdma_adapter *adapter)
{
	grabdma_adapter_mark_gone(adapter);
	get_device(adapter->dev.parent);
	get_device(&adapter->dev);
	if (!queue_work(grabdma_workqueue, &adapter->unplug)) {
		put_device(adapter->dev.parent);
		put_device(&adapter->dev);
	}
}
