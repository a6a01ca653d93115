// SPDX-License-Identifier: GPL-2.0
/* How much one user can have, and how much he can cost the others. */
#include <sys/resource.h>

#include "guest.h"
#include "session.h"

#define MEGABYTE (1 << 20)
#define SPAMMERS 2
#define LOOKS 2000

static const char *path;

/* What may be locked in memory; CAP_IPC_LOCK exempts. */
static void limit_locked_memory(rlim_t bytes)
{
	const struct rlimit limit = { bytes, bytes };

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		_exit(98);
}

static int allocate(int session, struct buffer *buffer)
{
	return try_alloc(session, MEGABYTE, GRABDMA_ALLOC_PAGES, GRABDMA_DIRECTION_CAPTURE, 0,
			 buffer);
}

/* How many megabytes there are until one is refused with EDQUOT; 90: refused for another reason. */
static int allocate_all(int session, struct buffer *last)
{
	int count = 0;

	while (!allocate(session, last))
		count++;
	return errno == EDQUOT ? count : 90;
}

static long long pinned_kilobytes(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[128];
	long long kilobytes = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmPin: %lld kB", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes;
}

static int have_eight(void)
{
	struct buffer buffer;

	limit_locked_memory(8 * MEGABYTE);
	return allocate_all(session_open(path), &buffer);
}

/* The exit status tells the step that failed. */
static int live_with_eight(void)
{
	int session = session_open(path), second;
	struct buffer buffer;

	limit_locked_memory(8 * MEGABYTE);
	if (allocate_all(session, &buffer) != 8 || pinned_kilobytes() != 8 * 1024)
		return 1;
	second = session_open(path);
	if (allocate_all(second, &buffer))
		return 2;
	if (wait_for(in_child(have_eight)))
		return 3;
	/* The last buffer's files keep its memory, not the session. */
	if (try_free(session, 7) || allocate_all(second, &buffer))
		return 4;
	close(session);
	return allocate_all(second, &buffer) == 0 ? 0 : 5;
}

static int have_two_without_limit(void)
{
	struct buffer buffer;
	int session = session_open(path);

	limit_locked_memory(0);
	return allocate(session, &buffer) || allocate(session, &buffer);
}

static void memory_counts_as_locked(void)
{
	tap_equal(as_ordinary_user(live_with_eight), 0,
		  "a user has RLIMIT_MEMLOCK of buffers, with all his processes, while they last");
	tap_equal(as_ordinary_user(have_eight), 8, "whoever ends gives back what he had");
	tap_equal(wait_for(in_child(have_two_without_limit)), 0, "CAP_IPC_LOCK exempts");
}

/* Fewer than nothing are left when a counter lost something. */
static bool memory_becomes(long long bytes)
{
	int tries;

	for (tries = patience(); tries; tries--) {
		if (read_number(adapter_file(path, "memory")) == bytes)
			return true;
		short_while();
	}
	return false;
}

static long long memory_of_the_machine(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	long long kilobytes = 0;

	if (!file || fscanf(file, "MemTotal: %lld kB", &kilobytes) != 1)
		tap_bail("/proc/meminfo");
	fclose(file);
	return kilobytes * 1024;
}

static void adapters_have_a_limit(void)
{
	const char *limit_file = adapter_file(path, "memory_limit");
	long long limit = read_number(limit_file);
	long long half = memory_of_the_machine() / 2;
	int session = session_open(path);
	struct buffer first, second;
	char text[32];

	/* The kernel may have found or kept some pages since the module was loaded. */
	tap_ok(llabs(limit - half) < half / 50, "an adapter has half of memory: %lld bytes",
	       limit);
	if (write_text(limit_file, "0x180000"))
		tap_bail(limit_file);
	tap_equal(allocate(session, &first), 0, "a buffer within it");
	tap_refused(allocate(session, &second), ENOBUFS, "and none beyond it, for root either");
	tap_ok(memory_becomes(MEGABYTE), "the memory in use is told");
	drop_buffer(session, &first);
	tap_ok(memory_becomes(0), "and none is when all is given up");
	snprintf(text, sizeof(text), "%lld", limit);
	write_text(adapter_file(path, "memory_limit"), text);
	close(session);
}

/* As many faults as a number can hold take no longer than one: there is no loop over them. */
static void many_faults_are_one(void)
{
	int session = session_open(path);
	struct buffer buffer = alloc_capture(session, get_format(session).bytes,
					     GRABDMA_ALLOC_PAGES);
	struct grabdma_record record;

	inject(session, GRABDMA_FAULT_DROP, UINT64_MAX);
	if (try_queue(session, buffer.id) || try_start(session, 0, 0, 0))
		tap_bail("START");
	record = next_record(session, 20000);
	tap_ok(record.type == GRABDMA_RECORD_DROP && record.dropped_before == UINT64_MAX &&
		       (record.flags & GRABDMA_RECORD_INJECTED),
	       "2^64 - 1 frames are dropped at once");
	record = next_record(session, 20000);
	tap_equal(record.type, GRABDMA_RECORD_FRAME, "and the one after them comes");
	try_stop(session, GRABDMA_STOP_DEQUEUE);

	inject(session, GRABDMA_FAULT_DROP, UINT64_MAX);
	if (try_start(session, 1, 1000, 1000000))
		tap_bail("START");
	try_stop(session, 0);
	inject(session, GRABDMA_FAULT_DROP, 3);
	while (next_record(session, 50).type)
		continue;
	if (try_queue(session, buffer.id) || try_trigger(session, 5))
		tap_bail("TRIGGER");
	record = next_record(session, 20000);
	tap_equal(record.dropped_before, 3, "a limited capture loses what is to be lost");
	record = next_record(session, 20000);
	tap_ok(record.type == GRABDMA_RECORD_FRAME && record.dropped_before == 3,
	       "and takes the rest");
	close(session);
}

static int start_for_ever(void)
{
	int session = session_open(path);

	for (;;)
		if (!try_start(session, 1, 30, 0))
			return 1;
}

/* Is something kept from beginning, although nobody has a right to that? */
static bool engine_is_claimed(FILE *state)
{
	unsigned int claims = 0;
	char line[256];

	rewind(state);
	while (fgets(line, sizeof(line), state))
		if (sscanf(line, "engine: %*[^,], %u claims", &claims) == 1)
			break;
	return claims;
}

/*
 * Each claim of somebody else's, however short, costs the frame that is due meanwhile. That is
 * looked for, and not the frames: a slow machine loses some by itself.
 */
static void refused_starts_cost_the_owner_nothing(void)
{
	int session = session_open(path), claimed = 0, i;
	FILE *state = fopen("/sys/kernel/debug/grabdma/grabdma0/state", "r");
	pid_t spammers[SPAMMERS];

	if (!state)
		tap_bail("the adapter's state");
	setvbuf(state, NULL, _IONBF, 0);
	if (try_start(session, 1, 10, 0))
		tap_bail("START");
	for (i = 0; i < SPAMMERS; i++)
		spammers[i] = in_child(start_for_ever);
	for (i = 0; i < LOOKS; i++)
		claimed += engine_is_claimed(state);
	for (i = 0; i < SPAMMERS; i++) {
		kill(spammers[i], SIGKILL);
		tap_equal(wait_for(spammers[i]), 128 + SIGKILL,
			  "STARTs beside a capture are refused, all of them");
	}
	tap_equal(claimed, 0, "and keep no frame from being captured");
	fclose(state);
	close(session);
}

int main(int argc, char **argv)
{
	path = device_path(argc, argv);
	if (chmod(path, 0666))
		tap_bail("chmod");
	memory_counts_as_locked();
	adapters_have_a_limit();
	refused_starts_cost_the_owner_nothing();
	many_faults_are_one();
	chmod(path, 0660);
	return tap_end();
}
