// SPDX-License-Identifier: GPL-2.0
/*
 * Ten thousand times everything, in changing order; what was taken is all given back.
 * VM_REPETITIONS is the percentage of them that is enough on a kernel whose checks make each of
 * them slow.
 */
#include <stdlib.h>

#include "session.h"

#define CYCLES 10000
#define LEAK_KILOBYTES 4096
#define SETTLE_SECONDS 20
#define BYTES (16 * 1024)

static const uint32_t strategies[] = {
	GRABDMA_ALLOC_PAGES,
	GRABDMA_ALLOC_LARGE,
	GRABDMA_ALLOC_CONTIGUOUS,
};

static unsigned int cycles_wanted(void)
{
	const char *percent = getenv("VM_REPETITIONS");

	return percent ? CYCLES / 100 * atoi(percent) : CYCLES;
}

static long available_kilobytes(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long kilobytes = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %ld kB", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes;
}

static void use_mapping(const struct buffer *buffer)
{
	volatile char *map = mmap(NULL, buffer->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				  buffer->live, 0);

	if (map == MAP_FAILED)
		tap_bail("mmap");
	map[0] = 1;
	map[buffer->bytes - 1] = 1;
	munmap((void *)map, buffer->bytes);
}

/* Some leave it to close() to clean up, in the middle of things. */
static void one_cycle(const char *path, unsigned int number)
{
	int session = session_open(path);
	bool output = number % 4 == 3;
	uint32_t strategy = output ? GRABDMA_ALLOC_PAGES : strategies[number % 3];
	struct buffer buffer;

	if (try_format(session, TEST_PICTURE_GREY, 16, 16, 0) ||
	    try_alloc(session, BYTES, strategy,
		      output ? GRABDMA_DIRECTION_OUTPUT : GRABDMA_DIRECTION_CAPTURE,
		      output && number % 8 == 7 ? 1 : 0, &buffer))
		tap_bail("a cycle");
	use_mapping(&buffer);
	if (output)
		fsync(buffer.live);
	else if (number % 2)
		capture(session, buffer.id);
	else if (try_queue(session, buffer.id) || try_start(session, 1, 1000, 0))
		tap_bail("START");
	if (number % 5)
		drop_buffer(session, &buffer);
	close(session);
	if (!(number % 5)) {
		close(buffer.live);
		if (buffer.frame >= 0)
			close(buffer.frame);
	}
}

int main(int argc, char **argv)
{
	const char *path = device_path(argc, argv);
	unsigned int cycles = cycles_wanted();
	int keeper = session_open(path);
	long before, after;
	unsigned int i;

	/* The keeper spares each cycle the mounting of the module's file system, which is slow. */
	for (i = 0; i < cycles / 10; i++)
		one_cycle(path, i);
	before = available_kilobytes();
	for (; i < cycles; i++)
		one_cycle(path, i);
	close(keeper);
	/* Inodes and files are freed after a grace period; a leak never is. */
	for (i = 0; i < SETTLE_SECONDS; i++) {
		after = available_kilobytes();
		if (before - after < LEAK_KILOBYTES)
			break;
		sleep(1);
	}
	tap_ok(before - after < LEAK_KILOBYTES, "%u cycles cost %ld KiB", cycles, before - after);
	return tap_end();
}
