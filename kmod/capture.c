// SPDX-License-Identifier: GPL-2.0
/*
 * Capturing: which session owns the engine, and so captures. What frames are and when they are due
 * is frame.c's.
 *
 *     nobody captures ──START, TRIGGER──▶ a session owns the engine ──STOP, limit──▶ nobody
 */
#include "compat.h"
#include "engine.h"

/* Control mutex and a claim are held, the engine is idle. */
static int prepare_board(struct grabdma_adapter *adapter, const struct grabdma_format *format)
{
	grabdma_engine_rewind(adapter);
	if (!adapter->config.ops->prepare)
		return 0;
	return adapter->config.ops->prepare(adapter, format);
}

/* The format of who captures; false: nobody does. */
static bool owners_format(struct grabdma_engine *engine, struct grabdma_format *format)
{
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);
	bool owned;

	spin_lock_irq(&adapter->lock);
	owned = engine->owner && !adapter->gone;
	if (owned)
		*format = engine->owner->format;
	spin_unlock_irq(&adapter->lock);
	return owned;
}

/*
 * The board has given all back, and the capture goes on. If it cannot be set up, the frames to come
 * say so by their time-outs, each of which tries again.
 */
static void set_up_again(struct grabdma_engine *engine)
{
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);
	struct grabdma_format format;
	int error;

	if (adapter->suspended || !owners_format(engine, &format))
		return;
	error = prepare_board(adapter, &format);
	if (error)
		dev_warn_ratelimited(&adapter->dev, "cannot be set up again: error %d\n", error);
}

/* The engine of a new adapter; nobody captures. */
void grabdma_capture_init(struct grabdma_adapter *adapter)
{
	grabdma_hrtimer_init(&adapter->engine.timer, grabdma_frame_tick);
	adapter->engine.ready = grabdma_frames_ready;
	adapter->engine.set_up = set_up_again;
}

void grabdma_capture_stop(struct grabdma_session *session, bool dequeue)
{
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_engine *engine = &adapter->engine;
	bool owned, filling;

	mutex_lock(&adapter->control);
	spin_lock_irq(&adapter->lock);
	owned = engine->owner == session;
	if (owned)
		engine->owner = NULL;
	filling = grabdma_engine_captures(engine, session);
	if (filling)
		engine->claims++;
	spin_unlock_irq(&adapter->lock);
	if (owned)
		hrtimer_cancel(&engine->timer);
	if (filling)
		grabdma_engine_cancel_claimed(adapter, -ECANCELED);
	mutex_unlock(&adapter->control);
	if (dequeue)
		grabdma_queue_take_all(session);
}

/*
 * The device is about to lose its power or its registers. What is in flight ends as cancelled, and
 * nothing begins until grabdma_capture_resume(). May be called again.
 */
void grabdma_capture_suspend(struct grabdma_adapter *adapter)
{
	mutex_lock(&adapter->control);
	if (!adapter->suspended) {
		adapter->suspended = true;
		spin_lock_irq(&adapter->lock);
		adapter->engine.claims += 2; /* the cancelling gives one back */
		spin_unlock_irq(&adapter->lock);
		hrtimer_cancel(&adapter->engine.timer);
		grabdma_engine_cancel_claimed(adapter, -ECANCELED);
	}
	mutex_unlock(&adapter->control);
}

/* Frames of a paced capture that have become due meanwhile are dropped, and told. */
static void restart_timer(struct grabdma_engine *engine)
{
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);

	spin_lock_irq(&adapter->lock);
	if (!adapter->gone && engine->owner && engine->paced)
		hrtimer_start(&engine->timer, ns_to_ktime(engine->pace.due_ns), HRTIMER_MODE_ABS);
	spin_unlock_irq(&adapter->lock);
}

/* The device is back: it is set up anew, and the capture goes on. */
int grabdma_capture_resume(struct grabdma_adapter *adapter)
{
	struct grabdma_format format;
	int error = 0;

	mutex_lock(&adapter->control);
	if (adapter->suspended) {
		adapter->suspended = false;
		if (owners_format(&adapter->engine, &format))
			error = prepare_board(adapter, &format);
		restart_timer(&adapter->engine);
		grabdma_engine_unclaim(adapter);
	}
	mutex_unlock(&adapter->control);
	return error;
}

/* The session becomes the owner; its first frame is due one interval from now, or at once. */
static void take_over(struct grabdma_session *session, const struct grabdma_start *start)
{
	struct grabdma_engine *engine = &session->adapter->engine;

	engine->owner = session;
	engine->limited = start->frames;
	engine->remaining = start->frames;
	engine->paced = start->interval_num;
	if (engine->paced)
		grabdma_pace_start(&engine->pace, ktime_get_ns(), start->interval_num,
				   start->interval_den);
}

/* Readies the device for a new owner. */
static int prepare(struct grabdma_session *session)
{
	return grabdma_should_fail(session) ? -ENOMEM :
					      prepare_board(session->adapter, &session->format);
}

static void arm(struct grabdma_session *session, const struct grabdma_start *start)
{
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_engine *engine = &adapter->engine;

	hrtimer_cancel(&engine->timer);
	spin_lock_irq(&adapter->lock);
	if (!adapter->gone) {
		take_over(session, start);
		grabdma_frames_ready(engine);
		if (engine->paced)
			hrtimer_start(&engine->timer, ns_to_ktime(engine->pace.due_ns),
				      HRTIMER_MODE_ABS);
	}
	spin_unlock_irq(&adapter->lock);
}

static bool owns(struct grabdma_session *session)
{
	struct grabdma_adapter *adapter = session->adapter;
	bool owner;

	spin_lock_irq(&adapter->lock);
	owner = adapter->engine.owner == session;
	spin_unlock_irq(&adapter->lock);
	return owner;
}

/*
 * Only who can become the owner claims the engine: a START that is refused costs the owner nothing.
 * One session at a time can.
 */
static int reserve(struct grabdma_session *session)
{
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_engine *engine = &adapter->engine;
	int error = 0;

	spin_lock_irq(&adapter->lock);
	if (engine->owner || engine->starter) {
		error = -EBUSY;
	} else {
		engine->starter = session;
		engine->claims++;
	}
	spin_unlock_irq(&adapter->lock);
	return error;
}

static void unreserve(struct grabdma_session *session)
{
	struct grabdma_adapter *adapter = session->adapter;

	spin_lock_irq(&adapter->lock);
	adapter->engine.starter = NULL;
	spin_unlock_irq(&adapter->lock);
	grabdma_engine_unclaim(adapter);
}

/*
 * Becomes the owner; the session has reserved that, so an idle engine stays idle. The wait for it
 * is outside the control mutex, which the watchdog needs to end a transfer that hangs.
 */
static int acquire(struct grabdma_session *session, const struct grabdma_start *start)
{
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_engine *engine = &adapter->engine;
	int error;

	if (wait_event_killable(engine->idle, grabdma_engine_idle(engine)) ||
	    mutex_lock_killable(&adapter->control))
		return -EINTR;
	error = prepare(session);
	if (!error)
		arm(session, start);
	mutex_unlock(&adapter->control);
	return error;
}

/* A session that captures already keeps what was prepared: its format cannot have changed. */
static bool restart(struct grabdma_session *session, const struct grabdma_start *start)
{
	struct grabdma_adapter *adapter = session->adapter;
	bool owner;

	if (!owns(session))
		return false;
	mutex_lock(&adapter->control);
	owner = owns(session);
	if (owner)
		arm(session, start);
	mutex_unlock(&adapter->control);
	return owner;
}

int grabdma_capture_start(struct grabdma_session *session, const struct grabdma_start *start)
{
	int error;

	if (!(session->adapter->config.ops->directions & GRABDMA_DIRECTION_CAPTURE))
		return -EOPNOTSUPP;
	if (restart(session, start))
		return 0;
	error = reserve(session);
	if (error)
		return error;
	error = acquire(session, start);
	unreserve(session);
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
