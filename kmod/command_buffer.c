// SPDX-License-Identifier: GPL-2.0
/*
 * Commands about buffers: making, giving up, queueing them, and telling what they are doing.
 */
#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "command.h"

/* Of BUFFER_STATE: how many are looked at while the session's mutex is held. */
#define ENTRIES_AT_ONCE 64

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

static void put_files(struct file *const files[GRABDMA_VIEWS])
{
	unsigned int i;

	for (i = 0; i < GRABDMA_VIEWS; i++)
		if (files[i])
			fput(files[i]);
}

/* The caller has been told: buffer and descriptors become visible. This cannot fail. */
void grabdma_publish(struct grabdma_call *call)
{
	const struct grabdma_made *made = &call->made;
	unsigned int i;

	if (!made->buffer)
		return;
	/* The entry has been reserved: nothing is allocated. */
	xa_store(&call->session->buffers, made->buffer->id, made->buffer, GFP_KERNEL);
	for (i = 0; i < GRABDMA_VIEWS; i++)
		if (made->files[i])
			fd_install(made->fds[i], made->files[i]);
}

/* The caller could not be told: all is as before. */
void grabdma_unmake(struct grabdma_call *call)
{
	struct grabdma_made *made = &call->made;

	if (!made->buffer)
		return;
	xa_erase(&call->session->buffers, made->buffer->id);
	put_files(made->files);
	release_fds(made->fds);
	grabdma_buffer_release(made->buffer);
}

/* Makes the buffer, whose number is reserved; nobody sees it before grabdma_publish(). */
int grabdma_do_alloc(struct grabdma_call *call)
{
	struct grabdma_session *session = call->session;
	struct grabdma_alloc *alloc = &call->argument->alloc;
	struct grabdma_made *made = &call->made;
	const struct grabdma_buffer_ops *ops = alloc->direction == GRABDMA_DIRECTION_OUTPUT ?
						       &grabdma_output_buffer_ops :
						       &grabdma_capture_buffer_ops;
	struct grabdma_buffer *buffer;
	u32 id;
	int error = check_alloc(session->adapter, alloc);

	if (error)
		return error;
	error = reserve_fds(session, alloc->direction, made->fds);
	if (error)
		return error;
	error = reserve_id(session, &id);
	if (error)
		goto release_fds;
	buffer = grabdma_buffer_create(session, ops, alloc, id, made->files);
	error = PTR_ERR_OR_ZERO(buffer);
	if (error)
		goto erase;
	made->buffer = buffer;
	alloc->buffer = id;
	alloc->segments = buffer->segments;
	alloc->live_fd = made->fds[GRABDMA_VIEW_LIVE];
	alloc->frame_fd = made->fds[GRABDMA_VIEW_FRAME];
	return 0;
erase:
	xa_erase(&session->buffers, id);
release_fds:
	release_fds(made->fds);
	return error;
}

int grabdma_do_free(struct grabdma_call *call)
{
	struct grabdma_session *session = call->session;
	const struct grabdma_free *argument = &call->argument->free;
	struct grabdma_buffer *buffer;

	if (argument->flags || argument->reserved)
		return -EINVAL;
	buffer = find_buffer(session, argument->buffer);
	if (!buffer)
		return -ENOENT;
	grabdma_queue_cancel(buffer);
	xa_erase(&session->buffers, argument->buffer);
	grabdma_buffer_release(buffer);
	return 0;
}

int grabdma_do_queue(struct grabdma_call *call)
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
	error = grabdma_queue_buffer(buffer);
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

static int fill_entry(struct grabdma_session *session, bool watch,
		      struct grabdma_buffer_entry *entry)
{
	struct grabdma_buffer *buffer;

	if (entry->reserved)
		return -EINVAL;
	buffer = find_buffer(session, entry->buffer);
	if (!buffer)
		return -ENOENT;
	describe(buffer, entry);
	if (watch && (entry->flags & GRABDMA_BUFFER_HELD))
		grabdma_buffer_watch(buffer);
	return 0;
}

/* Fills in as many entries as there are without an error, whose number is in @count afterwards. */
static int fill_entries(struct grabdma_session *session, bool watch,
			struct grabdma_buffer_entry *entries, u32 *count)
{
	int error = 0;
	u32 i;

	if (mutex_lock_killable(&session->mutex)) {
		*count = 0;
		return -EINTR;
	}
	for (i = 0; i < *count; i++) {
		error = fatal_signal_pending(current) ? -EINTR :
							fill_entry(session, watch, &entries[i]);
		if (error)
			break;
		cond_resched();
	}
	mutex_unlock(&session->mutex);
	*count = i;
	return error;
}

static int do_entries(struct grabdma_session *session, bool watch,
		      struct grabdma_buffer_entry __user *user,
		      struct grabdma_buffer_entry *entries, u32 count)
{
	int error;

	if (copy_from_user(entries, user, count * sizeof(*entries)))
		return -EFAULT;
	error = fill_entries(session, watch, entries, &count);
	return copy_to_user(user, entries, count * sizeof(*entries)) ? -EFAULT : error;
}

/* Runs without the session's mutex, which it takes for some entries at a time, copied before. */
int grabdma_do_buffer_state(struct grabdma_call *call)
{
	const struct grabdma_buffer_state *state = &call->argument->state;
	struct grabdma_buffer_entry __user *user = u64_to_user_ptr(state->entries);
	bool watch = state->flags & GRABDMA_BUFFER_STATE_WATCH;
	struct grabdma_buffer_entry *entries;
	int error = 0;
	u32 first;

	if ((state->flags & ~GRABDMA_BUFFER_STATE_WATCH) || state->reserved ||
	    state->count > GRABDMA_MAX_BUFFERS)
		return -EINVAL;
	entries = kmalloc_array(ENTRIES_AT_ONCE, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	for (first = 0; !error && first < state->count; first += ENTRIES_AT_ONCE)
		error = do_entries(call->session, watch, user + first, entries,
				   min_t(u32, ENTRIES_AT_ONCE, state->count - first));
	kfree(entries);
	return error;
}
