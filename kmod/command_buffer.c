// SPDX-License-Identifier: GPL-2.0
/*
 * Commands about buffers: making, giving up, queueing them, and telling what they are doing.
 */
#include <linux/file.h>
#include <linux/uaccess.h>

#include "command.h"
#include "grabdma.h"

static struct grabdma_buffer *find_buffer(struct grabdma_session *session, u32 id)
{
	return xa_load(&session->buffers, id);
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
static int publish(const struct grabdma_call *call, struct grabdma_buffer *buffer, const int fds[],
		   struct file *const files[])
{
	struct grabdma_session *session = call->session;
	struct grabdma_alloc *alloc = &call->argument->alloc;
	unsigned int i;

	alloc->buffer = buffer->id;
	alloc->segments = buffer->segments;
	alloc->live_fd = fds[GRABDMA_VIEW_LIVE];
	alloc->frame_fd = fds[GRABDMA_VIEW_FRAME];
	if (grabdma_reply(call)) {
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
int grabdma_do_alloc(const struct grabdma_call *call)
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

int grabdma_do_free(const struct grabdma_call *call)
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

int grabdma_do_queue(const struct grabdma_call *call)
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

int grabdma_do_buffer_state(const struct grabdma_call *call)
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
