// SPDX-License-Identifier: GPL-2.0
/*
 * Caches, on a machine that is not coherent: what the device wrote is seen, what the CPU wrote is
 * not lost. Such a machine is made of one that bounces all DMA (swiotlb=force, and the module's
 * parameter `bounce`): the device's copy of a buffer and the CPU's differ until they are
 * synchronised, and each byte that is synchronised too much, too little or too late shows. For
 * adapters with DMA and the test picture.
 */
#include "session.h"

static int session;
static struct grabdma_format format;

static bool has_bytes(int fd, const char *bytes, off_t offset)
{
	char actual[64];

	get_bytes(fd, actual, strlen(bytes), offset);
	return !memcmp(actual, bytes, strlen(bytes));
}

static void frames_are_seen(void)
{
	struct buffer buffer = alloc_capture(session, format.bytes, GRABDMA_ALLOC_PAGES);
	int i;

	for (i = 0; i < 3; i++) {
		uint64_t sequence = capture(session, buffer.id).sequence;

		tap_ok(shows_picture(buffer.frame, &format, sequence),
		       "frame %d is the device's", i);
	}
	drop_buffer(session, &buffer);
}

static void what_is_behind_the_image_stays(void)
{
	struct buffer buffer = alloc_capture(session, format.bytes + 8192, GRABDMA_ALLOC_PAGES);
	uint64_t sequence;

	put_bytes(buffer.live, "behind", 6, format.bytes);
	put_bytes(buffer.live, "far behind", 10, format.bytes + 4096);
	sequence = capture(session, buffer.id).sequence;
	tap_ok(shows_picture(buffer.frame, &format, sequence), "a frame in a larger buffer");
	tap_ok(has_bytes(buffer.live, "behind", format.bytes) &&
		       has_bytes(buffer.live, "far behind", format.bytes + 4096),
	       "leaves what the CPU wrote behind it");
	drop_buffer(session, &buffer);
}

static void what_was_written_outlives_the_mapping(void)
{
	struct buffer buffer = alloc_capture(session, format.bytes, GRABDMA_ALLOC_PAGES);

	capture(session, buffer.id);
	put_bytes(buffer.live, "written by the CPU", 18, 100);
	if (try_free(session, buffer.id))
		tap_bail("FREE");
	tap_ok(has_bytes(buffer.live, "written by the CPU", 100),
	       "a buffer that the device does not see any more keeps its bytes");
	close(buffer.live);
	close(buffer.frame);
}

/* The device wrote the whole picture; only its end was never told. */
static void aborted_transfers_are_seen(void)
{
	struct buffer buffer = alloc_capture(session, format.bytes, GRABDMA_ALLOC_PAGES);
	struct grabdma_record record;

	inject(session, GRABDMA_FAULT_STALL, 1);
	if (try_queue(session, buffer.id) || try_trigger(session, 1))
		tap_bail("TRIGGER");
	record = next_record(session, 30000);
	tap_ok(record.type == GRABDMA_RECORD_ERROR && record.error == ETIMEDOUT,
	       "a transfer whose end is not told is aborted");
	tap_ok(shows_picture(buffer.live, &format, record.sequence),
	       "and what the device wrote until then is there");
	drop_buffer(session, &buffer);
}

static void stopped_boards_go_on(void)
{
	struct buffer buffer = alloc_capture(session, format.bytes, GRABDMA_ALLOC_PAGES);
	struct grabdma_record record;

	if (try_queue(session, buffer.id) || try_start(session, 0, 0, 0) || try_stop(session, 0))
		tap_bail("STOP");
	record = next_record(session, 30000);
	tap_ok(record.type == GRABDMA_RECORD_ERROR && record.error == ECANCELED,
	       "a board that is stopped in the middle of a transfer");
	record = capture(session, buffer.id);
	tap_ok(shows_picture(buffer.frame, &format, record.sequence), "captures the next frame");
	drop_buffer(session, &buffer);
}

int main(int argc, char **argv)
{
	session = session_open(device_path(argc, argv));
	format = get_format(session);
	frames_are_seen();
	what_is_behind_the_image_stays();
	what_was_written_outlives_the_mapping();
	aborted_transfers_are_seen();
	stopped_boards_go_on();
	return tap_end();
}
