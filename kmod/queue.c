// SPDX-License-Identifier: GPL-2.0
/*
 * The engine of an adapter: paces captures, hands queued buffers to the device one at a time, fits
 * output transfers in between, and turns each end into a record.
 *
 *              submit               grabdma_done             record posted
 *     idle ────────────▶ running ─────────────────▶ completing ────────────▶ idle
 *                           │  abort by STOP, FREE, the watchdog, unplug        ▲
 *                           └───────────────────────────────────────────────────┘
 *
 * A frame is due when the timer says so or, without pacing, as soon as the engine is idle and a
 * buffer is queued. Whoever changes the course of things claims the engine: nothing begins while
 * there are claims. An output transfer only keeps captures from beginning.
 */
#include <linux/math64.h>
#include <linux/module.h>

#include "compat.h"
#include "grabdma.h"
#include "trace.h"

static struct grabdma_adapter *adapter_of(struct grabdma_engine *engine)
{
	return container_of(engine, struct grabdma_adapter, engine);
}

static u64 timestamp_of(struct grabdma_engine *engine, u64 clock_ns)
{
	return clock_ns + engine->clock_offset;
}

static bool take_fault(struct grabdma_engine *engine, enum grabdma_fault fault)
{
	if (!engine->faults[fault])
		return false;
	engine->faults[fault]--;
	return true;
}

/* Hands the request to the adapter; the engine is idle. */
static void submit(struct grabdma_engine *engine)
{
	struct grabdma_adapter *adapter = adapter_of(engine);

	engine->fault = 0;
	if (take_fault(engine, GRABDMA_FAULT_DMA_ERROR))
		engine->fault = GRABDMA_FAULT_DMA_ERROR;
	else if (take_fault(engine, GRABDMA_FAULT_STALL))
		engine->fault = GRABDMA_FAULT_STALL;
	engine->phase = GRABDMA_ENGINE_RUNNING;
	grabdma_progress(adapter);
	queue_delayed_work(grabdma_workqueue, &adapter->watchdog,
			   msecs_to_jiffies(grabdma_timeout_ms));
	adapter->config.ops->submit(adapter, &engine->request);
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
	submit(engine);
}

static void drop_frame(struct grabdma_engine *engine, u64 sequence, u64 due_ns, u32 flags)
{
	struct grabdma_adapter *adapter = adapter_of(engine);
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
	bool injected = take_fault(engine, GRABDMA_FAULT_DROP);
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
static void kick(struct grabdma_engine *engine)
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
static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct grabdma_engine *engine = container_of(timer, struct grabdma_engine, timer);
	struct grabdma_adapter *adapter = adapter_of(engine);
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

static void post_result(struct grabdma_engine *engine, int error, u64 timestamp_ns)
{
	struct grabdma_adapter *adapter = adapter_of(engine);
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

/* The request has ended; adapter->lock is held. */
static void finish(struct grabdma_engine *engine, int error, u64 timestamp_ns)
{
	if (engine->request.direction == GRABDMA_DIRECTION_CAPTURE)
		post_result(engine, error, timestamp_ns);
	else
		engine->output_error = error;
	engine->phase = GRABDMA_ENGINE_IDLE;
	wake_up_all(&engine->idle);
	kick(engine);
}

/**
 * grabdma_done - the adapter's request has ended
 * @adapter: that had it
 * @error: 0 or a negative errno
 * @timestamp_ns: ktime_get_ns() of the moment; for captures
 *
 * May be called in any context but from submit(), which it may call. The buffer's caches are
 * synchronised here: on a machine that is not cache-coherent prefer a threaded interrupt handler.
 */
void grabdma_done(struct grabdma_adapter *adapter, int error, u64 timestamp_ns)
{
	struct grabdma_engine *engine = &adapter->engine;
	unsigned long flags;

	spin_lock_irqsave(&adapter->lock, flags);
	if (engine->phase != GRABDMA_ENGINE_RUNNING || engine->fault == GRABDMA_FAULT_STALL) {
		spin_unlock_irqrestore(&adapter->lock, flags);
		return;
	}
	engine->phase = GRABDMA_ENGINE_COMPLETING;
	spin_unlock_irqrestore(&adapter->lock, flags);

	if (engine->request.direction == GRABDMA_DIRECTION_CAPTURE)
		grabdma_sync_for_cpu(engine->request.buffer);
	if (engine->fault == GRABDMA_FAULT_DMA_ERROR)
		error = -EIO;

	spin_lock_irqsave(&adapter->lock, flags);
	finish(engine, error, timestamp_ns);
	spin_unlock_irqrestore(&adapter->lock, flags);
}

/**
 * grabdma_progress - the transfer in flight is alive
 * @adapter: that does it
 *
 * Puts the watchdog's time-out off. For transfers that consist of many.
 */
void grabdma_progress(struct grabdma_adapter *adapter)
{
	WRITE_ONCE(adapter->engine.deadline, jiffies + msecs_to_jiffies(grabdma_timeout_ms));
}

static void claim(struct grabdma_adapter *adapter)
{
	spin_lock_irq(&adapter->lock);
	adapter->engine.claims++;
	spin_unlock_irq(&adapter->lock);
}

static void unclaim(struct grabdma_adapter *adapter)
{
	spin_lock_irq(&adapter->lock);
	adapter->engine.claims--;
	wake_up_all(&adapter->engine.idle);
	kick(&adapter->engine);
	spin_unlock_irq(&adapter->lock);
}

static bool engine_idle(struct grabdma_engine *engine)
{
	return READ_ONCE(engine->phase) == GRABDMA_ENGINE_IDLE;
}

/*
 * Ends the request in flight with @error and gives back the claim that the caller made when it
 * found that request: so none has followed it, and it is the right one. The control mutex is
 * held.
 */
static void cancel_claimed(struct grabdma_adapter *adapter, int error)
{
	struct grabdma_engine *engine = &adapter->engine;

	if (!engine_idle(engine)) {
		adapter->config.ops->abort(adapter);
		spin_lock_irq(&adapter->lock);
		if (engine->phase == GRABDMA_ENGINE_RUNNING)
			finish(engine, error, ktime_get_ns());
		spin_unlock_irq(&adapter->lock);
		wait_event(engine->idle, engine_idle(engine));
	}
	unclaim(adapter);
}

/* Which buffer does the device write to? adapter->lock is held. */
static struct grabdma_buffer *buffer_in_flight(struct grabdma_engine *engine)
{
	bool captures = engine->phase != GRABDMA_ENGINE_IDLE &&
			engine->request.direction == GRABDMA_DIRECTION_CAPTURE;

	return captures ? engine->request.buffer : NULL;
}

/* The device went silent: ends its transfer. */
static void watchdog(struct work_struct *work)
{
	struct grabdma_adapter *adapter =
		container_of(to_delayed_work(work), struct grabdma_adapter, watchdog);
	struct grabdma_engine *engine = &adapter->engine;
	bool expired = false;
	long left;

	mutex_lock(&adapter->control);
	spin_lock_irq(&adapter->lock);
	if (engine->phase != GRABDMA_ENGINE_IDLE) {
		left = (long)(READ_ONCE(engine->deadline) - jiffies);
		expired = left <= 0;
		if (expired)
			engine->claims++;
		else
			queue_delayed_work(grabdma_workqueue, &adapter->watchdog, left);
	}
	spin_unlock_irq(&adapter->lock);
	if (expired) {
		dev_warn_ratelimited(&adapter->dev, "the device does not answer\n");
		atomic64_inc(&adapter->counters.timeouts);
		cancel_claimed(adapter, -ETIMEDOUT);
	}
	mutex_unlock(&adapter->control);
}

void grabdma_engine_init(struct grabdma_adapter *adapter)
{
	init_waitqueue_head(&adapter->engine.idle);
	grabdma_hrtimer_init(&adapter->engine.timer, tick);
	INIT_DELAYED_WORK(&adapter->watchdog, watchdog);
}

/* The device is going: nothing is in flight afterwards and nothing will be. */
void grabdma_engine_shutdown(struct grabdma_adapter *adapter)
{
	hrtimer_cancel(&adapter->engine.timer);
	mutex_lock(&adapter->control);
	claim(adapter);
	cancel_claimed(adapter, -ENODEV);
	mutex_unlock(&adapter->control);
	cancel_delayed_work_sync(&adapter->watchdog);
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
int grabdma_engine_queue(struct grabdma_buffer *buffer)
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
		kick(&adapter->engine);
	}
	spin_unlock_irq(&adapter->lock);
	return error;
}

/* Takes back a buffer that is queued or filling, for it to be freed. */
void grabdma_engine_cancel_buffer(struct grabdma_buffer *buffer)
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
		cancel_claimed(adapter, -ECANCELED);
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

void grabdma_engine_stop(struct grabdma_session *session, bool dequeue)
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
		cancel_claimed(adapter, -ECANCELED);
	mutex_unlock(&adapter->control);
}

/* The faults that a session asked for do not outlive it. */
void grabdma_engine_forget_faults(struct grabdma_session *session)
{
	struct grabdma_engine *engine = &session->adapter->engine;

	spin_lock_irq(&session->adapter->lock);
	if (engine->fault_owner == session) {
		memset(engine->faults, 0, sizeof(engine->faults));
		engine->fault_owner = NULL;
	}
	spin_unlock_irq(&session->adapter->lock);
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
		kick(engine);
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
		if (wait_event_killable(engine->idle, engine_idle(engine) || engine->owner) ||
		    mutex_lock_killable(&adapter->control))
			return -EINTR;
		if (engine->owner)
			error = -EBUSY;
		else if (engine_idle(engine))
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

int grabdma_engine_start(struct grabdma_session *session, const struct grabdma_start *start)
{
	struct grabdma_adapter *adapter = session->adapter;
	int error;

	if (!(adapter->config.ops->directions & GRABDMA_DIRECTION_CAPTURE))
		return -EOPNOTSUPP;
	if (restart(session, start))
		return 0;
	claim(adapter);
	error = acquire(session, start);
	unclaim(adapter);
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

int grabdma_engine_trigger(struct grabdma_session *session, u64 frames)
{
	const struct grabdma_start start = { .frames = frames };
	bool extended;
	int error = extend(session, frames, &extended);

	return error || extended ? error : grabdma_engine_start(session, &start);
}

/* May an output transfer begin, or must it be given up? */
static bool output_turn(const struct grabdma_adapter *adapter)
{
	const struct grabdma_engine *engine = &adapter->engine;

	return adapter->gone || (engine->phase == GRABDMA_ENGINE_IDLE && !engine->claims);
}

/* Keeps captures from beginning, waits for the one in flight and for claims, and transfers. */
static int run_output(struct grabdma_adapter *adapter, const struct grabdma_request *request)
{
	struct grabdma_engine *engine = &adapter->engine;
	int error = -ENODEV;

	spin_lock_irq(&adapter->lock);
	engine->sending = true;
	wait_event_lock_irq(engine->idle, output_turn(adapter), adapter->lock);
	if (!adapter->gone) {
		engine->request = *request;
		submit(engine);
		wait_event_lock_irq(engine->idle, engine->phase == GRABDMA_ENGINE_IDLE,
				    adapter->lock);
		error = engine->output_error;
	}
	engine->sending = false;
	kick(engine);
	spin_unlock_irq(&adapter->lock);
	return error;
}

/*
 * Sends a range of an output buffer to the device and waits until it has it. The watchdog and
 * unplugging bound the wait. Concurrent senders wait for each other.
 */
int grabdma_engine_send(struct grabdma_buffer *buffer, u64 offset, u64 bytes)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	const struct grabdma_request request = {
		.direction = GRABDMA_DIRECTION_OUTPUT,
		.offset = offset,
		.bytes = bytes,
		.buffer = buffer,
	};
	int error = grabdma_adapter_enter(adapter);

	if (error)
		return error;
	mutex_lock(&adapter->sender);
	if (buffer->mapped) {
		grabdma_sync_for_device(buffer, offset, bytes);
		error = run_output(adapter, &request);
	} else {
		error = -ENODEV;
	}
	mutex_unlock(&adapter->sender);
	grabdma_adapter_leave(adapter);
	if (!error) {
		atomic64_inc(&adapter->counters.sends);
		atomic64_add(bytes, &adapter->counters.sent_bytes);
	} else {
		atomic64_inc(&adapter->counters.errors);
	}
	trace_grabdma_sync(buffer, offset, bytes, error);
	return error;
}
