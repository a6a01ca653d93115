// SPDX-License-Identifier: GPL-2.0
/*
 * Who uses a buffer, and whether that holds it: the rule behind "a frame that somebody is looking
 * at is not refilled".
 *
 * Users are counted for each view: open files, and mappings made through the descriptor that the
 * session got. The frame view's users hold the buffer. A frame's pages can also live on without a
 * file or a mapping, spliced into a pipe or pinned for I/O; nothing tells when that ends, so a
 * buffer that was exposed to it is looked at page by page when it matters.
 */
#include "grabdma.h"

/* How often a watched buffer is looked at that only pinned pages hold. */
#define RECHECK_INTERVAL msecs_to_jiffies(20)

static bool awaits_frame(const struct grabdma_buffer *buffer)
{
	return buffer->state == GRABDMA_STATE_QUEUED || buffer->state == GRABDMA_STATE_FILLING;
}

/* A new user of the view. ESTALE: the frame has been given up for the next one. */
int grabdma_view_use(struct grabdma_view *view)
{
	struct grabdma_buffer *buffer = view->buffer;
	unsigned long flags;
	int error = 0;

	spin_lock_irqsave(&buffer->adapter->lock, flags);
	if (view->kind == GRABDMA_VIEW_FRAME && awaits_frame(buffer))
		error = -ESTALE;
	else
		view->users++;
	spin_unlock_irqrestore(&buffer->adapter->lock, flags);
	return error;
}

/* A user more where there is one already: a mapping was split or inherited. */
void grabdma_view_use_again(struct grabdma_view *view)
{
	struct grabdma_adapter *adapter = view->buffer->adapter;
	unsigned long flags;

	spin_lock_irqsave(&adapter->lock, flags);
	view->users++;
	spin_unlock_irqrestore(&adapter->lock, flags);
}

/* Tells the session that a QUEUE would not find the buffer held; adapter->lock is held. */
void grabdma_buffer_announce(struct grabdma_buffer *buffer)
{
	buffer->watched = false;
	if (!list_empty(&buffer->idle.node))
		return;
	buffer->idle.record = (struct grabdma_record){
		.type = GRABDMA_RECORD_IDLE,
		.buffer = buffer->id,
		.timestamp_ns = ktime_get_ns(),
	};
	grabdma_event_post(buffer->session, &buffer->idle);
}

void grabdma_view_unuse(struct grabdma_view *view)
{
	struct grabdma_buffer *buffer = view->buffer;
	struct grabdma_adapter *adapter = buffer->adapter;
	unsigned long flags;

	spin_lock_irqsave(&adapter->lock, flags);
	view->users--;
	if (view->kind == GRABDMA_VIEW_FRAME && !view->users && buffer->watched) {
		if (buffer->exposed)
			mod_delayed_work(grabdma_workqueue, &buffer->session->recheck, 0);
		else
			grabdma_buffer_announce(buffer);
	}
	spin_unlock_irqrestore(&adapter->lock, flags);
}

/* From now on pages may be referenced by pipes, sockets and I/O through this view. */
void grabdma_view_expose(struct grabdma_view *view)
{
	struct grabdma_buffer *buffer = view->buffer;
	unsigned long flags;

	if (view->kind != GRABDMA_VIEW_FRAME)
		return;
	spin_lock_irqsave(&buffer->adapter->lock, flags);
	buffer->exposed = true;
	buffer->exposures++;
	spin_unlock_irqrestore(&buffer->adapter->lock, flags);
}

/*
 * Do only pinned pages hold the buffer? Forgets the exposure when it turns out to be over, unless
 * the buffer is exposed again meanwhile: the pages are looked at without the lock.
 */
bool grabdma_buffer_pinned(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	u32 exposures;
	bool suspect;

	spin_lock_irq(&adapter->lock);
	suspect = buffer->exposed && !buffer->views[GRABDMA_VIEW_FRAME].users;
	exposures = buffer->exposures;
	spin_unlock_irq(&adapter->lock);
	if (!suspect)
		return false;
	if (grabdma_memory_pinned(&buffer->memory))
		return true;

	spin_lock_irq(&adapter->lock);
	if (buffer->exposures == exposures && !buffer->views[GRABDMA_VIEW_FRAME].users)
		buffer->exposed = false;
	spin_unlock_irq(&adapter->lock);
	return false;
}

/* Announces when the buffer, found held, is not held any more; at once if that was just now. */
void grabdma_buffer_watch(struct grabdma_buffer *buffer)
{
	spin_lock_irq(&buffer->adapter->lock);
	buffer->watched = true;
	if (buffer->views[GRABDMA_VIEW_FRAME].users)
		goto unlock;
	if (buffer->exposed)
		queue_delayed_work(grabdma_workqueue, &buffer->session->recheck, RECHECK_INTERVAL);
	else
		grabdma_buffer_announce(buffer);
unlock:
	spin_unlock_irq(&buffer->adapter->lock);
}

static bool is_watched(struct grabdma_buffer *buffer)
{
	bool watched;

	spin_lock_irq(&buffer->adapter->lock);
	watched = buffer->watched;
	spin_unlock_irq(&buffer->adapter->lock);
	return watched;
}

/* Looks at one buffer if it is watched; says whether it has to be looked at again. */
static bool recheck_buffer(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	bool again;

	if (!is_watched(buffer))
		return false;
	grabdma_buffer_pinned(buffer);
	spin_lock_irq(&adapter->lock);
	again = buffer->watched && !buffer->views[GRABDMA_VIEW_FRAME].users;
	if (again && !buffer->exposed) {
		grabdma_buffer_announce(buffer);
		again = false;
	}
	spin_unlock_irq(&adapter->lock);
	return again;
}

/* The work that finds the end of holds that nothing announces. */
void grabdma_session_recheck(struct work_struct *work)
{
	struct grabdma_session *session =
		container_of(to_delayed_work(work), struct grabdma_session, recheck);
	struct grabdma_buffer *buffer;
	unsigned long id;
	bool again = false;

	mutex_lock(&session->mutex);
	xa_for_each(&session->buffers, id, buffer)
		again |= recheck_buffer(buffer);
	mutex_unlock(&session->mutex);
	if (again)
		queue_delayed_work(grabdma_workqueue, &session->recheck, RECHECK_INTERVAL);
}
