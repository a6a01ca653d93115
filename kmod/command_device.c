// SPDX-License-Identifier: GPL-2.0
/*
 * Commands about the device: what it is, the session's format, capturing, and faults for tests.
 */
#include <linux/capability.h>
#include <linux/math64.h>
#include <linux/nospec.h>

#include "command.h"

int grabdma_do_info(struct grabdma_call *call)
{
	struct grabdma_adapter *adapter = call->session->adapter;
	const struct grabdma_adapter_config *config = &adapter->config;
	struct grabdma_info *info = &call->argument->info;

	if (info->flags || info->reserved)
		return -EINVAL;
	*info = (struct grabdma_info){
		.size = info->size,
		.uapi_version = GRABDMA_UAPI_VERSION,
		.directions = config->ops->directions,
		.strategies = GRABDMA_ALLOC_PAGES | GRABDMA_ALLOC_LARGE | GRABDMA_ALLOC_CONTIGUOUS,
		.max_buffers = GRABDMA_MAX_BUFFERS,
		.max_bytes = GRABDMA_MAX_BYTES,
		.dma_mask = config->dma_mask,
		.device_bytes = config->device_bytes,
		.min_interval_ns = GRABDMA_MIN_INTERVAL_NS,
		.capabilities = config->capabilities |
				(config->chunk_bytes ? GRABDMA_CAP_CHUNK : 0),
		.depth = config->depth,
	};
	if (config->injectable &&
	    (adapter->inject_all || ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN)))
		info->capabilities |= GRABDMA_CAP_INJECT;
	if (grabdma_adapter_translated(adapter))
		info->capabilities |= GRABDMA_CAP_IOMMU;
	strscpy(info->adapter, adapter->name, sizeof(info->adapter));
	strscpy(info->bus, adapter->bus, sizeof(info->bus));
	return 0;
}

int grabdma_do_enum_format(struct grabdma_call *call)
{
	struct grabdma_adapter *adapter = call->session->adapter;
	struct grabdma_format_range *range = &call->argument->range;

	if (range->reserved || range->reserved2)
		return -EINVAL;
	return grabdma_adapter_enum_format(adapter, range);
}

int grabdma_do_get_format(struct grabdma_call *call)
{
	struct grabdma_format *format = &call->argument->format;
	__u32 size = format->size;

	if (format->flags)
		return -EINVAL;
	*format = call->session->format;
	format->size = size;
	return 0;
}

int grabdma_do_set_format(struct grabdma_call *call)
{
	struct grabdma_session *session = call->session;
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_format *format = &call->argument->format;
	int error;

	if (format->flags)
		return -EINVAL;
	error = grabdma_adapter_check_format(adapter, format);
	if (error)
		return error;
	spin_lock_irq(&adapter->lock);
	if (session->busy || adapter->engine.owner == session)
		error = -EBUSY;
	else
		session->format = *format;
	spin_unlock_irq(&adapter->lock);
	return error;
}

static int check_interval(u32 numerator, u32 denominator)
{
	u64 interval;

	if (!numerator && !denominator)
		return 0;
	if (!numerator || !denominator)
		return -EINVAL;
	interval = div_u64((u64)numerator * NSEC_PER_SEC, denominator);
	return interval < GRABDMA_MIN_INTERVAL_NS || interval > GRABDMA_MAX_INTERVAL_NS ? -EINVAL :
											  0;
}

int grabdma_do_start(struct grabdma_call *call)
{
	const struct grabdma_start *start = &call->argument->start;

	if (start->flags || check_interval(start->interval_num, start->interval_den))
		return -EINVAL;
	return grabdma_capture_start(call->session, start);
}

int grabdma_do_stop(struct grabdma_call *call)
{
	u32 flags = call->argument->stop.flags;

	if (flags & ~GRABDMA_STOP_DEQUEUE)
		return -EINVAL;
	grabdma_capture_stop(call->session, flags & GRABDMA_STOP_DEQUEUE);
	return 0;
}

int grabdma_do_trigger(struct grabdma_call *call)
{
	const struct grabdma_trigger *trigger = &call->argument->trigger;

	if (trigger->flags || !trigger->frames)
		return -EINVAL;
	return grabdma_capture_trigger(call->session, trigger->frames);
}

/* Makes the fault pending, or happen; tells what was left of the last one. */
static int inject(struct grabdma_session *session, struct grabdma_inject *argument)
{
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_engine *engine = &adapter->engine;
	u32 fault = array_index_nospec(argument->fault, ARRAY_SIZE(engine->faults));

	argument->pending = 0;
	switch (argument->fault) {
	case GRABDMA_FAULT_DROP:
	case GRABDMA_FAULT_DMA_ERROR:
	case GRABDMA_FAULT_STALL:
		spin_lock_irq(&adapter->lock);
		argument->pending = engine->faults[fault];
		engine->faults[fault] = argument->value;
		engine->fault_owner = session;
		spin_unlock_irq(&adapter->lock);
		return 0;
	case GRABDMA_FAULT_UNPLUG:
		if (argument->value)
			return -EINVAL;
		grabdma_adapter_unplug(adapter);
		return 0;
	case GRABDMA_FAULT_SEQUENCE:
		spin_lock_irq(&adapter->lock);
		engine->sequence = argument->value;
		spin_unlock_irq(&adapter->lock);
		return 0;
	case GRABDMA_FAULT_TIME:
		spin_lock_irq(&adapter->lock);
		engine->clock_offset = argument->value - ktime_get_ns();
		spin_unlock_irq(&adapter->lock);
		return 0;
	case GRABDMA_FAULT_ALLOC_FAIL:
		if (argument->value > S64_MAX)
			return -EINVAL;
		argument->pending = atomic64_xchg(&session->fail_countdown, argument->value);
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * Faults harm everybody who uses the adapter: they are for its owner, or for who loads the module
 * so.
 */
int grabdma_do_inject(struct grabdma_call *call)
{
	struct grabdma_inject *argument = &call->argument->inject;
	const struct grabdma_adapter *adapter = call->session->adapter;

	if (!adapter->config.injectable)
		return -EOPNOTSUPP;
	if (!adapter->inject_all && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (argument->flags || argument->reserved)
		return -EINVAL;
	return inject(call->session, argument);
}
