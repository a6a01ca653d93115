// SPDX-License-Identifier: GPL-2.0
/*
 * Records of a session: each has a place of its own, so that none is ever lost and none has to be
 * allocated. Who reads, peeks first, copies without a lock, and then consumes.
 *
 * The hook by which tests make allocations of a session fail is here, too.
 */
#include <linux/poll.h>

#include "grabdma.h"

/*
 * Tests make one allocation fail at a time and sweep over all of them. Every allocation made for a
 * session asks here first.
 */
bool grabdma_should_fail(struct grabdma_session *session)
{
	return atomic64_dec_if_positive(&session->fail_countdown) == 0;
}

void grabdma_events_init(struct grabdma_session *session)
{
	init_waitqueue_head(&session->wait);
	INIT_LIST_HEAD(&session->events);
	INIT_LIST_HEAD(&session->drop.node);
	INIT_LIST_HEAD(&session->gone.node);
	atomic64_set(&session->fail_countdown, 0);
}

/* Makes the event readable, behind those that are; adapter->lock is held. */
void grabdma_event_post(struct grabdma_session *session, struct grabdma_event *event)
{
	if (list_empty(&event->node))
		list_add_tail(&event->node, &session->events);
	wake_up_interruptible(&session->wait);
}

/* Copies the first record without taking it. Reading again after GONE: ENODEV. */
int grabdma_event_peek(struct grabdma_session *session, struct grabdma_record *record)
{
	struct grabdma_event *event;
	int error = 0;

	spin_lock_irq(&session->adapter->lock);
	event = list_first_entry_or_null(&session->events, struct grabdma_event, node);
	if (event)
		*record = event->record;
	else
		error = session->ended ? -ENODEV : -EAGAIN;
	spin_unlock_irq(&session->adapter->lock);
	return error;
}

static void consume_result(struct grabdma_session *session, const struct grabdma_record *record)
{
	struct grabdma_buffer *buffer = xa_load(&session->buffers, record->buffer);

	if (!buffer || buffer->state != GRABDMA_STATE_DONE ||
	    buffer->result.record.sequence != record->sequence)
		return;
	list_del_init(&buffer->result.node);
	buffer->state = GRABDMA_STATE_IDLE;
}

static void consume_idle(struct grabdma_session *session, const struct grabdma_record *record)
{
	struct grabdma_buffer *buffer = xa_load(&session->buffers, record->buffer);

	if (buffer)
		list_del_init(&buffer->idle.node);
}

/* More frames may have been dropped since they were counted for the reader. */
static void consume_drop(struct grabdma_session *session, const struct grabdma_record *record)
{
	struct grabdma_record *pending = &session->drop.record;

	pending->dropped_before -= record->dropped_before;
	pending->flags = 0;
	list_del_init(&session->drop.node);
	if (pending->dropped_before)
		list_add_tail(&session->drop.node, &session->events);
}

/*
 * Takes a record that has been delivered. The buffer may have been freed meanwhile: it is looked up
 * under the lock that freeing takes between removing it from the table and dropping it.
 */
void grabdma_event_consume(struct grabdma_session *session, const struct grabdma_record *record)
{
	spin_lock_irq(&session->adapter->lock);
	switch (record->type) {
	case GRABDMA_RECORD_FRAME:
	case GRABDMA_RECORD_ERROR:
		consume_result(session, record);
		break;
	case GRABDMA_RECORD_IDLE:
		consume_idle(session, record);
		break;
	case GRABDMA_RECORD_DROP:
		consume_drop(session, record);
		break;
	default:
		list_del_init(&session->gone.node);
		session->ended = true;
		break;
	}
	spin_unlock_irq(&session->adapter->lock);
}

bool grabdma_events_readable(struct grabdma_session *session)
{
	bool result;

	spin_lock_irq(&session->adapter->lock);
	result = !list_empty(&session->events) || session->ended;
	spin_unlock_irq(&session->adapter->lock);
	return result;
}

/* What poll() says. The end not before the last record is there, or who waits for it would spin. */
__poll_t grabdma_events_poll(struct grabdma_session *session)
{
	__poll_t events = 0;

	spin_lock_irq(&session->adapter->lock);
	if (!list_empty(&session->events))
		events |= EPOLLIN | EPOLLRDNORM;
	if (session->ended || !list_empty(&session->gone.node))
		events |= EPOLLERR | EPOLLHUP;
	spin_unlock_irq(&session->adapter->lock);
	return events;
}
