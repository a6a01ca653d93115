// SPDX-License-Identifier: GPL-2.0
/*
 * Output: fsync() and msync() send exactly what was written, and say when they could not. What the
 * device has is read back by a raw capture of its memory.
 */
#include <sys/stat.h>

#include "session.h"

static int session;
static size_t device_bytes;
static struct buffer probe;
static uint8_t *expected;

/* Does the device's memory hold what it should? */
static bool device_agrees(void)
{
	uint8_t *actual = malloc(device_bytes);
	bool equal;

	capture(session, probe.id);
	equal = pread(probe.frame, actual, device_bytes, 0) == (ssize_t)device_bytes &&
		!memcmp(expected, actual, device_bytes);
	free(actual);
	return equal;
}

static void blank_device(const struct buffer *buffer)
{
	memset(expected, 0, device_bytes);
	if (pwrite(buffer->live, expected, device_bytes, 0) != (ssize_t)device_bytes ||
	    fsync(buffer->live))
		tap_bail("blanking the device");
}

static void writes_are_sent_exactly(const struct buffer *buffer)
{
	blank_device(buffer);
	tap_ok(device_agrees(), "the device is blank");
	put_bytes(buffer->live, "hello", 5, 1001);
	tap_ok(get_state(session, buffer->id).flags & GRABDMA_BUFFER_DIRTY,
	       "what was written shows as dirty");
	tap_ok(device_agrees(), "write() alone sends nothing");
	memcpy(expected + 1001, "hello", 5);
	tap_equal(fsync(buffer->live), 0, "fsync");
	tap_ok(device_agrees(), "sends what was written");
	tap_ok(!(get_state(session, buffer->id).flags & GRABDMA_BUFFER_DIRTY),
	       "after which nothing is dirty");
}

/* Bytes that were not written in between are not sent: the device keeps its own. */
static void only_written_bytes_are_sent(const struct buffer *buffer)
{
	struct buffer other = alloc_output(session, device_bytes, 0);

	put_bytes(other.live, "world", 5, 2000);
	memcpy(expected + 2000, "world", 5);
	tap_ok(!fsync(other.live) && device_agrees(),
	       "a second buffer changes five bytes of the device and no other");
	tap_ok(!fsync(buffer->live) && device_agrees(), "an fsync without a write changes none");
	drop_buffer(session, &other);
}

static void mappings_are_sent(const struct buffer *buffer)
{
	char *map = mmap(NULL, device_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->live, 0);

	memcpy(map + 100, "mapped", 6);
	get_bytes(buffer->live, expected, device_bytes < 4096 ? device_bytes : 4096, 0);
	tap_equal(msync(map, 4096, MS_SYNC), 0, "msync(MS_SYNC)");
	tap_ok(device_agrees(), "sends the page that was written");
	memcpy(map + 200, "again", 5);
	memcpy(expected + 200, "again", 5);
	tap_ok(!msync(map, 4096, MS_SYNC) && device_agrees(), "a page is noticed every time");
	memcpy(map + 300, "late", 4);
	memcpy(expected + 300, "late", 4);
	munmap(map, device_bytes);
	tap_ok(!fsync(buffer->live) && device_agrees(), "also when the mapping has gone");
}

static void only_the_range_is_sent(const struct buffer *buffer)
{
	char *map = mmap(NULL, device_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->live, 0);

	if (device_bytes < 3 * 4096) {
		tap_skip("msync of a range", "the device's memory is one page");
		return;
	}
	get_bytes(buffer->live, expected, device_bytes, 0);
	fsync(buffer->live);
	map[10] = 'a';
	map[8192 + 10] = 'b';
	expected[8192 + 10] = 'b';
	tap_equal(msync(map + 8192, 4096, MS_SYNC), 0, "msync of the third page");
	tap_ok(device_agrees(), "does not send the first");
	expected[10] = 'a';
	tap_ok(!msync(map, 4096, MS_SYNC) && device_agrees(), "which has its turn later");
	munmap(map, device_bytes);
}

static void errors_are_told_once(const struct buffer *buffer)
{
	put_bytes(buffer->live, "error", 5, 64);
	inject(session, GRABDMA_FAULT_DMA_ERROR, 1);
	tap_refused(fsync(buffer->live), EIO, "a failed transfer is EIO");
	tap_equal(fsync(buffer->live), 0, "once; the next fsync sends it again");
	memcpy(expected + 64, "error", 5);
	tap_ok(device_agrees(), "and the device has it");
}

static bool soon(bool (*condition)(void))
{
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (condition())
			return true;
		usleep(20000);
	}
	return false;
}

static void writeback_comes_by_itself(void)
{
	struct buffer buffer = alloc_output(session, device_bytes, 50);
	char *map;

	blank_device(&buffer);
	put_bytes(buffer.live, "deferred", 8, 512);
	memcpy(expected + 512, "deferred", 8);
	tap_ok(soon(device_agrees), "write-back sends what was written");
	map = mmap(NULL, device_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, buffer.live, 0);
	memcpy(map + 600, "mapped", 6);
	memcpy(expected + 600, "mapped", 6);
	tap_ok(soon(device_agrees), "and what a mapping wrote");
	memcpy(map + 700, "more", 4);
	memcpy(expected + 700, "more", 4);
	tap_ok(soon(device_agrees), "again and again");
	memcpy(map + 800, "last", 4);
	memcpy(expected + 800, "last", 4);
	munmap(map, device_bytes);
	drop_buffer(session, &buffer);
	tap_ok(device_agrees(), "also the last bytes before the end");
}

static void freed_buffers_have_no_device(void)
{
	struct buffer buffer = alloc_output(session, 4096, 0);

	put_bytes(buffer.live, "x", 1, 0);
	if (try_free(session, buffer.id))
		tap_bail("FREE");
	tap_refused(fsync(buffer.live), ENODEV, "fsync of a freed buffer");
	tap_equal(pwrite(buffer.live, "y", 1, 0), 1, "whose memory is still there");
	close(buffer.live);
}

int main(int argc, char **argv)
{
	struct grabdma_info info;
	struct buffer buffer;

	session = session_open(device_path(argc, argv));
	info = get_info(session);
	device_bytes = info.device_bytes;
	expected = calloc(1, device_bytes);
	if (try_format(session, 0, 0, 0, device_bytes))
		tap_bail("SET_FORMAT");
	probe = alloc_capture(session, device_bytes, GRABDMA_ALLOC_PAGES);
	buffer = alloc_output(session, device_bytes, 0);
	tap_equal(buffer.frame, -1, "an output buffer has no frame view");
	tap_refused(try_queue(session, buffer.id), EOPNOTSUPP, "and is not queued");
	writes_are_sent_exactly(&buffer);
	only_written_bytes_are_sent(&buffer);
	mappings_are_sent(&buffer);
	only_the_range_is_sent(&buffer);
	if (info.capabilities & GRABDMA_CAP_INJECT)
		errors_are_told_once(&buffer);
	else
		tap_skip("errors", "the adapter does not inject any");
	writeback_comes_by_itself();
	freed_buffers_have_no_device();
	return tap_end();
}
