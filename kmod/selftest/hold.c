// SPDX-License-Identifier: GPL-2.0
/* Holding: a frame that somebody looks at is not refilled, and its release is announced. */
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "session.h"

static int session;
static struct buffer buffer;

static void expect_held(const char *what)
{
	tap_refused(try_queue(session, buffer.id), EBUSY, what);
}

static void expect_idle_record(void)
{
	struct grabdma_record record = next_record(session, 5000);

	tap_ok(record.type == GRABDMA_RECORD_IDLE && record.buffer == buffer.id,
	       "its end is announced");
	capture(session, buffer.id);
	tap_ok(true, "and the buffer takes a frame");
}

static void open_files_hold(void)
{
	int frame = reopen(buffer.frame, O_RDONLY);

	if (frame < 0)
		tap_bail("reopen");
	tap_equal(get_state(session, buffer.id).frame_users, 1, "an open file is a user");
	expect_held("an open frame holds");
	tap_equal(next_record(session, 50).type, 0, "nothing is announced meanwhile");
	close(frame);
	expect_idle_record();
}

static void watching_announces_too(void)
{
	int frame = reopen(buffer.frame, O_RDONLY);

	tap_ok(look_at(session, buffer.id, GRABDMA_BUFFER_STATE_WATCH).flags & GRABDMA_BUFFER_HELD,
	       "BUFFER_STATE finds the hold");
	close(frame);
	expect_idle_record();
	tap_ok(!(look_at(session, buffer.id, GRABDMA_BUFFER_STATE_WATCH).flags &
		 GRABDMA_BUFFER_HELD),
	       "and finds none afterwards");
	tap_equal(next_record(session, 50).type, 0, "of which nothing is announced");
}

static void mappings_hold(void)
{
	int frame = reopen(buffer.frame, O_RDONLY);
	void *map = mmap(NULL, buffer.bytes, PROT_READ, MAP_SHARED, frame, 0);

	close(frame);
	expect_held("a mapping holds after close");
	munmap(map, buffer.bytes);
	expect_idle_record();

	map = mmap(NULL, buffer.bytes, PROT_READ, MAP_SHARED, buffer.frame, 0);
	expect_held("a mapping through the session's own descriptor holds, too");
	tap_equal(get_state(session, buffer.id).frame_users, 1, "and counts as a user");
	munmap(map, buffer.bytes);
	expect_idle_record();
}

static void parts_of_mappings_hold(void)
{
	char *map = mmap(NULL, buffer.bytes, PROT_READ, MAP_SHARED, buffer.frame, 0);
	long page = sysconf(_SC_PAGESIZE);

	munmap(map + page, page);
	munmap(map, page);
	expect_held("what is left of a split mapping holds");
	munmap(map, buffer.bytes);
	expect_idle_record();
}

static void children_hold(void)
{
	void *map = mmap(NULL, buffer.bytes, PROT_READ, MAP_SHARED, buffer.frame, 0);
	int pipes[2];
	pid_t child;
	char byte;

	if (pipe(pipes))
		tap_bail("pipe");
	child = fork();
	if (!child) {
		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) < 0);
	}
	munmap(map, buffer.bytes);
	expect_held("a forked child's mapping holds");
	close(pipes[1]);
	close(pipes[0]);
	waitpid(child, NULL, 0);
	expect_idle_record();
}

static void pipes_hold(void)
{
	int frame = reopen(buffer.frame, O_RDONLY);
	loff_t offset = 0;
	char bytes[4096];
	int pipes[2];

	if (pipe(pipes) || splice(frame, &offset, pipes[1], NULL, sizeof(bytes), 0) <= 0)
		tap_bail("splice");
	close(frame);
	expect_held("pages in a pipe hold");
	tap_ok(get_state(session, buffer.id).flags & GRABDMA_BUFFER_PINNED, "and show as pinned");
	if (read(pipes[0], bytes, sizeof(bytes)) <= 0)
		tap_bail("read");
	expect_idle_record();
	close(pipes[0]);
	close(pipes[1]);
}

static void followers_do_not_hold(void)
{
	int live = reopen(buffer.live, O_RDWR);
	void *map = mmap(NULL, buffer.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, live, 0);

	tap_equal(get_state(session, buffer.id).live_users, 1, "a live file is a user");
	capture(session, buffer.id);
	tap_ok(true, "that does not hold");
	munmap(map, buffer.bytes);
	close(live);
	tap_equal(get_state(session, buffer.id).live_users, 0, "until it goes");
}

/* References by page tables, also those that map 2 MiB at once, are not taken for pinned pages. */
static void large_followers_do_not_hold(void)
{
	const size_t bytes = 4 << 20;
	struct buffer large = alloc_capture(session, bytes, GRABDMA_ALLOC_LARGE);
	volatile char *live = mmap(NULL, bytes, PROT_READ, MAP_SHARED, large.live, 0);
	volatile char *frame = mmap(NULL, bytes, PROT_READ, MAP_SHARED, large.frame, 0);
	size_t offset;

	for (offset = 0; offset < bytes; offset += 4096) {
		(void)live[offset];
		(void)frame[offset];
	}
	tap_refused(try_queue(session, large.id), EBUSY, "a mapped frame of large pages holds");
	munmap((void *)frame, bytes);
	tap_equal(next_record(session, 5000).type, GRABDMA_RECORD_IDLE, "until it is unmapped");
	capture(session, large.id);
	tap_ok(true, "though the live view is mapped");
	munmap((void *)live, bytes);
	drop_buffer(session, &large);
}

static void filling_buffers_open_for_nobody(void)
{
	if (try_queue(session, buffer.id))
		tap_bail("QUEUE");
	tap_refused(reopen(buffer.frame, O_RDONLY), ESTALE, "a queued frame does not open");
	tap_ok(mmap(NULL, buffer.bytes, PROT_READ, MAP_SHARED, buffer.frame, 0) == MAP_FAILED &&
		       errno == ESTALE,
	       "nor is it mapped");
	try_stop(session, GRABDMA_STOP_DEQUEUE);
	close(reopen(buffer.frame, O_RDONLY));
	tap_equal(get_state(session, buffer.id).frame_users, 0, "taken back, it opens and closes");
}

static void frames_are_read_only(void)
{
	void *map = mmap(NULL, buffer.bytes, PROT_READ, MAP_SHARED, buffer.frame, 0);

	tap_refused(reopen(buffer.frame, O_RDWR), EACCES, "root cannot open a frame for writing");
	tap_refused(write(buffer.frame, "x", 1), EBADF, "nor write to the descriptor");
	tap_refused(mprotect(map, buffer.bytes, PROT_READ | PROT_WRITE), EACCES,
		    "nor make a mapping writable");
	munmap(map, buffer.bytes);
}

int main(int argc, char **argv)
{
	session = session_open(device_path(argc, argv));
	buffer = alloc_capture(session, get_format(session).bytes + 3 * 4096, GRABDMA_ALLOC_PAGES);
	capture(session, buffer.id);
	open_files_hold();
	watching_announces_too();
	mappings_hold();
	parts_of_mappings_hold();
	children_hold();
	pipes_hold();
	followers_do_not_hold();
	large_followers_do_not_hold();
	filling_buffers_open_for_nobody();
	frames_are_read_only();
	return tap_end();
}
