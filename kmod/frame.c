// SPDX-License-Identifier: GPL-2.0
/*
 * Frames: when one is due, into which buffer it goes, and the record that tells of it. A frame is
 * due when the timer says so or, without pacing, as soon as the engine is idle and a buffer is
 * queued.
 *
 *     frame due: a buffer is queued and the engine idle?
 *             yes: begin_capture()     no: drop_frames()
 *
 * adapter->lock is held by all but the timer's function. However many frames are due at once, it
 * takes as long as one.
 */
#include "engine.h"
#include "trace.h"

static u64 timestamp_of(struct grabdma_engine *engine, u64 clock_ns)
{
	return clock_ns + engine->clock_offset;
}

/*
 * So many frames of the owner's have become due; returns the number of the last one. @last: out:
 * there will be no more.
 */
static u64 take_numbers(struct grabdma_engine *engine, u64 count, bool *last)
{
	engine->sequence += count;
	if (engine->limited)
		engine->remaining -= count;
	*last = engine->limited && !engine->remaining;
	return engine->sequence - 1;
}

/* One frame is due and captured; the owner stops owning the engine with its last one. */
static void begin_capture(struct grabdma_engine *engine, u64 due_ns)
{
	struct grabdma_session *session = engine->owner;
	struct grabdma_buffer *buffer =
		list_first_entry(&session->queue, struct grabdma_buffer, queue_node);
	u64 sequence = take_numbers(engine, 1, &engine->last);

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
	engine->dropped_before = session->dropped;
	session->dropped = 0;
	if (engine->last)
		engine->owner = NULL;
	grabdma_engine_submit(engine);
}

/* As many frames as one can tell of; more are told of as that many. */
static u64 add_frames(u64 frames, u64 more)
{
	return frames + more < frames ? U64_MAX : frames + more;
}

/*
 * @count frames are due and dropped, all at once: however many they are, it takes as long as one.
 */
static void drop_frames(struct grabdma_engine *engine, u64 count, u64 due_ns, u32 flags)
{
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);
	struct grabdma_session *session = engine->owner;
	struct grabdma_record *record = &session->drop.record;
	bool last;

	record->type = GRABDMA_RECORD_DROP;
	record->buffer = GRABDMA_NO_BUFFER;
	record->sequence = take_numbers(engine, count, &last);
	record->timestamp_ns = timestamp_of(engine, due_ns);
	record->dropped_before = add_frames(record->dropped_before, count);
	record->flags |= flags | (last ? GRABDMA_RECORD_LIMITED : 0);
	session->dropped = add_frames(session->dropped, count);
	atomic64_add(count, &adapter->counters.drops);
	trace_grabdma_drop(adapter, record->sequence, count);
	grabdma_session_post(session, &session->drop);
	if (last)
		engine->owner = NULL;
}

/* Drops those of @count due frames that GRABDMA_INJECT wants dropped; returns how many. */
static u64 drop_injected(struct grabdma_engine *engine, u64 count, u64 due_ns)
{
	u64 *wanted = &engine->faults[GRABDMA_FAULT_DROP];
	u64 dropped = min(*wanted, count);

	*wanted -= dropped;
	if (dropped)
		drop_frames(engine, dropped, due_ns, GRABDMA_RECORD_INJECTED);
	return dropped;
}

/* Frames that the owner can still have. */
static u64 frames_left(const struct grabdma_engine *engine)
{
	return engine->limited ? engine->remaining : U64_MAX;
}

static bool may_capture(const struct grabdma_engine *engine)
{
	return engine->owner && engine->phase == GRABDMA_ENGINE_IDLE && !engine->claims &&
	       !engine->sending && !list_empty(&engine->owner->queue);
}

/* Without pacing, the next frame is due when there is nothing in its way. */
void grabdma_frame_kick(struct grabdma_engine *engine)
{
	u64 now;

	if (engine->paced || !may_capture(engine))
		return;
	now = ktime_get_ns();
	drop_injected(engine, frames_left(engine), now);
	if (engine->owner)
		begin_capture(engine, now);
}

/*
 * All frames are due that have become so, however late the timer is: the first one can be captured.
 */
static void make_due(struct grabdma_engine *engine, u64 now)
{
	u64 count = min(grabdma_pace_pass(&engine->pace, now), frames_left(engine));

	count -= drop_injected(engine, count, now);
	if (count && may_capture(engine)) {
		begin_capture(engine, now);
		count--;
	}
	if (count)
		drop_frames(engine, count, now, 0);
}

enum hrtimer_restart grabdma_frame_tick(struct hrtimer *timer)
{
	struct grabdma_engine *engine = container_of(timer, struct grabdma_engine, timer);
	struct grabdma_adapter *adapter = grabdma_engine_adapter(engine);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	unsigned long flags;

	spin_lock_irqsave(&adapter->lock, flags);
	if (engine->owner && engine->paced)
		make_due(engine, ktime_get_ns());
	if (engine->owner && engine->paced) {
		hrtimer_set_expires(timer, ns_to_ktime(engine->pace.due_ns));
		restart = HRTIMER_RESTART;
	}
	spin_unlock_irqrestore(&adapter->lock, flags);
	return restart;
}

void grabdma_frame_done(struct grabdma_engine *engine, int error, u64 timestamp_ns)
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
