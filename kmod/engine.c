// SPDX-License-Identifier: GPL-2.0
/*
 * The engine of an adapter: hands it one request at a time, notices when it ends or does not, and
 * fits output transfers between captures. What frames are and when they are due is frame.c's.
 *
 *              submit               grabdma_done             result told
 *     idle ────────────▶ running ─────────────────▶ completing ──────────▶ idle
 *                           │  abort by STOP, FREE, the watchdog, unplug     ▲
 *                           └────────────────────────────────────────────────┘
 *
 * Whoever changes the course of things claims the engine: nothing begins while there are claims. An
 * output transfer only keeps captures from beginning.
 */
#include "compat.h"
#include "engine.h"
#include "trace.h"

static unsigned long patience(void)
{
	return msecs_to_jiffies(READ_ONCE(grabdma_timeout_ms));
}

static bool take_fault(struct grabdma_engine *engine, enum grabdma_fault fault)
{
	if (!engine->faults[fault])
		return false;
	engine->faults[fault]--;
	return true;
}

/* Hands the request to the adapter; the engine is idle. */
void grabdma_engine_submit(struct grabdma_engine *engine)
{
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);

	engine->fault = 0;
	if (take_fault(engine, GRABDMA_FAULT_DMA_ERROR))
		engine->fault = GRABDMA_FAULT_DMA_ERROR;
	else if (take_fault(engine, GRABDMA_FAULT_STALL))
		engine->fault = GRABDMA_FAULT_STALL;
	WRITE_ONCE(engine->phase, GRABDMA_ENGINE_RUNNING);
	grabdma_progress(adapter);
	queue_delayed_work(grabdma_workqueue, &adapter->watchdog, patience());
	adapter->config.ops->submit(adapter, &engine->request);
}

/* The request has ended; adapter->lock is held. */
static void finish(struct grabdma_engine *engine, int error, u64 timestamp_ns)
{
	if (engine->request.direction == GRABDMA_DIRECTION_CAPTURE)
		grabdma_frame_done(engine, error, timestamp_ns);
	else
		engine->output_error = error;
	WRITE_ONCE(engine->phase, GRABDMA_ENGINE_IDLE);
	wake_up_all(&engine->idle);
	grabdma_frame_kick(engine);
}

/*
 * The request is the caller's to complete from now on, unless it has ended already. @silent: also
 * one whose end the adapter is not allowed to tell.
 */
static bool begin_completion(struct grabdma_engine *engine, bool silent)
{
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);
	unsigned long flags;
	bool begun;

	spin_lock_irqsave(&adapter->lock, flags);
	begun = engine->phase == GRABDMA_ENGINE_RUNNING &&
		(silent || engine->fault != GRABDMA_FAULT_STALL);
	if (begun)
		WRITE_ONCE(engine->phase, GRABDMA_ENGINE_COMPLETING);
	spin_unlock_irqrestore(&adapter->lock, flags);
	return begun;
}

/* What the device wrote is in memory for everybody, then they are told. */
static void complete_request(struct grabdma_engine *engine, int error, u64 timestamp_ns)
{
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);
	unsigned long flags;

	if (engine->request.direction == GRABDMA_DIRECTION_CAPTURE)
		grabdma_sync_for_cpu(engine->request.buffer, engine->request.bytes);
	spin_lock_irqsave(&adapter->lock, flags);
	finish(engine, error, timestamp_ns);
	spin_unlock_irqrestore(&adapter->lock, flags);
}

static void completion_work(struct work_struct *work)
{
	struct grabdma_adapter *adapter =
		container_of(work, struct grabdma_adapter, completion);

	complete_request(&adapter->engine, adapter->engine.error, adapter->engine.timestamp_ns);
}

/* Is there something to be synchronised, which takes long, where others wait for the caller? */
static bool must_defer(const struct grabdma_request *request)
{
	return request->direction == GRABDMA_DIRECTION_CAPTURE && request->buffer->noncoherent &&
	       (!in_task() || irqs_disabled());
}

/**
 * grabdma_done - the adapter's request has ended
 * @adapter: that had it
 * @error: 0 or a negative errno
 * @timestamp_ns: ktime_get_ns() of the moment; for captures
 *
 * May be called in any context but from submit(), which it may call. Where the machine is not
 * cache-coherent the buffer's caches are synchronised first: by a work, if the context is an
 * interrupt's.
 */
void grabdma_done(struct grabdma_adapter *adapter, int error, u64 timestamp_ns)
{
	struct grabdma_engine *engine = &adapter->engine;

	if (!begin_completion(engine, false))
		return;
	if (engine->fault == GRABDMA_FAULT_DMA_ERROR)
		error = -EIO;
	if (!must_defer(&engine->request)) {
		complete_request(engine, error, timestamp_ns);
		return;
	}
	engine->error = error;
	engine->timestamp_ns = timestamp_ns;
	queue_work(system_highpri_wq, &adapter->completion);
}

/**
 * grabdma_progress - the transfer in flight is alive
 * @adapter: that does it
 *
 * Puts the watchdog's time-out off. For transfers that consist of many.
 */
void grabdma_progress(struct grabdma_adapter *adapter)
{
	WRITE_ONCE(adapter->engine.deadline, jiffies + patience());
}

static void claim(struct grabdma_adapter *adapter)
{
	spin_lock_irq(&adapter->lock);
	adapter->engine.claims++;
	spin_unlock_irq(&adapter->lock);
}

void grabdma_engine_unclaim(struct grabdma_adapter *adapter)
{
	spin_lock_irq(&adapter->lock);
	adapter->engine.claims--;
	wake_up_all(&adapter->engine.idle);
	grabdma_frame_kick(&adapter->engine);
	spin_unlock_irq(&adapter->lock);
}

/*
 * Ends the request in flight with @error and gives back the claim that the caller made when it
 * found that request: so none has followed it, and it is the right one. The control mutex is
 * held.
 */
void grabdma_engine_cancel_claimed(struct grabdma_adapter *adapter, int error)
{
	struct grabdma_engine *engine = &adapter->engine;

	if (!grabdma_engine_idle(engine)) {
		adapter->config.ops->abort(adapter);
		if (begin_completion(engine, true))
			complete_request(engine, error, ktime_get_ns());
		wait_event(engine->idle, grabdma_engine_idle(engine));
	}
	grabdma_engine_unclaim(adapter);
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
		grabdma_engine_cancel_claimed(adapter, -ETIMEDOUT);
	}
	mutex_unlock(&adapter->control);
}

void grabdma_engine_init(struct grabdma_adapter *adapter)
{
	init_waitqueue_head(&adapter->engine.idle);
	grabdma_hrtimer_init(&adapter->engine.timer, grabdma_frame_tick);
	INIT_DELAYED_WORK(&adapter->watchdog, watchdog);
	INIT_WORK(&adapter->completion, completion_work);
}

/* The device is going: nothing is in flight afterwards and nothing will be. */
void grabdma_engine_shutdown(struct grabdma_adapter *adapter)
{
	hrtimer_cancel(&adapter->engine.timer);
	mutex_lock(&adapter->control);
	claim(adapter);
	grabdma_engine_cancel_claimed(adapter, -ENODEV);
	mutex_unlock(&adapter->control);
	cancel_delayed_work_sync(&adapter->watchdog);
	flush_work(&adapter->completion);
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
		grabdma_engine_submit(engine);
		wait_event_lock_irq(engine->idle, engine->phase == GRABDMA_ENGINE_IDLE,
				    adapter->lock);
		error = engine->output_error;
	}
	engine->sending = false;
	grabdma_frame_kick(engine);
	spin_unlock_irq(&adapter->lock);
	return error;
}

/*
 * Sends a range of an output buffer to the device and waits until it has it. The watchdog and
 * unplugging bound the wait. Concurrent senders wait for each other. EIO: a page of it is broken.
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
	if (!READ_ONCE(buffer->mapped)) {
		error = -ENODEV;
	} else if (grabdma_memory_sound(&buffer->memory, offset, bytes) < bytes) {
		error = -EIO;
	} else {
		grabdma_sync_for_device(buffer, offset, bytes);
		error = run_output(adapter, &request);
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
