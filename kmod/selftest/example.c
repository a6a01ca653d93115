// SPDX-License-Identifier: GPL-2.0
/*
 * The example of a board with a ring of descriptors, kmod/example/board: example DEVICE. All bytes of
 * a frame of its are the same, one more than those of the frame before.
 */
#include "session.h"

#define BUFFERS 12
#define FRAMES 60

static int session;
static struct grabdma_format format;
static struct buffer buffers[BUFFERS];

/* The byte that the frame consists of, or -1. */
static int uniform(int fd)
{
	uint8_t *bytes = malloc(format.bytes);
	int value;

	if (!bytes || pread(fd, bytes, format.bytes, 0) != (ssize_t)format.bytes)
		tap_bail("pread");
	value = memcmp(bytes, bytes + 1, format.bytes - 1) ? -1 : bytes[0];
	free(bytes);
	return value;
}

static void begin(const char *path)
{
	unsigned int i;

	session = session_open(path);
	format = get_format(session);
	for (i = 0; i < BUFFERS; i++)
		buffers[i] = alloc_capture(session, format.bytes,
					   i % 2 ? GRABDMA_ALLOC_PAGES : GRABDMA_ALLOC_LARGE);
	for (i = 0; i < BUFFERS; i++)
		if (try_queue(session, buffers[i].id))
			tap_bail("QUEUE");
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

static void captures(void)
{
	bool whole = true, ordered = true, timed = true;
	unsigned int i, seen = 0;
	uint64_t clock = 0;
	int last = -1;

	if (try_start(session, 0, 0, FRAMES))
		tap_bail("START");
	for (i = 0; i < FRAMES; i++) {
		struct grabdma_record record = next_record(session, 5000);
		int value;

		if (record.type != GRABDMA_RECORD_FRAME)
			break;
		value = uniform(buffers[record.buffer].frame);
		whole &= value >= 0;
		ordered &= last < 0 || value == (last + 1) % 256;
		timed &= record.device_time_ns >= clock;
		clock = record.device_time_ns;
		last = value;
		seen++;
		if (try_queue(session, record.buffer))
			tap_bail("QUEUE again");
	}
	tap_equal(seen, FRAMES, "all frames come");
	tap_ok(whole, "each is whole");
	tap_ok(ordered, "none is missing or out of order");
	tap_ok(timed, "the board's clock runs on");
}

static void stops(void)
{
	unsigned int i, filling = 0;

	if (try_start(session, 0, 0, 0))
		tap_bail("START");
	for (i = 0; i < BUFFERS; i++)
		filling += get_state(session, buffers[i].id).state == GRABDMA_STATE_FILLING;
	tap_ok(filling > 1, "%u frames are in flight at once", filling);
	tap_equal(try_stop(session, GRABDMA_STOP_DEQUEUE), 0, "STOP in the middle");
	while (next_record(session, 100).type)
		;
	for (i = 0; i < BUFFERS; i++)
		if (try_queue(session, buffers[i].id))
			tap_bail("QUEUE after STOP");
}

static void limits(void)
{
	struct buffer buffer;

	tap_refused(try_alloc(session, 160 << 20, GRABDMA_ALLOC_LARGE, GRABDMA_DIRECTION_CAPTURE, 0,
			      &buffer),
		    ENOMEM, "a buffer in more pieces than the board describes is refused at once");
	buffer = alloc_capture(session, 4 << 20, GRABDMA_ALLOC_LARGE);
	drop_buffer(session, &buffer);
	tap_refused(try_format(session, format.fourcc, 320, 240, 0), EINVAL,
		    "so is a format that it has not");
	tap_refused(try_alloc(session, 4096, GRABDMA_ALLOC_PAGES, GRABDMA_DIRECTION_OUTPUT, 0,
			      &buffer),
		    EOPNOTSUPP, "and output");
}

int main(int argc, char **argv)
{
	begin(device_path(argc, argv));
	tap_ok(!strcmp(get_info(session).adapter, "example"), "the board is the example");
	tap_equal(get_info(session).depth, 8, "of its depth");
	captures();
	stops();
	captures();
	limits();
	end();
	begin(device_path(argc, argv));
	if (try_start(session, 0, 0, 0))
		tap_bail("START");
	end();
	begin(device_path(argc, argv));
	captures();
	end();
	return tap_end();
}
