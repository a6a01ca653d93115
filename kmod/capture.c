// SPDX-License-Identifier: GPL-2.0
/*
 * Capturing: which session captures, when a frame is due, into which buffer it goes, and the record
 * that tells of it. A frame is due when the timer says so or, without pacing, as soon as the engine
 * is idle and a buffer is queued.
 *
 *     nobody captures ──START, TRIGGER──▶ a session owns the engine ──STOP, limit──▶ nobody
 *                                           │
 *                     frame due: a buffer is queued and the engine idle?
 *                             yes: begin_capture()     no: drop_frame()
 */
#include <linux/math64.h>

#include "engine.h"
#include "trace.h"

static u64 timestamp_of(struct grabdma_engine *engine, u64 clock_ns)
{
	return clock_ns + engine->clock_offset;
}

static void begin_capture(struct grabdma_engine *engine, u64 sequence, u64 due_ns, bool last)
{
	struct grabdma_session *session = engine->owner;
	struct grabdma_buffer *buffer =
		list_first_entry(&session->queue, struct grabdma_buffer, queue_node);

	list_del_init(&buffer->queue_node);
	buffer->state = GRABDMA_STATE_FILLING;
	engine->request = (struct grabdma_request){
		.direction = GRABDMA_DIRECTION_CAPTURE,
		.bytes = session->format.bytes,
		.sequence = sequence,
		.due_ns = due_ns,
		.format = session->format,
		.buffer = buffer,
	};
	engine->last = last;
	engine->dropped_before = session->dropped;
	session->dropped = 0;
	grabdma_engine_submit(engine);
}

static void drop_frame(struct grabdma_engine *engine, u64 sequence, u64 due_ns, u32 flags)
{
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);
	struct grabdma_session *session = engine->owner;
	struct grabdma_record *record = &session->drop.record;

	record->type = GRABDMA_RECORD_DROP;
	record->buffer = GRABDMA_NO_BUFFER;
	record->sequence = sequence;
	record->timestamp_ns = timestamp_of(engine, due_ns);
	record->dropped_before++;
	record->flags |= flags;
	session->dropped++;
	atomic64_inc(&adapter->counters.drops);
	trace_grabdma_drop(adapter, sequence);
	grabdma_session_post(session, &session->drop);
}

static bool may_capture(const struct grabdma_engine *engine)
{
	return engine->phase == GRABDMA_ENGINE_IDLE && !engine->claims && !engine->sending &&
	       !list_empty(&engine->owner->queue);
}

/* One more frame of the owner's; the owner stops owning the engine with its last one. */
static void frame_due(struct grabdma_engine *engine, u64 due_ns)
{
	u64 sequence = engine->sequence++;
	bool injected = grabdma_engine_take_fault(engine, GRABDMA_FAULT_DROP);
	bool last = engine->limited && --engine->remaining == 0;

	if (injected || !may_capture(engine))
		drop_frame(engine, sequence, due_ns,
			   (injected ? GRABDMA_RECORD_INJECTED : 0) |
			   (last ? GRABDMA_RECORD_LIMITED : 0));
	else
		begin_capture(engine, sequence, due_ns, last);
	if (last)
		engine->owner = NULL;
}

/* Without pacing, the next frame is due when there is nothing in its way. */
void grabdma_capture_kick(struct grabdma_engine *engine)
{
	while (engine->owner && !engine->paced && may_capture(engine))
		frame_due(engine, ktime_get_ns());
}

static void advance_due(struct grabdma_engine *engine)
{
	engine->due_ns += engine->step_ns;
	engine->step_sum += engine->step_rest;
	if (engine->step_sum >= engine->step_den) {
		engine->step_sum -= engine->step_den;
		engine->due_ns++;
	}
}

/* A timer that comes late makes all frames due that have become so. */
enum hrtimer_restart grabdma_capture_tick(struct hrtimer *timer)
{
	struct grabdma_engine *engine = container_of(timer, struct grabdma_engine, timer);
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	unsigned long flags;
	u64 now;

	spin_lock_irqsave(&adapter->lock, flags);
	now = ktime_get_ns();
	while (engine->owner && engine->paced && engine->due_ns <= now) {
		frame_due(engine, now);
		advance_due(engine);
	}
	if (engine->owner && engine->paced) {
		hrtimer_set_expires(timer, ns_to_ktime(engine->due_ns));
		restart = HRTIMER_RESTART;
	}
	spin_unlock_irqrestore(&adapter->lock, flags);
	return restart;
}

void grabdma_capture_done(struct grabdma_engine *engine, int error, u64 timestamp_ns)
{
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);
	struct grabdma_request *request = &engine->request;
	struct grabdma_buffer *buffer = request->buffer;
	struct grabdma_session *session = buffer->session;

	buffer->state = GRABDMA_STATE_DONE;
	session->busy--;
	buffer->result.record = (struct grabdma_record){
		.type = error ? GRABDMA_RECORD_ERROR : GRABDMA_RECORD_FRAME,
		.buffer = buffer->id,
		.sequence = request->sequence,
		.timestamp_ns = timestamp_of(engine, timestamp_ns),
		.bytes_used = error ? 0 : request->bytes,
		.flags = (engine->fault ? GRABDMA_RECORD_INJECTED : 0) |
			 (engine->last ? GRABDMA_RECORD_LIMITED : 0),
		.error = -error,
		.dropped_before = engine->dropped_before,
	};
	if (error) {
		atomic64_inc(&adapter->counters.errors);
	} else {
		atomic64_inc(&adapter->counters.frames);
		atomic64_add(request->bytes, &adapter->counters.bytes);
	}
	trace_grabdma_done(buffer, request->sequence, buffer->result.record.timestamp_ns, error);
	grabdma_session_post(session, &buffer->result);
}

/* Which buffer does the device write to? adapter->lock is held. */
static struct grabdma_buffer *buffer_in_flight(struct grabdma_engine *engine)
{
	bool captures = engine->phase != GRABDMA_ENGINE_IDLE &&
			engine->request.direction == GRABDMA_DIRECTION_CAPTURE;

	return captures ? engine->request.buffer : NULL;
}

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
int grabdma_capture_queue(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	struct grabdma_session *session = buffer->session;
	int error;

	spin_lock_irq(&adapter->lock);
	error = queue_error(buffer);
	spin_unlock_irq(&adapter->lock);
	if (error)
		return error;

	grabdma_sync_for_device(buffer, 0, buffer->bytes);
	spin_lock_irq(&adapter->lock);
	error = queue_error(buffer);
	if (!error) {
		buffer->watched = false;
		buffer->state = GRABDMA_STATE_QUEUED;
		session->busy++;
		list_add_tail(&buffer->queue_node, &session->queue);
		trace_grabdma_queue(buffer);
		grabdma_capture_kick(&adapter->engine);
	}
	spin_unlock_irq(&adapter->lock);
	return error;
}

/* Takes back a buffer that is queued or filling, for it to be freed. */
void grabdma_capture_cancel_buffer(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	bool filling;

	mutex_lock(&adapter->control);
	spin_lock_irq(&adapter->lock);
	if (buffer->state == GRABDMA_STATE_QUEUED) {
		list_del_init(&buffer->queue_node);
		buffer->state = GRABDMA_STATE_IDLE;
		buffer->session->busy--;
	}
	filling = buffer_in_flight(&adapter->engine) == buffer;
	if (filling)
		adapter->engine.claims++;
	spin_unlock_irq(&adapter->lock);
	if (filling)
		grabdma_engine_cancel_claimed(adapter, -ECANCELED);
	mutex_unlock(&adapter->control);
}

static void dequeue_all(struct grabdma_session *session)
{
	struct grabdma_buffer *buffer, *next;

	list_for_each_entry_safe(buffer, next, &session->queue, queue_node) {
		list_del_init(&buffer->queue_node);
		buffer->state = GRABDMA_STATE_IDLE;
		session->busy--;
	}
}

void grabdma_capture_stop(struct grabdma_session *session, bool dequeue)
{
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_engine *engine = &adapter->engine;
	struct grabdma_buffer *buffer;
	bool owned, filling;

	mutex_lock(&adapter->control);
	spin_lock_irq(&adapter->lock);
	owned = engine->owner == session;
	if (owned)
		engine->owner = NULL;
	if (dequeue)
		dequeue_all(session);
	buffer = buffer_in_flight(engine);
	filling = buffer && buffer->session == session;
	if (filling)
		engine->claims++;
	spin_unlock_irq(&adapter->lock);
	if (owned)
		hrtimer_cancel(&engine->timer);
	if (filling)
		grabdma_engine_cancel_claimed(adapter, -ECANCELED);
	mutex_unlock(&adapter->control);
}

/* The session becomes the owner; its first frame is due one interval from now, or at once. */
static void take_over(struct grabdma_session *session, const struct grabdma_start *start)
{
	struct grabdma_engine *engine = &session->adapter->engine;
	u64 span = (u64)start->interval_num * NSEC_PER_SEC;

	engine->owner = session;
	engine->limited = start->frames;
	engine->remaining = start->frames;
	engine->paced = start->interval_num;
	if (!engine->paced)
		return;
	engine->step_ns = div_u64_rem(span, start->interval_den, &engine->step_rest);
	engine->step_den = start->interval_den;
	engine->step_sum = 0;
	engine->due_ns = ktime_get_ns();
	advance_due(engine);
}

/* Readies the device for a new owner. Control mutex and a claim are held, the engine is idle. */
static int prepare(struct grabdma_session *session)
{
	struct grabdma_adapter *adapter = session->adapter;

	if (grabdma_should_fail(session))
		return -ENOMEM;
	return adapter->config.ops->prepare(adapter, &session->format);
}

static void arm(struct grabdma_session *session, const struct grabdma_start *start)
{
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_engine *engine = &adapter->engine;

	hrtimer_cancel(&engine->timer);
	spin_lock_irq(&adapter->lock);
	if (!adapter->gone) {
		take_over(session, start);
		grabdma_capture_kick(engine);
		if (engine->paced)
			hrtimer_start(&engine->timer, ns_to_ktime(engine->due_ns),
				      HRTIMER_MODE_ABS);
	}
	spin_unlock_irq(&adapter->lock);
}

/*
 * Becomes the owner. The wait for the engine is outside the control mutex, which the watchdog
 * needs to end a transfer that hangs.
 */
static int acquire(struct grabdma_session *session, const struct grabdma_start *start)
{
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_engine *engine = &adapter->engine;
	int error = -EAGAIN;

	while (error == -EAGAIN) {
		if (wait_event_killable(engine->idle,
					grabdma_engine_idle(engine) || engine->owner) ||
		    mutex_lock_killable(&adapter->control))
			return -EINTR;
		if (engine->owner)
			error = -EBUSY;
		else if (grabdma_engine_idle(engine))
			error = prepare(session);
		if (!error)
			arm(session, start);
		mutex_unlock(&adapter->control);
	}
	return error;
}

/* A session that captures already keeps what was prepared: its format cannot have changed. */
static bool restart(struct grabdma_session *session, const struct grabdma_start *start)
{
	struct grabdma_adapter *adapter = session->adapter;
	bool owner;

	mutex_lock(&adapter->control);
	owner = READ_ONCE(adapter->engine.owner) == session;
	if (owner)
		arm(session, start);
	mutex_unlock(&adapter->control);
	return owner;
}

int grabdma_capture_start(struct grabdma_session *session, const struct grabdma_start *start)
{
	struct grabdma_adapter *adapter = session->adapter;
	int error;

	if (!(adapter->config.ops->directions & GRABDMA_DIRECTION_CAPTURE))
		return -EOPNOTSUPP;
	if (restart(session, start))
		return 0;
	grabdma_engine_claim(adapter);
	error = acquire(session, start);
	grabdma_engine_unclaim(adapter);
	return error;
}

/* Raises the limit of a capture that has one; tells whether the session had such a capture. */
static int extend(struct grabdma_session *session, u64 frames, bool *extended)
{
	struct grabdma_engine *engine = &session->adapter->engine;
	int error = 0;

	spin_lock_irq(&session->adapter->lock);
	*extended = engine->owner == session;
	if (*extended && !engine->limited)
		error = -EBUSY;
	else if (*extended && engine->remaining + frames < frames)
		error = -EINVAL;
	else if (*extended)
		engine->remaining += frames;
	spin_unlock_irq(&session->adapter->lock);
	return error;
}

int grabdma_capture_trigger(struct grabdma_session *session, u64 frames)
{
	const struct grabdma_start start = { .frames = frames };
	bool extended;
	int error = extend(session, frames, &extended);

	return error || extended ? error : grabdma_capture_start(session, &start);
}
