// SPDX-License-Identifier: GPL-2.0
/*
 * The engine of an adapter: hands it requests in order, as many at a time as it takes, notices when
 * they end or do not, and fits output transfers between captures. Who submits a request is called
 * back when it has ended; the engine does not know what it was for.
 *
 * The slots are a ring: those in flight follow each other from the oldest on. A slot:
 *
 *              submit               grabdma_done             caches are right
 *     idle ────────────▶ running ─────────────────▶ completing ──────────▶ ended ──▶ idle
 *                           │  abort by STOP, FREE, the watchdog, unplug     ▲  called back, when
 *                           └────────────────────────────────────────────────┘  those before are
 *
 * Whoever changes the course of things claims the engine: nothing begins while there are claims. An
 * output transfer travels alone; it only keeps captures from beginning. A transfer that has to be
 * given up takes with it all that are in flight, since no board can be asked to forget one out of
 * the middle.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "engine.h"
#include "trace.h"

static unsigned int timeout_ms = 5000;
module_param(timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms,
		 "Transfers without progress for so many milliseconds are aborted (default 5000)");

static unsigned long patience(void)
{
	return msecs_to_jiffies(READ_ONCE(timeout_ms));
}

static struct grabdma_slot *slot_of(struct grabdma_request *request)
{
	return container_of(request, struct grabdma_slot, request);
}

static bool take_fault(struct grabdma_engine *engine, enum grabdma_fault fault)
{
	if (!engine->faults[fault])
		return false;
	engine->faults[fault]--;
	return true;
}

/* The place of the next request, to be filled in and submitted. The engine has room for it. */
struct grabdma_slot *grabdma_engine_next(struct grabdma_engine *engine)
{
	return grabdma_engine_slot(engine, engine->in_flight);
}

/* Hands the request in the next slot to the adapter. */
void grabdma_engine_submit(struct grabdma_engine *engine)
{
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);
	struct grabdma_slot *slot = grabdma_engine_next(engine);

	slot->request.adapter = adapter;
	slot->request.index = slot - engine->slots;
	INIT_LIST_HEAD(&slot->request.node);
	slot->result = (struct grabdma_result){};
	slot->lost_before = engine->lost;
	slot->sg = NULL;
	slot->fault = 0;
	if (take_fault(engine, GRABDMA_FAULT_DMA_ERROR))
		slot->fault = GRABDMA_FAULT_DMA_ERROR;
	else if (take_fault(engine, GRABDMA_FAULT_STALL))
		slot->fault = GRABDMA_FAULT_STALL;
	slot->phase = GRABDMA_SLOT_RUNNING;
	WRITE_ONCE(engine->in_flight, engine->in_flight + 1);
	grabdma_progress(adapter);
	queue_delayed_work(grabdma_workqueue, &adapter->watchdog, patience());
	WRITE_ONCE(engine->submitter, current);
	adapter->config.ops->submit(adapter, &slot->request);
	WRITE_ONCE(engine->submitter, NULL);
}

/* Do captures of the session's run? All captures in flight are one session's. */
bool grabdma_engine_captures(struct grabdma_engine *engine, const struct grabdma_session *session)
{
	const struct grabdma_slot *slot = grabdma_engine_slot(engine, 0);

	return engine->in_flight && slot->request.direction == GRABDMA_DIRECTION_CAPTURE &&
	       slot->buffer->session == session;
}

/* Lets go of what has ended and has nothing before it that has not; adapter->lock is held. */
static void retire(struct grabdma_engine *engine)
{
	while (engine->in_flight) {
		struct grabdma_slot *slot = grabdma_engine_slot(engine, 0);

		if (slot->phase != GRABDMA_SLOT_ENDED)
			break;
		slot->phase = GRABDMA_SLOT_IDLE;
		engine->first = (engine->first + 1) % engine->depth;
		WRITE_ONCE(engine->in_flight, engine->in_flight - 1);
		slot->ended(slot);
	}
	wake_up_all(&engine->idle);
	engine->ready(engine);
}

/*
 * The request is the caller's to complete from now on, unless it has ended already. @silent: also
 * one whose end the adapter is not allowed to tell.
 */
static bool begin_completion(struct grabdma_slot *slot, bool silent)
{
	struct grabdma_adapter *adapter = slot->adapter;
	unsigned long flags;
	bool begun;

	spin_lock_irqsave(&adapter->lock, flags);
	begun = slot->phase == GRABDMA_SLOT_RUNNING &&
		(silent || slot->fault != GRABDMA_FAULT_STALL);
	if (begun)
		slot->phase = GRABDMA_SLOT_COMPLETING;
	spin_unlock_irqrestore(&adapter->lock, flags);
	return begun;
}

/* What the device wrote is in memory for everybody, then they are told. */
static void complete_request(struct grabdma_slot *slot)
{
	struct grabdma_adapter *adapter = slot->adapter;
	unsigned long flags;

	if (slot->request.direction == GRABDMA_DIRECTION_CAPTURE)
		grabdma_sync_for_cpu(slot->buffer, slot->request.bytes);
	spin_lock_irqsave(&adapter->lock, flags);
	slot->phase = GRABDMA_SLOT_ENDED;
	retire(&adapter->engine);
	spin_unlock_irqrestore(&adapter->lock, flags);
}

static void completion_work(struct work_struct *work)
{
	complete_request(container_of(work, struct grabdma_slot, completion));
}

/* Is there something to be synchronised, which takes long, where others wait for the caller? */
static bool must_defer(const struct grabdma_slot *slot)
{
	return slot->request.direction == GRABDMA_DIRECTION_CAPTURE && slot->buffer->noncoherent &&
	       (!in_task() || irqs_disabled());
}

/* Nobody looks at the chunk while the buffer is being filled. */
static void keep_chunk(struct grabdma_slot *slot)
{
	struct grabdma_result *result = &slot->result;
	size_t bytes = min_t(size_t, result->chunk_bytes, slot->adapter->config.chunk_bytes);

	if (slot->buffer->chunk && bytes)
		memcpy(slot->buffer->chunk, result->chunk, bytes);
	result->chunk_bytes = slot->buffer->chunk ? bytes : 0;
	result->chunk = NULL;
}

/* Makes of what the board says what the rest may rely on. */
static void take_result(struct grabdma_slot *slot, const struct grabdma_result *result)
{
	u64 asked = slot->request.bytes;
	int error = result->error;

	if (slot->fault == GRABDMA_FAULT_DMA_ERROR)
		error = -EIO;
	if (!error && result->bytes > asked) {
		dev_warn_ratelimited(&slot->adapter->dev, "%llu bytes where %llu were asked for\n",
				     result->bytes, asked);
		error = -EIO;
	}
	if (error) {
		slot->result = (struct grabdma_result){ .error = error };
	} else {
		slot->result = *result;
		slot->result.bytes = result->bytes ?: asked;
		keep_chunk(slot);
	}
	slot->result.timestamp_ns = result->timestamp_ns ?: ktime_get_ns();
}

/**
 * grabdma_done - a request has ended
 * @request: that was submitted
 * @result: how; not used after the return
 *
 * May be called in any context but from submit(), which it may call. Does nothing to a request that
 * is not the board's any more. Where the machine is not cache-coherent the buffer's caches are
 * synchronised first: by a work, if the context is an interrupt's.
 */
void grabdma_done(struct grabdma_request *request, const struct grabdma_result *result)
{
	struct grabdma_slot *slot = slot_of(request);

	/* Interrupts are off in submit(): if it is this task's, so is this call. It would deadlock. */
	if (WARN_ON_ONCE(READ_ONCE(slot->adapter->engine.submitter) == current))
		return;
	if (!begin_completion(slot, false))
		return;
	grabdma_progress(slot->adapter);
	take_result(slot, result);
	if (must_defer(slot))
		queue_work(system_highpri_wq, &slot->completion);
	else
		complete_request(slot);
}
EXPORT_SYMBOL_NS_GPL(grabdma_done, GRABDMA_NAMESPACE);

/**
 * grabdma_progress - the transfers in flight are alive
 * @adapter: that does them
 *
 * Puts the watchdog's time-out off. For transfers that take long; each end is progress, too.
 */
void grabdma_progress(struct grabdma_adapter *adapter)
{
	WRITE_ONCE(adapter->engine.deadline, jiffies + patience());
}
EXPORT_SYMBOL_NS_GPL(grabdma_progress, GRABDMA_NAMESPACE);

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
	adapter->engine.ready(&adapter->engine);
	spin_unlock_irq(&adapter->lock);
}

/* The board has given all back: ends what has not ended by itself, the oldest first. */
static void end_all(struct grabdma_engine *engine, int error)
{
	const struct grabdma_result result = { .error = error };
	unsigned int first = engine->first;
	unsigned int i;

	for (i = 0; i < engine->depth; i++) {
		struct grabdma_slot *slot = &engine->slots[(first + i) % engine->depth];

		if (begin_completion(slot, true)) {
			take_result(slot, &result);
			slot->result.error = error;
			complete_request(slot);
		}
	}
}

/* The next request has the first place; the engine is idle and claimed. */
void grabdma_engine_rewind(struct grabdma_adapter *adapter)
{
	spin_lock_irq(&adapter->lock);
	adapter->engine.first = 0;
	spin_unlock_irq(&adapter->lock);
}

/*
 * Ends the requests in flight with @error and gives back the claim that the caller made when it
 * found them: so none has followed, and they are the right ones. The control mutex is held.
 */
void grabdma_engine_cancel_claimed(struct grabdma_adapter *adapter, int error)
{
	struct grabdma_engine *engine = &adapter->engine;

	if (!grabdma_engine_idle(engine)) {
		adapter->config.ops->abort(adapter);
		end_all(engine, error);
		wait_event(engine->idle, grabdma_engine_idle(engine));
	}
	grabdma_engine_rewind(adapter);
	engine->set_up(engine);
	grabdma_engine_unclaim(adapter);
}

/* The device went silent: ends its transfers. */
static void watchdog(struct work_struct *work)
{
	struct grabdma_adapter *adapter =
		container_of(to_delayed_work(work), struct grabdma_adapter, watchdog);
	struct grabdma_engine *engine = &adapter->engine;
	bool expired = false;
	long left;

	mutex_lock(&adapter->control);
	spin_lock_irq(&adapter->lock);
	if (engine->in_flight) {
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

/* Nobody captures; for engines whose owner is not there yet. */
static void nobody(struct grabdma_engine *engine)
{
}

/* The slots are freed with the adapter. */
int grabdma_engine_init(struct grabdma_adapter *adapter)
{
	struct grabdma_engine *engine = &adapter->engine;
	unsigned int i;

	engine->depth = adapter->config.depth;
	engine->slots = kcalloc(engine->depth, sizeof(*engine->slots), GFP_KERNEL);
	if (!engine->slots)
		return -ENOMEM;
	for (i = 0; i < engine->depth; i++) {
		engine->slots[i].adapter = adapter;
		INIT_WORK(&engine->slots[i].completion, completion_work);
	}
	engine->ready = nobody;
	engine->set_up = nobody;
	init_waitqueue_head(&engine->idle);
	INIT_DELAYED_WORK(&adapter->watchdog, watchdog);
	return 0;
}

/* The device is going: nothing is in flight afterwards and nothing will be. */
void grabdma_engine_shutdown(struct grabdma_adapter *adapter)
{
	unsigned int i;

	mutex_lock(&adapter->control);
	claim(adapter);
	grabdma_engine_cancel_claimed(adapter, -ENODEV);
	mutex_unlock(&adapter->control);
	cancel_delayed_work_sync(&adapter->watchdog);
	for (i = 0; i < adapter->engine.depth; i++)
		flush_work(&adapter->engine.slots[i].completion);
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

	return adapter->gone || (!engine->in_flight && !engine->claims);
}

static void output_ended(struct grabdma_slot *slot)
{
	slot->adapter->engine.output_error = slot->result.error;
}

static void submit_output(struct grabdma_engine *engine, struct grabdma_buffer *buffer, u64 offset,
			  u64 bytes)
{
	struct grabdma_slot *slot = grabdma_engine_next(engine);

	slot->buffer = buffer;
	slot->ended = output_ended;
	slot->last = false;
	slot->request = (struct grabdma_request){
		.direction = GRABDMA_DIRECTION_OUTPUT,
		.offset = offset,
		.bytes = bytes,
	};
	grabdma_engine_submit(engine);
}

/*
 * Transfers a range of an output buffer: keeps captures from beginning, waits for those in flight
 * and for claims, and then for the end. One caller at a time: adapter->sender is held.
 */
int grabdma_engine_transfer(struct grabdma_buffer *buffer, u64 offset, u64 bytes)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	struct grabdma_engine *engine = &adapter->engine;
	int error = -ENODEV;

	spin_lock_irq(&adapter->lock);
	engine->sending = true;
	wait_event_lock_irq(engine->idle, output_turn(adapter), adapter->lock);
	if (!adapter->gone) {
		submit_output(engine, buffer, offset, bytes);
		wait_event_lock_irq(engine->idle, !engine->in_flight, adapter->lock);
		error = engine->output_error;
	}
	engine->sending = false;
	engine->ready(engine);
	spin_unlock_irq(&adapter->lock);
	return error;
}
