/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's ioctls as functions, for the selftests. Those that cannot fail in a working system
 * bail out; the others return what ioctl() returned. Built with _GNU_SOURCE.
 */
#ifndef GRABDMA_SELFTEST_SESSION_H
#define GRABDMA_SELFTEST_SESSION_H

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../test_picture.h"
#include "../uapi/grabdma.h"
#include "tap.h"

struct buffer {
	uint32_t id;
	uint64_t bytes;
	uint32_t segments;
	int live;
	int frame;
};

static inline int session_open(const char *path)
{
	int session = open(path, O_RDWR | O_CLOEXEC);

	if (session < 0)
		tap_bail(path);
	return session;
}

/* The device named on the command line, or the first one. */
static inline const char *device_path(int argc, char **argv)
{
	return argc > 1 ? argv[1] : "/dev/grabdma0";
}

static inline struct grabdma_info get_info(int session)
{
	struct grabdma_info info = { .size = sizeof(info) };

	if (ioctl(session, GRABDMA_INFO, &info))
		tap_bail("INFO");
	return info;
}

static inline struct grabdma_format get_format(int session)
{
	struct grabdma_format format = { .size = sizeof(format) };

	if (ioctl(session, GRABDMA_GET_FORMAT, &format))
		tap_bail("GET_FORMAT");
	return format;
}

static inline int try_format(int session, uint32_t fourcc, uint32_t width, uint32_t height,
			     uint64_t bytes)
{
	struct grabdma_format format = {
		.size = sizeof(format),
		.fourcc = fourcc,
		.width = width,
		.height = height,
		.bytes = bytes,
	};

	return ioctl(session, GRABDMA_SET_FORMAT, &format);
}

static inline int try_alloc(int session, uint64_t bytes, uint32_t strategy, uint32_t direction,
			    uint32_t writeback_ms, struct buffer *buffer)
{
	struct grabdma_alloc alloc = {
		.size = sizeof(alloc),
		.flags = strategy,
		.bytes = bytes,
		.direction = direction,
		.writeback_ms = writeback_ms,
	};

	if (ioctl(session, GRABDMA_ALLOC, &alloc))
		return -1;
	*buffer = (struct buffer){ alloc.buffer, bytes, alloc.segments, alloc.live_fd,
				   alloc.frame_fd };
	return 0;
}

static inline struct buffer alloc_capture(int session, uint64_t bytes, uint32_t strategy)
{
	struct buffer buffer;

	if (try_alloc(session, bytes, strategy, GRABDMA_DIRECTION_CAPTURE, 0, &buffer))
		tap_bail("ALLOC for capture");
	return buffer;
}

static inline struct buffer alloc_output(int session, uint64_t bytes, uint32_t writeback_ms)
{
	struct buffer buffer;

	if (try_alloc(session, bytes, GRABDMA_ALLOC_PAGES, GRABDMA_DIRECTION_OUTPUT, writeback_ms,
		      &buffer))
		tap_bail("ALLOC for output");
	return buffer;
}

static inline int try_free(int session, uint32_t id)
{
	struct grabdma_free argument = { .size = sizeof(argument), .buffer = id };

	return ioctl(session, GRABDMA_FREE, &argument);
}

/* Gives up the buffer and the session's descriptors of it. */
static inline void drop_buffer(int session, const struct buffer *buffer)
{
	if (try_free(session, buffer->id))
		tap_bail("FREE");
	close(buffer->live);
	if (buffer->frame >= 0)
		close(buffer->frame);
}

static inline int try_queue(int session, uint32_t id)
{
	struct grabdma_queue argument = { .size = sizeof(argument), .buffer = id };

	return ioctl(session, GRABDMA_QUEUE, &argument);
}

static inline int try_start(int session, uint32_t num, uint32_t den, uint64_t frames)
{
	struct grabdma_start argument = {
		.size = sizeof(argument),
		.interval_num = num,
		.interval_den = den,
		.frames = frames,
	};

	return ioctl(session, GRABDMA_START, &argument);
}

static inline int try_stop(int session, uint32_t flags)
{
	struct grabdma_stop argument = { .size = sizeof(argument), .flags = flags };

	return ioctl(session, GRABDMA_STOP, &argument);
}

static inline int try_trigger(int session, uint64_t frames)
{
	struct grabdma_trigger argument = { .size = sizeof(argument), .frames = frames };

	return ioctl(session, GRABDMA_TRIGGER, &argument);
}

static inline int try_inject(int session, uint32_t fault, uint64_t value)
{
	struct grabdma_inject argument = {
		.size = sizeof(argument),
		.fault = fault,
		.value = value,
	};

	return ioctl(session, GRABDMA_INJECT, &argument);
}

static inline void inject(int session, uint32_t fault, uint64_t value)
{
	if (try_inject(session, fault, value))
		tap_bail("INJECT");
}

static inline struct grabdma_buffer_entry look_at(int session, uint32_t id, uint32_t flags)
{
	struct grabdma_buffer_entry entry = { .buffer = id };
	struct grabdma_buffer_state argument = {
		.size = sizeof(argument),
		.flags = flags,
		.count = 1,
		.entries = (uintptr_t)&entry,
	};

	if (ioctl(session, GRABDMA_BUFFER_STATE, &argument))
		tap_bail("BUFFER_STATE");
	return entry;
}

static inline struct grabdma_buffer_entry get_state(int session, uint32_t id)
{
	return look_at(session, id, 0);
}

/* Waits for the next record; type 0 when none came in time. */
static inline struct grabdma_record next_record(int session, int timeout_ms)
{
	struct pollfd poller = { .fd = session, .events = POLLIN };
	struct grabdma_record record = { 0 };

	if (poll(&poller, 1, timeout_ms) != 1)
		return record;
	if (read(session, &record, sizeof(record)) != sizeof(record))
		record.type = 0;
	return record;
}

/* One frame into the buffer. Bails out when something else comes. */
static inline struct grabdma_record capture(int session, uint32_t id)
{
	struct grabdma_record record;

	if (try_queue(session, id) || try_trigger(session, 1))
		tap_bail("capture");
	record = next_record(session, 20000);
	if (record.type != GRABDMA_RECORD_FRAME || record.buffer != id)
		tap_bail("no frame");
	return record;
}

/* Opens a view again, as somebody else would. */
static inline int reopen(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

/* Is this the picture with this sequence number? */
static inline bool is_picture(const void *bytes, const struct grabdma_format *format,
			      uint64_t sequence)
{
	struct test_picture picture;
	uint8_t *table, *expected;
	bool equal;

	if (!test_picture_init(&picture, format->fourcc, format->width, format->height))
		return false;
	table = malloc(test_picture_table_bytes(&picture));
	expected = malloc(picture.bytes);
	if (!table || !expected)
		tap_bail("malloc");
	test_picture_table_init(&picture, table);
	test_picture_paint(&picture, table, sequence, 0, picture.bytes, expected);
	equal = !memcmp(expected, bytes, picture.bytes);
	free(table);
	free(expected);
	return equal;
}

/* Is every byte of the file that of the picture with this sequence number? */
static inline bool shows_picture(int fd, const struct grabdma_format *format, uint64_t sequence)
{
	uint8_t *bytes = malloc(format->bytes);
	bool equal;

	if (!bytes)
		tap_bail("malloc");
	equal = pread(fd, bytes, format->bytes, 0) == (ssize_t)format->bytes &&
		is_picture(bytes, format, sequence);
	free(bytes);
	return equal;
}

/* Writes or reads all of it, or the test cannot go on. */
static inline void put_bytes(int fd, const void *bytes, size_t size, off_t offset)
{
	if (pwrite(fd, bytes, size, offset) != (ssize_t)size)
		tap_bail("pwrite");
}

static inline void get_bytes(int fd, void *bytes, size_t size, off_t offset)
{
	if (pread(fd, bytes, size, offset) != (ssize_t)size)
		tap_bail("pread");
}

#endif /* GRABDMA_SELFTEST_SESSION_H */
