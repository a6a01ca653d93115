// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a session: one table, and one small function for each command. The arguments are
 * copied and checked for what all commands have in common in one place.
 */
#include <linux/file.h>
#include <linux/math64.h>
#include <linux/uaccess.h>

#include "grabdma.h"

union argument {
	__u32 size;
	struct grabdma_info info;
	struct grabdma_format_range range;
	struct grabdma_format format;
	struct grabdma_alloc alloc;
	struct grabdma_free free;
	struct grabdma_queue queue;
	struct grabdma_start start;
	struct grabdma_stop stop;
	struct grabdma_trigger trigger;
	struct grabdma_buffer_state state;
	struct grabdma_inject inject;
};

/* One call: the session's mutex is held, @argument is the kernel's copy. */
struct call {
	struct grabdma_session *session;
	union argument *argument;
	void __user *user;
	size_t user_size;
	size_t size;
};

static int reply(const struct call *call)
{
	size_t size = min(call->user_size, call->size);

	return copy_to_user(call->user, call->argument, size) ? -EFAULT : 0;
}

static struct grabdma_buffer *find_buffer(struct grabdma_session *session, u32 id)
{
	return xa_load(&session->buffers, id);
}

static int do_info(const struct call *call)
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
	};
	if (config->injectable)
		info->capabilities |= GRABDMA_CAP_INJECT;
	if (grabdma_adapter_translated(adapter))
		info->capabilities |= GRABDMA_CAP_IOMMU;
	strscpy(info->adapter, config->ops->name, sizeof(info->adapter));
	strscpy(info->bus, adapter->bus, sizeof(info->bus));
	return reply(call);
}

static int do_enum_format(const struct call *call)
{
	struct grabdma_adapter *adapter = call->session->adapter;
	struct grabdma_format_range *range = &call->argument->range;
	int error;

	if (range->reserved || range->reserved2)
		return -EINVAL;
	error = adapter->config.ops->enum_format(adapter, range);
	return error ?: reply(call);
}

static int do_get_format(const struct call *call)
{
	struct grabdma_format *format = &call->argument->format;
	__u32 size = format->size;

	if (format->flags)
		return -EINVAL;
	*format = call->session->format;
	format->size = size;
	return reply(call);
}

static int do_set_format(const struct call *call)
{
	struct grabdma_session *session = call->session;
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_format *format = &call->argument->format;
	int error;

	if (format->flags)
		return -EINVAL;
	error = adapter->config.ops->check_format(adapter, format);
	if (error)
		return error;
	spin_lock_irq(&adapter->lock);
	if (session->busy || adapter->engine.owner == session)
		error = -EBUSY;
	else
		session->format = *format;
	spin_unlock_irq(&adapter->lock);
	return error ?: reply(call);
}

static int check_alloc(struct grabdma_adapter *adapter, const struct grabdma_alloc *alloc)
{
	const u32 strategies =
		GRABDMA_ALLOC_PAGES | GRABDMA_ALLOC_LARGE | GRABDMA_ALLOC_CONTIGUOUS;
	const u32 directions = GRABDMA_DIRECTION_CAPTURE | GRABDMA_DIRECTION_OUTPUT;
	bool output = alloc->direction == GRABDMA_DIRECTION_OUTPUT;

	if (alloc->reserved || (alloc->flags & ~strategies) || hweight32(alloc->flags) != 1 ||
	    (alloc->direction & ~directions) || hweight32(alloc->direction) != 1 || !alloc->bytes)
		return -EINVAL;
	if (output ? alloc->writeback_ms > 60000 || alloc->flags == GRABDMA_ALLOC_LARGE :
		     alloc->writeback_ms)
		return -EINVAL;
	if (!(adapter->config.ops->directions & alloc->direction))
		return -EOPNOTSUPP;
	return alloc->bytes > GRABDMA_MAX_BYTES ? -EFBIG : 0;
}

/* Reserves descriptors for the views that the direction has; -1 for the others. */
static int reserve_fds(struct grabdma_session *session, u32 direction, int fds[GRABDMA_VIEWS])
{
	unsigned int count = direction == GRABDMA_DIRECTION_CAPTURE ? 2 : 1;
	unsigned int i;

	fds[GRABDMA_VIEW_LIVE] = -1;
	fds[GRABDMA_VIEW_FRAME] = -1;
	for (i = 0; i < count; i++) {
		int fd = grabdma_should_fail(session) ? -EMFILE : get_unused_fd_flags(O_CLOEXEC);

		if (fd < 0) {
			if (i)
				put_unused_fd(fds[0]);
			return fd;
		}
		fds[i] = fd;
	}
	return 0;
}

static void release_fds(const int fds[GRABDMA_VIEWS])
{
	unsigned int i;

	for (i = 0; i < GRABDMA_VIEWS; i++)
		if (fds[i] >= 0)
			put_unused_fd(fds[i]);
}

static int reserve_id(struct grabdma_session *session, u32 *id)
{
	const struct xa_limit limit = XA_LIMIT(0, GRABDMA_MAX_BUFFERS - 1);
	int error;

	if (grabdma_should_fail(session))
		return -ENOMEM;
	error = xa_alloc(&session->buffers, id, NULL, limit, GFP_KERNEL_ACCOUNT);
	return error == -EBUSY ? -ENOSPC : error;
}

/* The last step that can fail is telling the caller; only then does the buffer become visible. */
static int publish(const struct call *call, struct grabdma_buffer *buffer, const int fds[],
		   struct file *const files[])
{
	struct grabdma_session *session = call->session;
	struct grabdma_alloc *alloc = &call->argument->alloc;
	unsigned int i;

	alloc->buffer = buffer->id;
	alloc->segments = buffer->segments;
	alloc->live_fd = fds[GRABDMA_VIEW_LIVE];
	alloc->frame_fd = fds[GRABDMA_VIEW_FRAME];
	if (reply(call)) {
		for (i = 0; i < GRABDMA_VIEWS; i++)
			if (files[i])
				fput(files[i]);
		grabdma_buffer_release(buffer);
		return -EFAULT;
	}
	xa_store(&session->buffers, buffer->id, buffer, GFP_KERNEL);
	for (i = 0; i < GRABDMA_VIEWS; i++)
		if (files[i])
			fd_install(fds[i], files[i]);
	return 0;
}

/*
 * Enters the adapter by itself, and has left it when it releases a buffer that could not be
 * published: that takes output->mutex, which comes before adapter->alive.
 */
static int do_alloc(const struct call *call)
{
	struct grabdma_session *session = call->session;
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_alloc *alloc = &call->argument->alloc;
	struct file *files[GRABDMA_VIEWS] = {};
	struct grabdma_buffer *buffer;
	int fds[GRABDMA_VIEWS];
	u32 id;
	int error = grabdma_adapter_enter(adapter);

	if (error)
		return error;
	error = check_alloc(adapter, alloc);
	if (error)
		goto leave;
	error = reserve_fds(session, alloc->direction, fds);
	if (error)
		goto leave;
	error = reserve_id(session, &id);
	if (error)
		goto release_fds;
	buffer = grabdma_buffer_create(session, alloc, id, files);
	grabdma_adapter_leave(adapter);
	error = PTR_ERR_OR_ZERO(buffer) ?: publish(call, buffer, fds, files);
	if (!error)
		return 0;
	xa_erase(&session->buffers, id);
	release_fds(fds);
	return error;
release_fds:
	release_fds(fds);
leave:
	grabdma_adapter_leave(adapter);
	return error;
}

static int do_free(const struct call *call)
{
	struct grabdma_session *session = call->session;
	const struct grabdma_free *argument = &call->argument->free;
	struct grabdma_buffer *buffer;

	if (argument->flags || argument->reserved)
		return -EINVAL;
	buffer = find_buffer(session, argument->buffer);
	if (!buffer)
		return -ENOENT;
	grabdma_capture_cancel_buffer(buffer);
	xa_erase(&session->buffers, argument->buffer);
	grabdma_buffer_release(buffer);
	return 0;
}

static int do_queue(const struct call *call)
{
	const struct grabdma_queue *argument = &call->argument->queue;
	struct grabdma_buffer *buffer;
	int error;

	if (argument->flags || argument->reserved)
		return -EINVAL;
	buffer = find_buffer(call->session, argument->buffer);
	if (!buffer)
		return -ENOENT;
	if (buffer->direction != GRABDMA_DIRECTION_CAPTURE)
		return -EOPNOTSUPP;
	grabdma_buffer_pinned(buffer);
	error = grabdma_capture_queue(buffer);
	if (error == -EBUSY)
		grabdma_buffer_watch(buffer);
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

static int do_start(const struct call *call)
{
	const struct grabdma_start *start = &call->argument->start;

	if (start->flags || check_interval(start->interval_num, start->interval_den))
		return -EINVAL;
	return grabdma_capture_start(call->session, start);
}

static int do_stop(const struct call *call)
{
	u32 flags = call->argument->stop.flags;

	if (flags & ~GRABDMA_STOP_DEQUEUE)
		return -EINVAL;
	grabdma_capture_stop(call->session, flags & GRABDMA_STOP_DEQUEUE);
	return 0;
}

static int do_trigger(const struct call *call)
{
	const struct grabdma_trigger *trigger = &call->argument->trigger;

	if (trigger->flags || !trigger->frames)
		return -EINVAL;
	return grabdma_capture_trigger(call->session, trigger->frames);
}

/* @pinned was found out before, because it cannot be under the lock. */
static void describe_locked(struct grabdma_buffer *buffer, bool pinned,
			    struct grabdma_buffer_entry *entry)
{
	bool output = buffer->output;

	entry->state = buffer->state;
	entry->live_users = buffer->views[GRABDMA_VIEW_LIVE].users;
	entry->frame_users = buffer->views[GRABDMA_VIEW_FRAME].users;
	entry->flags = output ? GRABDMA_BUFFER_OUTPUT : 0;
	if (pinned && !entry->frame_users)
		entry->flags |= GRABDMA_BUFFER_PINNED;
	if (pinned || entry->frame_users)
		entry->flags |= GRABDMA_BUFFER_HELD;
}

static void describe(struct grabdma_buffer *buffer, struct grabdma_buffer_entry *entry)
{
	bool pinned = grabdma_buffer_pinned(buffer);

	spin_lock_irq(&buffer->adapter->lock);
	describe_locked(buffer, pinned, entry);
	spin_unlock_irq(&buffer->adapter->lock);
	if (buffer->output && grabdma_output_dirty(buffer->output))
		entry->flags |= GRABDMA_BUFFER_DIRTY;
}

static int do_buffer_entry(struct grabdma_session *session, bool watch,
			   struct grabdma_buffer_entry __user *user)
{
	struct grabdma_buffer_entry entry;
	struct grabdma_buffer *buffer;

	if (copy_from_user(&entry, user, sizeof(entry)))
		return -EFAULT;
	if (entry.reserved)
		return -EINVAL;
	buffer = find_buffer(session, entry.buffer);
	if (!buffer)
		return -ENOENT;
	describe(buffer, &entry);
	if (copy_to_user(user, &entry, sizeof(entry)))
		return -EFAULT;
	if (watch && (entry.flags & GRABDMA_BUFFER_HELD))
		grabdma_buffer_watch(buffer);
	return 0;
}

static int do_buffer_state(const struct call *call)
{
	const struct grabdma_buffer_state *state = &call->argument->state;
	struct grabdma_buffer_entry __user *entries = u64_to_user_ptr(state->entries);
	bool watch = state->flags & GRABDMA_BUFFER_STATE_WATCH;
	u32 i;

	if ((state->flags & ~GRABDMA_BUFFER_STATE_WATCH) || state->reserved ||
	    state->count > GRABDMA_MAX_BUFFERS)
		return -EINVAL;
	for (i = 0; i < state->count; i++) {
		int error = do_buffer_entry(call->session, watch, entries + i);

		if (error)
			return error;
		cond_resched();
	}
	return 0;
}

/* Makes the fault pending, or happen; tells what was left of the last one. */
static int inject(struct grabdma_session *session, struct grabdma_inject *argument)
{
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_engine *engine = &adapter->engine;

	argument->pending = 0;
	switch (argument->fault) {
	case GRABDMA_FAULT_DROP:
	case GRABDMA_FAULT_DMA_ERROR:
	case GRABDMA_FAULT_STALL:
		spin_lock_irq(&adapter->lock);
		argument->pending = engine->faults[argument->fault];
		engine->faults[argument->fault] = argument->value;
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

static int do_inject(const struct call *call)
{
	struct grabdma_inject *argument = &call->argument->inject;
	int error;

	if (!call->session->adapter->config.injectable)
		return -EOPNOTSUPP;
	if (argument->flags || argument->reserved)
		return -EINVAL;
	error = inject(call->session, argument);
	return error ?: reply(call);
}

/*
 * @size: of the struct that this module knows. @first_size: of its first version, which every
 * caller has at least. @outlives: works without the device, or sees to it by itself.
 */
struct command {
	int (*function)(const struct call *call);
	size_t first_size;
	size_t size;
	bool outlives;
};

#define COMMAND(name, function_, struct_, last_, outlives_)		\
	[GRABDMA_COMMAND_##name] = {					\
		.function = (function_),				\
		.first_size = offsetofend(struct struct_, last_),	\
		.size = sizeof(struct struct_) +			\
			BUILD_BUG_ON_ZERO(offsetof(struct struct_, size)), \
		.outlives = (outlives_),				\
	}

static const struct command commands[] = {
	COMMAND(INFO, do_info, grabdma_info, bus, false),
	COMMAND(ENUM_FORMAT, do_enum_format, grabdma_format_range, reserved2, false),
	COMMAND(GET_FORMAT, do_get_format, grabdma_format, bytes, false),
	COMMAND(SET_FORMAT, do_set_format, grabdma_format, bytes, false),
	COMMAND(ALLOC, do_alloc, grabdma_alloc, reserved, true),
	COMMAND(FREE, do_free, grabdma_free, reserved, true),
	COMMAND(QUEUE, do_queue, grabdma_queue, reserved, false),
	COMMAND(START, do_start, grabdma_start, frames, false),
	COMMAND(STOP, do_stop, grabdma_stop, flags, false),
	COMMAND(TRIGGER, do_trigger, grabdma_trigger, frames, false),
	COMMAND(BUFFER_STATE, do_buffer_state, grabdma_buffer_state, entries, true),
	COMMAND(INJECT, do_inject, grabdma_inject, pending, false),
};

static const struct command *find_command(unsigned int number)
{
	unsigned int index = _IOC_NR(number);

	if (_IOC_TYPE(number) != GRABDMA_IOCTL_TYPE || index >= ARRAY_SIZE(commands) ||
	    number != _IO(GRABDMA_IOCTL_TYPE, index))
		return NULL;
	return &commands[index];
}

static int copy_argument(struct call *call, const struct command *command)
{
	u32 size;

	if (get_user(size, (u32 __user *)call->user))
		return -EFAULT;
	if (size < command->first_size)
		return -EINVAL;
	call->user_size = size;
	call->size = command->size;
	return copy_struct_from_user(call->argument, command->size, call->user, size);
}

static int run(const struct call *call, const struct command *command)
{
	struct grabdma_adapter *adapter = call->session->adapter;
	int error;

	if (command->outlives)
		return command->function(call);
	error = grabdma_adapter_enter(adapter);
	if (error)
		return error;
	error = command->function(call);
	grabdma_adapter_leave(adapter);
	return error;
}

long grabdma_session_ioctl(struct file *file, unsigned int number, unsigned long user)
{
	const struct command *command = find_command(number);
	union argument argument = {};
	struct call call = {
		.session = file->private_data,
		.argument = &argument,
		.user = (void __user *)user,
	};
	int error;

	if (!command)
		return -ENOTTY;
	error = copy_argument(&call, command);
	if (error)
		return error;
	if (mutex_lock_killable(&call.session->mutex))
		return -EINTR;
	error = run(&call, command);
	mutex_unlock(&call.session->mutex);
	return error;
}
