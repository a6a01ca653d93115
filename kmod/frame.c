// SPDX-License-Identifier: GPL-2.0
/*
 * Frames: when one is due, into which buffer it goes, and the record that tells of it. A frame is
 * due when the timer says so or, without pacing, as soon as the engine has room and a buffer is
 * queued.
 *
 *     frame due: a buffer is queued and the engine has room?
 *             yes: begin_capture()     no: drop_frames()
 *
 * A frame has its number from then on. Frames that the board says it lost come between: they take
 * numbers, and those in flight behind them move up by as many.
 *
 * adapter->lock is held by all but the timer's function. However many frames are due at once, it
 * takes as long as the engine has room for at most.
 */
#include "engine.h"
#include "trace.h"

static u64 timestamp_of(const struct grabdma_engine *engine, u64 clock_ns)
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

/* As many frames as one can tell of; more are told of as that many. */
static u64 add_frames(u64 frames, u64 more)
{
	return frames + more < frames ? U64_MAX : frames + more;
}

/* Adds @count lost frames to those that the session will be told of, @sequence being the last. */
static void book_loss(struct grabdma_session *session, u64 count, u64 sequence, u64 timestamp_ns,
		      u32 flags)
{
	struct grabdma_adapter *adapter = session->adapter;
	struct grabdma_record *record = &session->drop.record;

	record->type = GRABDMA_RECORD_DROP;
	record->buffer = GRABDMA_NO_BUFFER;
	record->sequence = sequence;
	record->timestamp_ns = timestamp_ns;
	record->dropped_before = add_frames(record->dropped_before, count);
	record->flags |= flags;
	atomic64_add(count, &adapter->counters.drops);
	trace_grabdma_drop(adapter, sequence, count);
	grabdma_event_post(session, &session->drop);
}

/*
 * @count frames are due and dropped, all at once: however many they are, it takes as long as one.
 */
static void drop_frames(struct grabdma_engine *engine, u64 count, u64 due_ns, u32 flags)
{
	struct grabdma_session *session = engine->owner;
	bool last;
	u64 sequence = take_numbers(engine, count, &last);

	session->dropped = add_frames(session->dropped, count);
	book_loss(session, count, sequence, timestamp_of(engine, due_ns),
		  flags | (last ? GRABDMA_RECORD_LIMITED : 0));
	if (last)
		engine->owner = NULL;
}

/*
 * The board lost @count frames before the one in @slot. They are due frames like any others, also of
 * a capture with a limit, whose last one is now the youngest in flight.
 */
static void lose_frames(struct grabdma_engine *engine, struct grabdma_slot *slot, u64 count)
{
	struct grabdma_session *session = slot->buffer->session;
	u64 first = slot->request.sequence + engine->lost - slot->lost_before;

	engine->lost += count;
	engine->sequence += count;
	slot->dropped_before = add_frames(slot->dropped_before, count);
	book_loss(session, count, first + count - 1,
		  timestamp_of(engine, slot->result.timestamp_ns), 0);
	if (engine->owner != session || !engine->limited)
		return;
	engine->remaining -= min(engine->remaining, count);
	if (engine->remaining)
		return;
	if (engine->in_flight)
		slot = grabdma_engine_slot(engine, engine->in_flight - 1);
	slot->last = true;
	engine->owner = NULL;
}

static void fill_record(const struct grabdma_engine *engine, const struct grabdma_slot *slot,
			struct grabdma_record *record)
{
	const struct grabdma_result *result = &slot->result;

	*record = (struct grabdma_record){
		.type = result->error ? GRABDMA_RECORD_ERROR : GRABDMA_RECORD_FRAME,
		.buffer = slot->buffer->id,
		.sequence = slot->request.sequence + engine->lost - slot->lost_before,
		.timestamp_ns = timestamp_of(engine, result->timestamp_ns),
		.bytes_used = result->bytes,
		.flags = (slot->fault ? GRABDMA_RECORD_INJECTED : 0) |
			 (slot->last ? GRABDMA_RECORD_LIMITED : 0),
		.error = -result->error,
		.dropped_before = slot->dropped_before,
		.device_time_ns = result->device_time_ns,
		.device_sequence = result->device_sequence,
	};
}

/* The engine's call when a capture has ended, in the order in which they began. */
static void frame_ended(struct grabdma_slot *slot)
{
	struct grabdma_adapter *adapter = slot->adapter;
	struct grabdma_buffer *buffer = slot->buffer;
	struct grabdma_record *record = &buffer->result.record;

	buffer->state = GRABDMA_STATE_DONE;
	buffer->session->busy--;
	if (slot->result.lost)
		lose_frames(&adapter->engine, slot, slot->result.lost);
	buffer->chunk_bytes = slot->result.chunk_bytes;
	fill_record(&adapter->engine, slot, record);
	if (slot->result.error) {
		atomic64_inc(&adapter->counters.errors);
	} else {
		atomic64_inc(&adapter->counters.frames);
		atomic64_add(record->bytes_used, &adapter->counters.bytes);
	}
	trace_grabdma_done(buffer, record->sequence, record->timestamp_ns, slot->result.error);
	grabdma_event_post(buffer->session, &buffer->result);
}

/* One frame is due and captured; the owner stops owning the engine with its last one. */
static void begin_capture(struct grabdma_engine *engine, u64 due_ns)
{
	struct grabdma_session *session = engine->owner;
	struct grabdma_slot *slot = grabdma_engine_next(engine);
	struct grabdma_buffer *buffer =
		list_first_entry(&session->queue, struct grabdma_buffer, queue_node);

	list_del_init(&buffer->queue_node);
	buffer->state = GRABDMA_STATE_FILLING;
	buffer->chunk_bytes = 0;
	slot->buffer = buffer;
	slot->ended = frame_ended;
	slot->request = (struct grabdma_request){
		.direction = GRABDMA_DIRECTION_CAPTURE,
		.bytes = session->format.bytes,
		.sequence = take_numbers(engine, 1, &slot->last),
		.due_ns = due_ns,
		.format = session->format,
	};
	slot->dropped_before = session->dropped;
	session->dropped = 0;
	if (slot->last)
		engine->owner = NULL;
	grabdma_engine_submit(engine);
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
	return engine->owner && grabdma_engine_takes(engine) && !engine->sending &&
	       !list_empty(&engine->owner->queue);
}

/* Without pacing, the next frame is due when there is nothing in its way. */
void grabdma_frames_ready(struct grabdma_engine *engine)
{
	while (!engine->paced && may_capture(engine)) {
		u64 now = ktime_get_ns();

		drop_injected(engine, frames_left(engine), now);
		if (engine->owner)
			begin_capture(engine, now);
	}
}

/*
 * All frames are due that have become so, however late the timer is: as many can be captured as the
 * engine has room for.
 */
static void make_due(struct grabdma_engine *engine, u64 now)
{
	u64 count = min(grabdma_pace_pass(&engine->pace, now), frames_left(engine));

	count -= drop_injected(engine, count, now);
	for (; count && may_capture(engine); count--)
		begin_capture(engine, now);
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
