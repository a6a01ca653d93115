// SPDX-License-Identifier: GPL-2.0
/* Capturing: every byte, every record, every frame that is not there. */
#include "session.h"

static int session;

static const struct {
	const char *name;
	uint32_t flag;
} strategies[] = {
	{ "pages", GRABDMA_ALLOC_PAGES },
	{ "large", GRABDMA_ALLOC_LARGE },
	{ "contiguous", GRABDMA_ALLOC_CONTIGUOUS },
};

static void every_strategy_takes_frames(void)
{
	struct grabdma_format format = get_format(session);
	size_t i;

	for (i = 0; i < sizeof(strategies) / sizeof(strategies[0]); i++) {
		struct buffer buffer = alloc_capture(session, format.bytes, strategies[i].flag);
		struct grabdma_record record = capture(session, buffer.id);

		tap_ok(shows_picture(buffer.live, &format, record.sequence) &&
			       shows_picture(buffer.frame, &format, record.sequence),
		       "%s: both views show the frame, byte for byte", strategies[i].name);
		tap_ok(record.bytes_used == format.bytes && !record.error && record.timestamp_ns,
		       "%s: the record is complete", strategies[i].name);
		tap_ok(strategies[i].flag != GRABDMA_ALLOC_CONTIGUOUS || buffer.segments == 1,
		       "%s: %u segments", strategies[i].name, buffer.segments);
		drop_buffer(session, &buffer);
	}
}

static void every_format_is_painted(void)
{
	struct grabdma_format saved = get_format(session);
	uint32_t index;

	for (index = 0;; index++) {
		struct grabdma_format_range range = { .size = sizeof(range), .index = index };
		struct grabdma_format format;
		struct grabdma_record record;
		struct buffer buffer;

		if (ioctl(session, GRABDMA_ENUM_FORMAT, &range))
			break;
		if (!range.fourcc)
			continue;
		if (try_format(session, range.fourcc, 34, 18, 0))
			tap_bail("SET_FORMAT");
		format = get_format(session);
		buffer = alloc_capture(session, format.bytes, GRABDMA_ALLOC_PAGES);
		record = capture(session, buffer.id);
		tap_ok(shows_picture(buffer.frame, &format, record.sequence), "format %.4s",
		       (const char *)&range.fourcc);
		drop_buffer(session, &buffer);
	}
	tap_refused(try_format(session, TEST_PICTURE_GREY, 33, 18, 0), EINVAL,
		    "an odd width is refused");
	if (try_format(session, saved.fourcc, saved.width, saved.height, 0))
		tap_bail("SET_FORMAT");
}

static void order_and_limits(void)
{
	uint64_t bytes = get_format(session).bytes;
	struct buffer buffers[3];
	struct grabdma_record record = { 0 };
	uint64_t first = 0;
	bool ordered = true;
	int i;

	for (i = 0; i < 3; i++) {
		buffers[i] = alloc_capture(session, bytes, GRABDMA_ALLOC_PAGES);
		if (try_queue(session, buffers[i].id))
			tap_bail("QUEUE");
	}
	tap_refused(try_queue(session, buffers[0].id), EALREADY, "a queued buffer is not queued");
	tap_refused(try_format(session, TEST_PICTURE_GREY, 32, 32, 0), EBUSY,
		    "the format of queued buffers stays");
	if (try_start(session, 0, 0, 3))
		tap_bail("START");
	for (i = 0; i < 3; i++) {
		record = next_record(session, 20000);
		if (!i)
			first = record.sequence;
		ordered &= record.type == GRABDMA_RECORD_FRAME && record.buffer == buffers[i].id &&
			   record.sequence == first + i;
	}
	tap_ok(ordered, "frames fill buffers in the order of the queue");
	tap_ok(record.flags & GRABDMA_RECORD_LIMITED, "the last one of a limit says so");
	tap_equal(next_record(session, 50).type, 0, "and no more come");
	for (i = 0; i < 3; i++)
		drop_buffer(session, &buffers[i]);
}

static void drops_are_counted(void)
{
	struct buffer buffer = alloc_capture(session, get_format(session).bytes,
					     GRABDMA_ALLOC_PAGES);
	struct grabdma_record record;
	uint64_t dropped = 0, before;

	if (try_start(session, 1, 100, 5))
		tap_bail("START");
	do {
		record = next_record(session, 2000);
		dropped += record.dropped_before;
	} while (record.type == GRABDMA_RECORD_DROP && dropped < 5);
	tap_equal(dropped, 5, "without a buffer, all due frames are dropped");
	before = record.sequence;
	record = capture(session, buffer.id);
	tap_equal(record.dropped_before, 5, "the next frame tells of them again");
	tap_equal(record.sequence, before + 1, "and its number leaves their gap");
	drop_buffer(session, &buffer);
}

static void pacing_is_exact(void)
{
	struct buffer buffer = alloc_capture(session, get_format(session).bytes,
					     GRABDMA_ALLOC_PAGES);
	uint64_t first, last = 0, frames = 0, events = 0;

	/*
	 * Every due frame is a record or counted in one, so the time of the last one tells the
	 * pace; a slow device tells of its last frame later.
	 */
	if (try_queue(session, buffer.id) || try_start(session, 1, 50, 26))
		tap_bail("START");
	first = 0;
	while (events < 26) {
		struct grabdma_record record = next_record(session, 5000);

		if (!record.type)
			break;
		if (record.type == GRABDMA_RECORD_FRAME) {
			frames++;
			events++;
			try_queue(session, buffer.id);
		} else {
			events += record.dropped_before;
		}
		if (!first)
			first = record.timestamp_ns;
		last = record.timestamp_ns;
	}
	tap_equal(events, 26, "a paced capture makes all its frames due");
	tap_ok(frames > 0 && last - first > 400000000 && last - first < 1500000000,
	       "25 intervals of 20 ms took %llu ms", (unsigned long long)(last - first) / 1000000);
	try_stop(session, GRABDMA_STOP_DEQUEUE);
	drop_buffer(session, &buffer);
}

static void stop_cancels(void)
{
	struct buffer buffer = alloc_capture(session, get_format(session).bytes,
					     GRABDMA_ALLOC_PAGES);
	struct grabdma_record record;

	inject(session, GRABDMA_FAULT_STALL, 1);
	if (try_queue(session, buffer.id) || try_start(session, 0, 0, 0))
		tap_bail("START");
	tap_equal(get_state(session, buffer.id).state, GRABDMA_STATE_FILLING, "a stalled transfer");
	tap_equal(try_stop(session, 0), 0, "STOP cancels it");
	record = next_record(session, 1000);
	tap_ok(record.type == GRABDMA_RECORD_ERROR && record.error == ECANCELED,
	       "which is an error record");
	tap_equal(try_stop(session, 0), 0, "STOP again is no error");
	record = capture(session, buffer.id);
	tap_ok(!record.flags || record.flags == GRABDMA_RECORD_LIMITED, "the next frame is fine");
	drop_buffer(session, &buffer);
}

static void faults_are_reported(void)
{
	struct grabdma_format format = get_format(session);
	struct buffer buffer = alloc_capture(session, format.bytes, GRABDMA_ALLOC_PAGES);
	struct grabdma_record record;

	inject(session, GRABDMA_FAULT_DMA_ERROR, 1);
	if (try_queue(session, buffer.id) || try_trigger(session, 1))
		tap_bail("TRIGGER");
	record = next_record(session, 20000);
	tap_ok(record.type == GRABDMA_RECORD_ERROR && record.error == EIO &&
		       (record.flags & GRABDMA_RECORD_INJECTED),
	       "a DMA error is an error record");

	inject(session, GRABDMA_FAULT_DROP, 1);
	if (try_queue(session, buffer.id) || try_trigger(session, 2))
		tap_bail("TRIGGER");
	record = next_record(session, 20000);
	tap_ok(record.type == GRABDMA_RECORD_DROP && record.dropped_before == 1,
	       "an injected drop is a drop record");
	record = next_record(session, 20000);
	tap_ok(record.type == GRABDMA_RECORD_FRAME && record.dropped_before == 1,
	       "and the frame after it comes");

	inject(session, GRABDMA_FAULT_SEQUENCE, UINT64_MAX);
	record = capture(session, buffer.id);
	tap_ok(record.sequence == UINT64_MAX &&
		       shows_picture(buffer.frame, &format, UINT64_MAX),
	       "the last sequence number");
	record = capture(session, buffer.id);
	tap_ok(record.sequence == 0 && shows_picture(buffer.frame, &format, 0), "wraps to 0");

	inject(session, GRABDMA_FAULT_TIME, UINT64_MAX - 1000);
	record = capture(session, buffer.id);
	tap_ok(record.timestamp_ns < 30000000000ULL || record.timestamp_ns > UINT64_MAX - 1000,
	       "the clock wraps");
	drop_buffer(session, &buffer);
}

static void silent_devices_time_out(void)
{
	struct buffer buffer = alloc_capture(session, get_format(session).bytes,
					     GRABDMA_ALLOC_PAGES);
	struct grabdma_record record;

	inject(session, GRABDMA_FAULT_STALL, 1);
	if (try_queue(session, buffer.id) || try_trigger(session, 1))
		tap_bail("TRIGGER");
	record = next_record(session, 30000);
	tap_ok(record.type == GRABDMA_RECORD_ERROR && record.error == ETIMEDOUT,
	       "a device that goes silent times out");
	capture(session, buffer.id);
	tap_ok(true, "and serves the next frame");
	drop_buffer(session, &buffer);
}

static void one_session_captures(const char *path)
{
	int other = session_open(path);

	if (try_start(session, 1, 10, 0))
		tap_bail("START");
	tap_refused(try_start(other, 1, 10, 0), EBUSY, "another session cannot start");
	tap_refused(try_trigger(session, 1), EBUSY, "no trigger in a capture without limit");
	tap_equal(try_start(session, 1, 20, 0), 0, "but its own interval changes");
	try_stop(session, 0);
	tap_equal(try_start(other, 1, 10, 0), 0, "after STOP it can");
	close(other);
	tap_equal(try_start(session, 1, 10, 0), 0, "close() ends a capture too");
	try_stop(session, 0);
	while (next_record(session, 50).type)
		continue;
}

int main(int argc, char **argv)
{
	const char *path = device_path(argc, argv);
	bool injectable;

	session = session_open(path);
	injectable = get_info(session).capabilities & GRABDMA_CAP_INJECT;
	every_strategy_takes_frames();
	every_format_is_painted();
	order_and_limits();
	drops_are_counted();
	pacing_is_exact();
	one_session_captures(path);
	if (injectable) {
		stop_cancels();
		faults_are_reported();
		silent_devices_time_out();
	} else {
		tap_skip("faults", "the adapter does not inject any");
	}
	return tap_end();
}
