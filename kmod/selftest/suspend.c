// SPDX-License-Identifier: GPL-2.0
/*
 * The machine sleeps while a device captures: suspend DEVICE. The kernel is asked to suspend its
 * devices and resume them at once (pm_test), which needs CONFIG_PM_DEBUG.
 */
#include "session.h"

#define BUFFERS 8

static void say(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		tap_bail(path);
	close(file);
}

int main(int argc, char **argv)
{
	const char *path = device_path(argc, argv);
	unsigned int i, frames = 0, cancelled = 0, later = 0;
	struct grabdma_record record;
	struct buffer buffers[BUFFERS];
	struct grabdma_format format;
	bool ordered = true, right = true, other = false;
	uint64_t next = 0;
	int session;

	if (access("/sys/power/pm_test", W_OK)) {
		tap_skip("suspend", "this kernel has no pm_test");
		return tap_end();
	}
	session = session_open(path);
	try_format(session, TEST_PICTURE_GREY, 64, 64, 0);
	format = get_format(session);
	for (i = 0; i < BUFFERS; i++) {
		buffers[i] = alloc_capture(session, format.bytes, GRABDMA_ALLOC_PAGES);
		if (try_queue(session, buffers[i].id))
			tap_bail("QUEUE");
	}
	/* Something that never ends is in flight for sure; what follows waits for it. */
	inject(session, GRABDMA_FAULT_STALL, 1);
	if (try_start(session, 0, 0, 0))
		tap_bail("START");
	tap_equal(get_state(session, buffers[0].id).state, GRABDMA_STATE_FILLING,
		  "a transfer is under way");
	say("/sys/power/pm_test", "devices");
	say("/sys/power/state", "freeze");
	tap_ok(true, "the machine has slept");
	while (later < 2 * BUFFERS) {
		record = next_record(session, 60000);
		if (record.type == GRABDMA_RECORD_FRAME) {
			right &= shows_picture(buffers[record.buffer].frame, &format,
					       record.sequence);
			later += cancelled > 0;
			frames++;
		} else if (record.type == GRABDMA_RECORD_ERROR && record.error == ECANCELED) {
			cancelled++;
		} else {
			other = true;
			break;
		}
		ordered &= record.sequence == next;
		next = record.sequence + 1;
		if (try_queue(session, record.buffer))
			tap_bail("QUEUE again");
	}
	tap_ok(cancelled > 0 && cancelled <= get_info(session).depth,
	       "what was under way is told of as cancelled");
	tap_ok(!other && later >= 2 * BUFFERS, "the capture has gone on by itself");
	tap_ok(ordered, "with the next number");
	tap_ok(right, "frames are what they should be");
	tap_equal(try_stop(session, GRABDMA_STOP_DEQUEUE), 0, "and can be stopped");
	return tap_end();
}
