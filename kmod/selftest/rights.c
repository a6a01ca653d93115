// SPDX-License-Identifier: GPL-2.0
/*
 * What may be done by whom: sessions that only look, faults, programs in buffers, endless requests.
 */
#include <sys/syscall.h>

#include "guest.h"
#include "session.h"

#define QUERIES 65536

static const char *path;
static int session;

static void readers_look_and_do_nothing(void)
{
	int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct grabdma_record record;
	struct buffer buffer;

	if (reader < 0)
		tap_bail(path);
	tap_ok(get_info(reader).uapi_version && get_format(reader).bytes,
	       "a session opened for reading tells what the adapter is");
	tap_refused(read(reader, &record, sizeof(record)), EAGAIN, "and reads records");
	tap_refused(try_alloc(reader, 4096, GRABDMA_ALLOC_PAGES, GRABDMA_DIRECTION_CAPTURE, 0,
			      &buffer),
		    EACCES, "it allocates nothing");
	tap_refused(try_format(reader, TEST_PICTURE_GREY, 64, 64, 0), EACCES, "sets no format");
	tap_refused(try_start(reader, 1, 10, 0), EACCES, "starts nothing");
	tap_refused(try_trigger(reader, 1), EACCES, "triggers nothing");
	tap_refused(try_stop(reader, 0), EACCES, "stops nothing");
	tap_refused(try_queue(reader, 0), EACCES, "queues nothing");
	tap_refused(try_free(reader, 0), EACCES, "frees nothing");
	tap_refused(try_inject(reader, GRABDMA_FAULT_DROP, 0), EACCES, "breaks nothing");
	close(reader);
}

static void readers_send_nothing(void)
{
	struct buffer buffer = alloc_output(session, 4096, 0);
	int reader = reopen(buffer.live, O_RDONLY);
	char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0);

	put_bytes(buffer.live, "secret", 6, 0);
	tap_ok(map != MAP_FAILED && !memcmp(map, "secret", 6),
	       "a reader of an output buffer maps it");
	tap_refused(fsync(reader), EBADF, "but does not send it");
	tap_equal(msync(map, 4096, MS_SYNC), 0, "a reader's msync has nothing to send");
	tap_ok(get_state(session, buffer.id).flags & GRABDMA_BUFFER_DIRTY,
	       "so the bytes are there to be sent");
	tap_equal(fsync(buffer.live), 0, "by who may write");
	munmap(map, 4096);
	close(reader);
	drop_buffer(session, &buffer);
}

/* Bit 0: INFO offers faults; bits 1 and up: errno of INJECT. */
static int try_a_fault(void)
{
	int mine = session_open(path);
	int offered = !!(get_info(mine).capabilities & GRABDMA_CAP_INJECT);

	return offered | (try_inject(mine, GRABDMA_FAULT_DROP, 0) ? errno << 1 : 0);
}

static void faults_are_for_the_owner(void)
{
	tap_equal(try_a_fault(), 1, "root is offered faults, and has them");
	tap_equal(as_ordinary_user(try_a_fault), EPERM << 1,
		  "another user is offered none, and has none");
}

static void buffers_are_no_programs(void)
{
	struct buffer buffer = alloc_capture(session, 8192, GRABDMA_ALLOC_PAGES);
	char *const no_strings[] = { NULL };
	char *map;
	int program;

	tap_ok(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, buffer.live, 0) == MAP_FAILED &&
		       errno == EPERM,
	       "a buffer is not mapped for execution");
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, buffer.live, 0);
	tap_refused(mprotect(map, 4096, PROT_READ | PROT_EXEC), EACCES,
		    "nor made executable later");
	munmap(map, 4096);
	put_bytes(buffer.live, "#!/bin/true\n", 12, 0);
	fchmod(buffer.live, 0700);
	program = reopen(buffer.live, O_RDONLY);
	tap_refused(syscall(SYS_execveat, program, "", no_strings, no_strings, AT_EMPTY_PATH),
		    EACCES, "nor run as a program");
	close(program);
	drop_buffer(session, &buffer);
}

static void structs_have_an_end(void)
{
	const size_t bytes = 1 << 20;
	uint32_t *argument = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1, 0);

	argument[0] = 4096;
	tap_equal(ioctl(session, GRABDMA_STOP, argument), 0,
		  "a struct of a page, zero beyond what is known");
	argument[0] = 4096 + 8;
	tap_refused(ioctl(session, GRABDMA_STOP, argument), E2BIG, "a longer one is refused");
	argument[0] = bytes;
	tap_refused(ioctl(session, GRABDMA_STOP, argument), E2BIG, "however long");
	munmap(argument, bytes);
}

static struct buffer asked_about;

/* Each entry makes the module look at each page. */
static int ask_for_ever(void)
{
	struct grabdma_buffer_entry *entries = calloc(QUERIES, sizeof(*entries));
	struct grabdma_buffer_state argument = {
		.size = sizeof(argument),
		.count = QUERIES,
		.entries = (uintptr_t)entries,
	};
	int i;

	for (i = 0; i < QUERIES; i++)
		entries[i].buffer = asked_about.id;
	return ioctl(session, GRABDMA_BUFFER_STATE, &argument) ? 1 : 0;
}

static void long_queries_are_killed(void)
{
	const size_t bytes = 64 << 20;
	loff_t offset = bytes - 4096;
	int pipes[2], status;
	pid_t child;

	asked_about = alloc_capture(session, bytes, GRABDMA_ALLOC_PAGES);
	if (pipe(pipes) || splice(asked_about.frame, &offset, pipes[1], NULL, 4096, 0) != 4096)
		tap_bail("splice");
	child = in_child(ask_for_ever);
	usleep(200000);
	kill(child, SIGKILL);
	status = wait_for(child);
	tap_equal(status, 128 + SIGKILL, "a query of many buffers ends when it is killed");
	if (status < 0)
		waitpid(child, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
	drop_buffer(session, &asked_about);
}

int main(int argc, char **argv)
{
	path = device_path(argc, argv);
	if (chmod(path, 0666))
		tap_bail("chmod");
	session = session_open(path);
	readers_look_and_do_nothing();
	readers_send_nothing();
	faults_are_for_the_owner();
	buffers_are_no_programs();
	structs_have_an_end();
	long_queries_are_killed();
	chmod(path, 0660);
	return tap_end();
}
