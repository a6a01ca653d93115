// SPDX-License-Identifier: GPL-2.0
/*
 * Broken memory: a page that the kernel knows to be broken is neither read, written, sent nor
 * captured into, and the others of its buffer stay what they are. The kernel is told of damage that
 * is not there.
 */
#include "guest.h"
#include "session.h"

#define PAGE 4096
#define BROKEN (2 * PAGE)

static int session;
static struct buffer buffer;

/* In a child: the kernel may kill those who have the page mapped. */
static int break_page(void)
{
	char *map = mmap(NULL, buffer.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, buffer.live, 0);

	if (map == MAP_FAILED)
		return 90;
	map[BROKEN] = 1;
	/* A folio of many pages is EBUSY, and marked all the same. */
	return madvise(map + BROKEN, PAGE, MADV_HWPOISON) && errno != EBUSY ? errno : 0;
}

static int touch_page(void)
{
	volatile char *map = mmap(NULL, buffer.bytes, PROT_READ, MAP_SHARED, buffer.live, 0);

	return map[BROKEN];
}

static void break_one(uint32_t strategy, uint32_t direction)
{
	int status;

	if (try_alloc(session, 2 << 20, strategy, direction, 0, &buffer))
		tap_bail("ALLOC");
	put_bytes(buffer.live, "written", 7, BROKEN);
	status = wait_for(in_child(break_page));
	tap_ok(status == 0 || status == 128 + SIGBUS, "a page breaks");
}

static void touching_is_refused(const char *name)
{
	char bytes[2 * PAGE];
	loff_t offset = BROKEN;
	int pipes[2];

	tap_ok(true, "%s:", name);
	tap_refused(pread(buffer.live, bytes, PAGE, BROKEN), EIO, "a broken page is not read");
	tap_equal(pread(buffer.live, bytes, sizeof(bytes), BROKEN - 100), 100,
		  "a read ends before it");
	tap_equal(pread(buffer.live, bytes, PAGE, BROKEN + PAGE), PAGE, "and begins behind it");
	tap_refused(pwrite(buffer.live, bytes, 1, BROKEN + 5), EIO, "it is not written");
	tap_equal(wait_for(in_child(touch_page)), 128 + SIGBUS, "nor mapped");
	if (pipe(pipes))
		tap_bail("pipe");
	tap_refused(splice(buffer.live, &offset, pipes[1], NULL, PAGE, 0), EIO, "nor spliced");
	close(pipes[0]);
	close(pipes[1]);
}

static void captures_are_refused(uint32_t strategy, const char *name)
{
	break_one(strategy, GRABDMA_DIRECTION_CAPTURE);
	touching_is_refused(name);
	tap_refused(try_queue(session, buffer.id), EIO, "and takes no frame");
	drop_buffer(session, &buffer);
}

/* A page that breaks while its buffer waits for a frame. */
static void queued_buffers_are_withdrawn(void)
{
	struct grabdma_record record;

	if (try_alloc(session, 2 << 20, GRABDMA_ALLOC_PAGES, GRABDMA_DIRECTION_CAPTURE, 0,
		      &buffer) ||
	    try_queue(session, buffer.id))
		tap_bail("QUEUE");
	wait_for(in_child(break_page));
	record = next_record(session, 5000);
	tap_ok(record.type == GRABDMA_RECORD_IDLE && record.buffer == buffer.id,
	       "a queued buffer of which a page breaks is given back");
	tap_refused(try_queue(session, buffer.id), EIO, "and not taken again");
	drop_buffer(session, &buffer);
}

static void sending_is_refused(void)
{
	break_one(GRABDMA_ALLOC_PAGES, GRABDMA_DIRECTION_OUTPUT);
	/* The first error may be the kernel's own, which tells of the damage once. */
	tap_refused(fsync(buffer.live), EIO, "a broken page that was written to");
	tap_refused(fsync(buffer.live), EIO, "is never sent");
	drop_buffer(session, &buffer);
}

int main(int argc, char **argv)
{
	session = session_open(device_path(argc, argv));
	if (try_format(session, TEST_PICTURE_GREY, 64, 64, 0))
		tap_bail("SET_FORMAT");
	captures_are_refused(GRABDMA_ALLOC_PAGES, "single pages");
	captures_are_refused(GRABDMA_ALLOC_LARGE, "a large page");
	queued_buffers_are_withdrawn();
	sending_is_refused();
	return tap_end();
}
