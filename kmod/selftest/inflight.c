// SPDX-License-Identifier: GPL-2.0
/*
 * On its way: pages of a frame that are in a pipe, in a socket's queue or under a disk's DMA are
 * that frame until they have arrived, though nobody has it open or mapped any more. Capture goes
 * round them.
 */
#include <arpa/inet.h>
#include <linux/aio_abi.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "guest.h"
#include "session.h"

#define BYTES (256 * 64)
#define ROUNDS 5
#define JUNK (1 << 20)

/* One way out of a buffer; it ends at @out_end, behind @junk other bytes. */
struct way {
	const char *name;
	int (*leave)(void); /* in a child, which has the frame open as @frame; 0 is success */
	int in_end, out_end;
	size_t junk;
};

static int session, frame;
static struct grabdma_format format;
static struct buffer watched, other;
static struct way *way;

static void *map_frame(void)
{
	void *map = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, frame, 0);

	if (map == MAP_FAILED)
		_exit(90);
	return map;
}

static int leave_by_splice(void)
{
	loff_t offset = 0;

	return splice(frame, &offset, way->in_end, NULL, BYTES, 0) != BYTES;
}

static int leave_by_sendfile(void)
{
	off_t offset = 0;

	return sendfile(way->in_end, frame, &offset, BYTES) != BYTES;
}

static int leave_by_tee(void)
{
	loff_t offset = 0;
	int pipes[2];

	return pipe(pipes) || splice(frame, &offset, pipes[1], NULL, BYTES, 0) != BYTES ||
	       tee(pipes[0], way->in_end, BYTES, 0) != BYTES;
}

static int leave_by_vmsplice(void)
{
	struct iovec pages = { map_frame(), BYTES };

	return vmsplice(way->in_end, &pages, 1, 0) != BYTES;
}

static int leave_by_zerocopy(void)
{
	return send(way->in_end, map_frame(), BYTES, MSG_ZEROCOPY) != BYTES;
}

static struct way ways[] = {
	{ .name = "splice into a pipe", .leave = leave_by_splice },
	{ .name = "splice and tee", .leave = leave_by_tee },
	{ .name = "vmsplice", .leave = leave_by_vmsplice },
	{ .name = "sendfile into a UNIX socket", .leave = leave_by_sendfile },
	{ .name = "sendfile into a TCP socket", .leave = leave_by_sendfile, .junk = JUNK },
	{ .name = "MSG_ZEROCOPY", .leave = leave_by_zerocopy, .junk = JUNK },
};

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ioctl(fd, SIOCGIFFLAGS, &request))
		tap_bail("the loopback device");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		tap_bail("the loopback device");
	close(fd);
}

/* A connection whose receiver takes little: what is sent waits at the sender's. */
static void connect_tcp(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int little = 4096, much = 2 * JUNK, yes = 1;

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	way->in_end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(way->in_end, SOL_SOCKET, SO_SNDBUFFORCE, &much, sizeof(much));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &length) ||
	    setsockopt(way->in_end, SOL_SOCKET, SO_ZEROCOPY, &yes, sizeof(yes)) ||
	    connect(way->in_end, (struct sockaddr *)&address, sizeof(address)))
		tap_bail("connect");
	way->out_end = accept(listener, NULL, NULL);
	close(listener);
}

static void send_junk(void)
{
	char *junk = calloc(1, way->junk);

	if (send(way->in_end, junk, way->junk, MSG_DONTWAIT) != (ssize_t)way->junk)
		tap_bail("filling the socket");
	free(junk);
}

static void open_way(void)
{
	int ends[2];

	if (way->junk) {
		connect_tcp();
		send_junk();
		return;
	}
	if (way->leave == leave_by_sendfile ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) :
					      pipe(ends))
		tap_bail("pipe");
	way->out_end = ends[0];
	way->in_end = ends[1];
}

static void read_all(void *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t count = read(way->out_end, (char *)bytes + done, size - done);

		if (count <= 0)
			tap_bail("what was sent did not arrive");
		done += count;
	}
}

static bool arrives_whole(uint64_t sequence)
{
	char *junk = malloc(way->junk + 1), *bytes = malloc(BYTES);
	bool whole;

	read_all(junk, way->junk);
	read_all(bytes, BYTES);
	whole = is_picture(bytes, &format, sequence);
	free(junk);
	free(bytes);
	return whole;
}

/*
 * Tries to fill both buffers again and again; the one that is on its way must be refused each time.
 */
static bool capture_goes_round(void)
{
	bool refused = true;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		refused &= try_queue(session, watched.id) == -1 && errno == EBUSY;
		capture(session, other.id);
	}
	return refused;
}

/* Ends with the buffer idle, as it began. */
static void send_a_frame(void)
{
	uint64_t sequence = capture(session, watched.id).sequence;
	struct grabdma_record record;

	open_way();
	frame = reopen(watched.frame, O_RDONLY);
	if (wait_for(in_child(way->leave)))
		tap_bail(way->name);
	close(frame);
	tap_ok(capture_goes_round(), "%s, then the process ends: its pages hold", way->name);
	tap_ok(arrives_whole(sequence), "every byte that arrives is the frame's");
	record = next_record(session, 120000);
	tap_ok(record.type == GRABDMA_RECORD_IDLE && record.buffer == watched.id,
	       "when they have, the buffer comes back");
	close(way->in_end);
	close(way->out_end);
}

/* The session's own descriptor counts for as long as it is spliced. */
static void queued_frames_are_not_spliced(void)
{
	loff_t offset = 0;
	int pipes[2];

	if (pipe(pipes) || try_queue(session, watched.id))
		tap_bail("QUEUE");
	tap_refused(splice(watched.frame, &offset, pipes[1], NULL, BYTES, 0), ESTALE,
		    "a frame that is given up for the next one is not spliced");
	try_stop(session, GRABDMA_STOP_DEQUEUE);
	close(pipes[0]);
	close(pipes[1]);
}

/* Who splices from the live view holds nothing, and has what was there. */
static void live_views_are_copied(void)
{
	uint64_t sequence = capture(session, watched.id).sequence;
	int live = reopen(watched.live, O_RDONLY);
	struct way copies = { 0 };
	loff_t offset = 0;
	int pipes[2];

	if (linux_before(6, 5)) {
		tap_skip("what is spliced from the live view is a copy", "Linux before 6.5");
		return;
	}
	if (pipe(pipes) || splice(live, &offset, pipes[1], NULL, BYTES, 0) != BYTES)
		tap_bail("splice");
	close(live);
	capture(session, watched.id);
	copies.out_end = pipes[0];
	way = &copies;
	tap_ok(arrives_whole(sequence), "what is spliced from the live view is a copy");
	close(pipes[0]);
	close(pipes[1]);
}

/* A disk that takes seconds for each request (module null_blk with a completion time). */
static void slow_disks_hold(void)
{
	int disk = open("/dev/nullb0", O_WRONLY | O_DIRECT | O_CLOEXEC);
	aio_context_t context = 0;
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = disk };
	struct iocb *requests[] = { &request };
	struct io_event event;
	void *map;

	if (disk < 0) {
		tap_skip("O_DIRECT to a slow disk", "no /dev/nullb0");
		return;
	}
	capture(session, watched.id);
	frame = reopen(watched.frame, O_RDONLY);
	map = map_frame();
	request.aio_buf = (uintptr_t)map;
	request.aio_nbytes = BYTES;
	if (syscall(SYS_io_setup, 1, &context) || syscall(SYS_io_submit, context, 1, requests) != 1)
		tap_bail("io_submit");
	munmap(map, BYTES);
	close(frame);
	tap_refused(try_queue(session, watched.id), EBUSY, "pages under a disk's DMA hold");
	if (syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1 || event.res != BYTES)
		tap_bail("io_getevents");
	tap_equal(next_record(session, 20000).type, GRABDMA_RECORD_IDLE, "until it is done");
	syscall(SYS_io_destroy, context);
	close(disk);
}

int main(int argc, char **argv)
{
	size_t i;

	session = session_open(device_path(argc, argv));
	if (try_format(session, TEST_PICTURE_GREY, 256, 64, 0))
		tap_bail("SET_FORMAT");
	format = get_format(session);
	watched = alloc_capture(session, BYTES, GRABDMA_ALLOC_PAGES);
	other = alloc_capture(session, BYTES, GRABDMA_ALLOC_PAGES);
	raise_loopback();
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		way = &ways[i];
		send_a_frame();
	}
	queued_frames_are_not_spliced();
	live_views_are_copied();
	slow_disks_hold();
	return tap_end();
}
