// SPDX-License-Identifier: GPL-2.0
/*
 * The buffers that wait for frames: putting them into a session's queue and taking them back.
 */
#include "engine.h"
#include "trace.h"

/* Buffers taken back while interrupts are off. */
#define DEQUEUED_AT_ONCE 64

/* Why the buffer cannot be queued; adapter->lock is held. */
static int queue_error(const struct grabdma_buffer *buffer)
{
	if (buffer->adapter->gone)
		return -ENODEV;
	if (buffer->state != GRABDMA_STATE_IDLE)
		return -EALREADY;
	if (buffer->bytes < buffer->session->format.bytes)
		return -ENOSPC;
	if (buffer->views[GRABDMA_VIEW_FRAME].users || buffer->exposed)
		return -EBUSY;
	return 0;
}

/*
 * Queues a buffer whose hold has been looked at; session->mutex and adapter->alive are held. The
 * caches are synchronised without the spinlock, but not under a transfer's feet: only an idle
 * buffer's, which stays idle or becomes held meanwhile.
 */
int grabdma_queue_buffer(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	struct grabdma_session *session = buffer->session;
	int error;

	spin_lock_irq(&adapter->lock);
	error = queue_error(buffer);
	spin_unlock_irq(&adapter->lock);
	if (error)
		return error;

	if (grabdma_memory_sound(&buffer->memory, 0, buffer->bytes) < buffer->bytes)
		return -EIO;
	grabdma_sync_for_device(buffer, 0, session->format.bytes);
	spin_lock_irq(&adapter->lock);
	error = queue_error(buffer);
	if (!error) {
		buffer->watched = false;
		buffer->state = GRABDMA_STATE_QUEUED;
		session->busy++;
		list_add_tail(&buffer->queue_node, &session->queue);
		trace_grabdma_queue(buffer);
		grabdma_frames_ready(&adapter->engine);
	}
	spin_unlock_irq(&adapter->lock);
	return error;
}

static void dequeue(struct grabdma_buffer *buffer)
{
	list_del_init(&buffer->queue_node);
	buffer->state = GRABDMA_STATE_IDLE;
	buffer->session->busy--;
}

/*
 * Takes back a buffer that is queued or filling, for it to be freed. When it is filling, the other
 * frames in flight end with it.
 */
void grabdma_queue_cancel(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	bool filling;

	mutex_lock(&adapter->control);
	spin_lock_irq(&adapter->lock);
	if (buffer->state == GRABDMA_STATE_QUEUED)
		dequeue(buffer);
	filling = buffer->state == GRABDMA_STATE_FILLING;
	if (filling)
		adapter->engine.claims++;
	spin_unlock_irq(&adapter->lock);
	if (filling)
		grabdma_engine_cancel_claimed(adapter, -ECANCELED);
	mutex_unlock(&adapter->control);
}

/* Takes some queued buffers back; adapter->lock is held. Says whether there may be more. */
bool grabdma_queue_take_some(struct grabdma_session *session)
{
	struct grabdma_buffer *buffer, *next;
	unsigned int count = 0;

	list_for_each_entry_safe(buffer, next, &session->queue, queue_node) {
		if (count++ == DEQUEUED_AT_ONCE)
			return true;
		dequeue(buffer);
	}
	return false;
}

/* The session does not capture, and its mutex is held: nothing is queued or begun meanwhile. */
void grabdma_queue_take_all(struct grabdma_session *session)
{
	bool more = true;

	while (more) {
		spin_lock_irq(&session->adapter->lock);
		more = grabdma_queue_take_some(session);
		spin_unlock_irq(&session->adapter->lock);
		cond_resched();
	}
}

/* A page of the buffer broke: it is not to be filled. QUEUE will say so to who tries again. */
static void withdraw(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;

	spin_lock_irq(&adapter->lock);
	if (buffer->session && buffer->state == GRABDMA_STATE_QUEUED) {
		dequeue(buffer);
		grabdma_buffer_announce(buffer);
	}
	spin_unlock_irq(&adapter->lock);
}

const struct grabdma_buffer_ops grabdma_capture_buffer_ops = {
	.broke = withdraw,
};
