// SPDX-License-Identifier: GPL-2.0
/*
 * Captures one frame with the module alone and writes it out: no grabfs, no library.
 *
 *     gcc -o capture capture.c && ./capture /dev/grabdma0 > frame.raw
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../uapi/grabdma.h"

int main(int argc, char **argv)
{
	struct grabdma_format format = { .size = sizeof(format) };
	struct grabdma_alloc alloc = { .size = sizeof(alloc) };
	struct grabdma_queue queue = { .size = sizeof(queue) };
	struct grabdma_trigger trigger = { .size = sizeof(trigger), .frames = 1 };
	struct grabdma_record record;
	const char *path = argc > 1 ? argv[1] : "/dev/grabdma0";
	int session = open(path, O_RDWR);
	void *frame;

	if (session < 0 || ioctl(session, GRABDMA_GET_FORMAT, &format))
		err(1, "%s", path);

	/* A buffer for one image, in pages wherever the device reaches them. */
	alloc.flags = GRABDMA_ALLOC_LARGE;
	alloc.direction = GRABDMA_DIRECTION_CAPTURE;
	alloc.bytes = format.bytes;
	if (ioctl(session, GRABDMA_ALLOC, &alloc))
		err(1, "ALLOC of %llu bytes", (unsigned long long)format.bytes);

	/* Hand it to the device and ask for one frame. */
	queue.buffer = alloc.buffer;
	if (ioctl(session, GRABDMA_QUEUE, &queue) || ioctl(session, GRABDMA_TRIGGER, &trigger))
		err(1, "capture");
	if (read(session, &record, sizeof(record)) != sizeof(record))
		err(1, "read");
	if (record.type != GRABDMA_RECORD_FRAME)
		errx(1, "no frame: record type %u, error %d", record.type, record.error);

	/* The frame is a file. Mapped, its pages are the ones that the device wrote. */
	frame = mmap(NULL, record.bytes_used, PROT_READ, MAP_SHARED, alloc.frame_fd, 0);
	if (frame == MAP_FAILED)
		err(1, "mmap");
	fprintf(stderr, "frame %llu: %ux%u, %llu bytes\n", (unsigned long long)record.sequence,
		format.width, format.height, (unsigned long long)record.bytes_used);
	if (fwrite(frame, 1, record.bytes_used, stdout) != record.bytes_used)
		err(1, "write");
	return 0;
}
