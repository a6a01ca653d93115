// SPDX-License-Identifier: GPL-2.0
/*
 * Several frames in flight: ring DEVICE none|some [COMMENTS]. Needs a virtual board whose frames take
 * longer than 10 ms (latency_us), so that what is asked for every 10 ms does not come one at a time.
 * "none": the board is so deep that it loses no frame; "some": it is not. "losses": the board loses
 * frames by itself and ends them early (lose, line_scan): that is looked at alone. "shuffle": it ends
 * them out of order.
 */
#include <sys/xattr.h>

#include "session.h"

#define BUFFERS 16
#define FRAMES 150

static const char *path;
static int session;
static struct grabdma_format format;
static struct buffer buffers[BUFFERS];
static struct grabdma_info info;
static bool shuffled;

static void begin(void)
{
	unsigned int i;

	session = session_open(path);
	if (try_format(session, TEST_PICTURE_GREY, 64, 64, 0))
		tap_bail("SET_FORMAT");
	format = get_format(session);
	for (i = 0; i < BUFFERS; i++) {
		buffers[i] = alloc_capture(session, format.bytes, GRABDMA_ALLOC_PAGES);
		if (try_queue(session, buffers[i].id))
			tap_bail("QUEUE");
	}
}

static void end(void)
{
	unsigned int i;

	for (i = 0; i < BUFFERS; i++) {
		close(buffers[i].live);
		close(buffers[i].frame);
	}
	close(session);
}

static unsigned int filling(void)
{
	unsigned int i, count = 0;

	for (i = 0; i < BUFFERS; i++)
		count += get_state(session, buffers[i].id).state == GRABDMA_STATE_FILLING;
	return count;
}

/* A frame every 10 ms, each looked at and given back at once. Returns how many were lost. */
static uint64_t capture_all(void)
{
	uint64_t lost = 0, seen = 0, next = 0, device = 0, clock = 0;
	bool ordered = true, right = true, counted = true;

	if (try_start(session, 1, 100, FRAMES))
		tap_bail("START");
	while (seen + lost < FRAMES) {
		struct grabdma_record record = next_record(session, 5000);

		if (!record.type)
			tap_bail("no record");
		/* The last ones may be lost, after which no frame tells of them. */
		if (record.type == GRABDMA_RECORD_DROP) {
			lost += record.dropped_before;
			continue;
		}
		if (seen)
			ordered &= record.sequence == next + record.dropped_before;
		right &= record.type == GRABDMA_RECORD_FRAME &&
			 shows_picture(buffers[record.buffer].frame, &format, record.sequence);
		if (seen)
			counted &= record.device_sequence == device + 1 &&
				   record.device_time_ns > clock;
		device = record.device_sequence;
		clock = record.device_time_ns;
		next = record.sequence + 1;
		seen++;
		if (try_queue(session, record.buffer))
			tap_bail("QUEUE again");
	}
	tap_ok(ordered, "frames come in order, and every gap is told");
	tap_ok(right, "each is the picture of its number");
	tap_ok(counted != shuffled, shuffled ? "the board ends them out of order" :
					       "the board's own clock and counter run on");
	return lost;
}

static void rate(bool deep)
{
	uint64_t lost;

	begin();
	lost = capture_all();
	printf("# depth %u: %llu of %u frames lost\n", info.depth, (unsigned long long)lost,
	       FRAMES);
	if (deep)
		tap_equal(lost, 0, "a deep board loses none");
	else
		tap_ok(lost > FRAMES / 4, "a shallow one loses many");
	end();
}

static void chunks(void)
{
	struct grabdma_record record;
	char text[64] = "", expected[32];
	ssize_t length;

	begin();
	tap_refused(fgetxattr(buffers[0].frame, GRABDMA_XATTR_CHUNK, text, sizeof(text)), ENODATA,
		    "a buffer without a frame has nothing to say");
	if (try_trigger(session, 1))
		tap_bail("TRIGGER");
	record = next_record(session, 5000);
	length = fgetxattr(buffers[record.buffer].frame, GRABDMA_XATTR_CHUNK, text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = '\0';
	snprintf(expected, sizeof(expected), "sequence=%llu due_ns=",
		 (unsigned long long)record.sequence);
	tap_ok(!strncmp(text, expected, strlen(expected)), "the frame says what the board said of it");
	tap_refused(fgetxattr(buffers[record.buffer].live, GRABDMA_XATTR_CHUNK, text, 3), ERANGE,
		    "in too little room it does not fit");
	length = flistxattr(buffers[record.buffer].live, text, sizeof(text));
	tap_ok(length == sizeof(GRABDMA_XATTR_CHUNK) && !strcmp(text, GRABDMA_XATTR_CHUNK),
	       "the attribute is listed");
	tap_refused(fsetxattr(buffers[record.buffer].live, GRABDMA_XATTR_CHUNK, "x", 1, 0),
		    EOPNOTSUPP, "and nobody changes it");
	end();
}

/* Starts without pace, so that the board takes all that it can. Says whether it has as many. */
static bool fill(void)
{
	if (try_start(session, 0, 0, 0))
		tap_bail("START");
	return filling() == info.depth;
}

static void stop(void)
{
	struct grabdma_record record;
	unsigned int cancelled = 0;

	begin();
	tap_ok(fill(), "the board takes as many as it said");
	tap_equal(try_stop(session, GRABDMA_STOP_DEQUEUE), 0, "STOP with all of them in flight");
	tap_equal(filling(), 0, "none is filling any more");
	while ((record = next_record(session, 100)).type)
		cancelled += record.type == GRABDMA_RECORD_ERROR && record.error == ECANCELED;
	tap_equal(cancelled, info.depth, "each is told of as cancelled");
	end();
}

static void give_up(void)
{
	unsigned int i, type;

	begin();
	fill();
	for (i = 0; i < BUFFERS; i++)
		if (get_state(session, buffers[i].id).state == GRABDMA_STATE_FILLING)
			break;
	tap_ok(i < BUFFERS && !try_free(session, buffers[i].id), "FREE of one that is filling");
	do
		type = next_record(session, 5000).type;
	while (type == GRABDMA_RECORD_ERROR);
	tap_equal(type, GRABDMA_RECORD_FRAME, "the capture goes on");
	tap_equal(try_stop(session, GRABDMA_STOP_DEQUEUE), 0, "until STOP");
	end();
	begin();
	fill();
	end();
	begin();
	tap_ok(try_trigger(session, 1) == 0 && next_record(session, 5000).type == GRABDMA_RECORD_FRAME,
	       "closing with frames in flight leaves the device to the next");
	end();
}

/* One never ends. Those behind it wait for it, and none is lost or out of order. */
static void stall(void)
{
	unsigned int frames = 0, timeouts = 0;
	struct grabdma_record record;
	uint64_t last = 0;
	bool ordered = true;

	begin();
	inject(session, GRABDMA_FAULT_STALL, 1);
	if (try_trigger(session, BUFFERS))
		tap_bail("TRIGGER");
	while (frames + timeouts < BUFFERS && (record = next_record(session, 5000)).type) {
		frames += record.type == GRABDMA_RECORD_FRAME;
		timeouts += record.type == GRABDMA_RECORD_ERROR && record.error == ETIMEDOUT;
		ordered &= frames + timeouts == 1 || record.sequence == last + 1;
		last = record.sequence;
	}
	tap_equal(timeouts, 1, "one that never ends costs one frame");
	tap_equal(frames, BUFFERS - 1, "and no other");
	tap_ok(ordered, "all in order");
	end();
}

/* The board drops every fifth frame itself and ends frames after a quarter of the rows, a half... */
static void losses(void)
{
	uint64_t seen = 0, lost = 0, told = 0, next = 0, device_gaps = 0, device = 0;
	bool ordered = true, sized = true, limited = false;

	begin();
	if (try_trigger(session, FRAMES))
		tap_bail("TRIGGER");
	while (!limited) {
		struct grabdma_record record = next_record(session, 5000);

		if (!record.type)
			tap_bail("no record");
		if (record.type == GRABDMA_RECORD_DROP) {
			told += record.dropped_before;
			continue;
		}
		ordered &= !seen || record.sequence == next + record.dropped_before;
		device_gaps += seen ? record.device_sequence - device - 1 : record.device_sequence;
		device = record.device_sequence;
		next = record.sequence + 1;
		lost += record.dropped_before;
		sized &= record.bytes_used && record.bytes_used <= format.bytes &&
			 record.bytes_used % (format.bytes / 4) == 0;
		seen++;
		limited = record.flags & GRABDMA_RECORD_LIMITED;
		if (try_queue(session, record.buffer))
			tap_bail("QUEUE again");
	}
	tap_ok(lost > FRAMES / 10 && lost == device_gaps, "what the board lost, frames tell of");
	tap_ok(told == lost, "and drop records do");
	tap_ok(ordered, "every gap in the numbers is a loss that is told");
	tap_ok(seen + lost >= FRAMES && seen + lost < FRAMES + info.depth + BUFFERS,
	       "losses count for the limit");
	tap_ok(sized, "frames have their own length");
	end();
}

int main(int argc, char **argv)
{
	path = device_path(argc, argv);
	session = session_open(path);
	info = get_info(session);
	close(session);
	shuffled = argc > 3 && !strcmp(argv[3], "shuffle");
	if (argc > 3 && !shuffled) {
		losses();
		return tap_end();
	}
	rate(argc > 2 && !strcmp(argv[2], "none"));
	chunks();
	stop();
	give_up();
	stall();
	return tap_end();
}
