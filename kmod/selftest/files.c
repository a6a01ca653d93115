// SPDX-License-Identifier: GPL-2.0
/* Buffers as files: they behave as on tmpfs, but for their size, which nobody changes. */
#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "session.h"

#define SIZE 100003 /* neither a multiple of the page nor even */

static int session;
static struct buffer buffer;
static sigjmp_buf bus_error;

static void on_bus_error(int signal)
{
	(void)signal;
	siglongjmp(bus_error, 1);
}

static bool faults_at(const volatile char *address)
{
	if (sigsetjmp(bus_error, 1))
		return true;
	(void)*address;
	return false;
}

static void sizes_are_exact(void)
{
	struct stat status;
	char *bytes = malloc(SIZE + 1);

	fstat(buffer.live, &status);
	tap_ok(S_ISREG(status.st_mode) && status.st_size == SIZE, "a regular file of exact size");
	tap_equal(pread(buffer.frame, bytes, SIZE + 1, 0), SIZE, "read() ends with the file");
	tap_equal(pread(buffer.live, bytes, 10, SIZE), 0, "and gives nothing behind it");
	tap_equal(lseek(buffer.live, 0, SEEK_END), SIZE, "SEEK_END");
	tap_equal(lseek(buffer.live, 5, SEEK_DATA), 5, "SEEK_DATA: there are no holes");
	tap_equal(lseek(buffer.live, 5, SEEK_HOLE), SIZE, "SEEK_HOLE: but for the end");
	free(bytes);
}

static void sizes_stay(void)
{
	tap_refused(ftruncate(buffer.live, 10), EPERM, "ftruncate to less");
	tap_refused(ftruncate(buffer.live, SIZE * 2), EPERM, "ftruncate to more");
	tap_refused(fallocate(buffer.live, 0, 0, SIZE * 2), EOPNOTSUPP, "fallocate");
	tap_refused(fallocate(buffer.live, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096),
		    EOPNOTSUPP, "punching a hole");
	tap_equal(pwrite(buffer.live, "0123456789", 10, SIZE - 4), 4, "a write is cut at the end");
	tap_refused(pwrite(buffer.live, "x", 1, SIZE), ENOSPC, "a write at the end");
}

static void views_are_one_memory(void)
{
	char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, buffer.live, 0);
	char *private = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, buffer.live, 0);
	char *frame = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, buffer.frame, 0);
	char byte = 0;

	map[5000] = 'm';
	tap_ok(pread(buffer.live, &byte, 1, 5000) == 1 && byte == 'm', "read() sees a mapping");
	put_bytes(buffer.live, "w", 1, 5001);
	tap_ok(map[5001] == 'w', "a mapping sees write()");
	tap_ok(frame[5000] == 'm' && frame[5001] == 'w', "the frame view shows the same");
	tap_ok(private[5000] == 'm', "a private mapping shows the file");
	private[5000] = 'p';
	tap_ok(map[5000] == 'm' && private[5000] == 'p', "and keeps its changes to itself");
	tap_refused(madvise(map, 4096, MADV_REMOVE), EOPNOTSUPP, "MADV_REMOVE");
	tap_equal(mprotect(map, SIZE, PROT_READ), 0, "mprotect to read-only");
	tap_equal(mprotect(map, SIZE, PROT_READ | PROT_WRITE), 0, "and back");
	munmap(map, SIZE);
	munmap(private, SIZE);
	munmap(frame, SIZE);
}

static void the_end_is_a_bus_error(void)
{
	size_t whole = (SIZE + 4095) / 4096 * 4096;
	char *map = mmap(NULL, whole + 8192, PROT_READ, MAP_SHARED, buffer.live, 0);
	char *grown;

	signal(SIGBUS, on_bus_error);
	tap_ok(!faults_at(map + SIZE - 1), "the last byte is there");
	tap_ok(faults_at(map + whole), "the page behind it is SIGBUS");
	grown = mremap(map, whole + 8192, whole + 65536, MREMAP_MAYMOVE);
	tap_ok(grown != MAP_FAILED, "mremap grows a mapping");
	tap_ok(!faults_at(grown) && faults_at(grown + whole + 61440), "to more SIGBUS");
	signal(SIGBUS, SIG_DFL);
	munmap(grown, whole + 65536);
}

static void pages_travel(void)
{
	int file = memfd_create("copy", MFD_CLOEXEC);
	char *original = malloc(SIZE), *copy = malloc(SIZE);
	struct buffer other = alloc_capture(session, SIZE, GRABDMA_ALLOC_LARGE);
	off_t offset = 0;

	get_bytes(buffer.frame, original, SIZE, 0);
	tap_equal(sendfile(file, buffer.frame, &offset, SIZE), SIZE, "sendfile of a frame");
	tap_ok(pread(file, copy, SIZE, 0) == SIZE && !memcmp(original, copy, SIZE),
	       "copies it");
	tap_equal(copy_file_range(buffer.live, &(loff_t){ 0 }, other.live, &(loff_t){ 0 }, SIZE, 0),
		  SIZE, "copy_file_range from buffer to buffer");
	tap_ok(pread(other.frame, copy, SIZE, 0) == SIZE && !memcmp(original, copy, SIZE),
	       "copies it, too");
	drop_buffer(session, &other);
	free(original);
	free(copy);
	close(file);
}

static void pipes_children_and_poll(void)
{
	struct pollfd waiting = { .fd = buffer.frame, .events = POLLIN };
	char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, buffer.live, 0);
	loff_t offset = 6000;
	int pipes[2];
	pid_t child;

	tap_equal(poll(&waiting, 1, 0), 1, "poll: a buffer can always be read");
	if (pipe(pipes) || write(pipes[1], "piped", 5) != 5)
		tap_bail("pipe");
	tap_equal(splice(pipes[0], NULL, buffer.live, &offset, 5, 0), 5, "splice into a buffer");
	tap_ok(!memcmp(map + 6000, "piped", 5), "arrives in the mapping");
	child = fork();
	if (!child) {
		map[7000] = 'c';
		_exit(0);
	}
	waitpid(child, NULL, 0);
	tap_ok(map[7000] == 'c', "a forked child shares the mapping");
	munmap(map, SIZE);
	close(pipes[0]);
	close(pipes[1]);
}

/* A RAM disk (module brd) does real direct I/O: its requests carry the buffer's own pages. */
static void pages_go_to_disk_directly(void)
{
	const size_t bytes = SIZE / 4096 * 4096;
	int disk = open("/dev/ram0", O_RDWR | O_DIRECT | O_CLOEXEC);
	char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, buffer.live, 0);
	char *original;

	if (disk < 0) {
		tap_skip("O_DIRECT out of and into a mapping", "no /dev/ram0");
		munmap(map, bytes);
		return;
	}
	original = malloc(bytes);
	get_bytes(buffer.live, original, bytes, 0);
	tap_equal(pwrite(disk, map, bytes, 0), bytes, "O_DIRECT out of a mapping");
	memset(map, 0, bytes);
	tap_equal(pread(disk, map, bytes, 0), bytes, "O_DIRECT into a mapping");
	tap_ok(!memcmp(map, original, bytes), "brings every byte back");
	free(original);
	munmap(map, bytes);
	close(disk);
}

static long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static void count_faults(uint32_t strategy, bool writes, const char *name)
{
	const size_t bytes = 8 << 20;
	struct buffer big = alloc_capture(session, bytes, strategy);
	volatile char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, big.live, 0);
	long before = minor_faults();
	size_t offset;

	for (offset = 0; offset < bytes; offset += 4096) {
		if (writes)
			map[offset] = 1;
		else
			(void)map[offset];
	}
	tap_equal(minor_faults() - before, 4, name);
	munmap((void *)map, bytes);
	map = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, big.live, 0);
	before = minor_faults();
	for (offset = 0; offset < bytes; offset += 4096)
		(void)map[offset];
	tap_equal(minor_faults() - before, 0, "MAP_POPULATE: none");
	munmap((void *)map, bytes);
	drop_buffer(session, &big);
}

static void aligned_memory_takes_four_faults(void)
{
	count_faults(GRABDMA_ALLOC_LARGE, false, "large folios: 4 faults to read 8 MiB");
	count_faults(GRABDMA_ALLOC_LARGE, true, "large folios: 4 faults to write 8 MiB");
	count_faults(GRABDMA_ALLOC_PAGES, false, "single pages: 4 faults to read 8 MiB");
	count_faults(GRABDMA_ALLOC_PAGES, true, "single pages: 4 faults to write 8 MiB");
	count_faults(GRABDMA_ALLOC_CONTIGUOUS, true, "contiguous: 4 faults to write 8 MiB");
}

int main(int argc, char **argv)
{
	session = session_open(device_path(argc, argv));
	buffer = alloc_capture(session, SIZE, GRABDMA_ALLOC_PAGES);
	sizes_are_exact();
	sizes_stay();
	views_are_one_memory();
	the_end_is_a_bus_error();
	pages_travel();
	pipes_children_and_poll();
	pages_go_to_disk_directly();
	aligned_memory_takes_four_faults();
	return tap_end();
}
