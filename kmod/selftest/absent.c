// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that never comes: a program hands the module an address whose page it withholds
 * (userfaultfd), and sleeps in the kernel for ever. Everybody else goes on, and the device can be
 * taken away.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "guest.h"
#include "session.h"

#define PAGE 4096

/* One way to wait for ever; all of it happens in a child. */
struct scene {
	const char *name;
	bool can_be_read; /* the page has its bytes and is withheld when it is written to */
	int (*call)(int session, void *page);
};

static const char *path;
static char driver[PATH_MAX], device_name[NAME_MAX];
static int told[2]; /* a byte comes when the kernel waits for the page */
static const struct scene *scene;
static struct buffer shared; /* of a session of the parent's */

static int info(int session, void *page)
{
	return ioctl(session, GRABDMA_INFO, page);
}

static int alloc(int session, void *page)
{
	return ioctl(session, GRABDMA_ALLOC, page);
}

static int stop(int session, void *page)
{
	return ioctl(session, GRABDMA_STOP, page);
}

static int ask_for_states(int session, void *page)
{
	struct buffer buffer = alloc_capture(session, PAGE, GRABDMA_ALLOC_PAGES);
	struct grabdma_buffer_state argument = {
		.size = sizeof(argument),
		.count = 1,
		.entries = (uintptr_t)page,
	};

	return buffer.id || ioctl(session, GRABDMA_BUFFER_STATE, &argument);
}

/* A frame that finds no buffer makes a record. */
static int read_record(int session, void *page)
{
	return try_start(session, 1, 1000, 1) || read(session, page, PAGE) < 0;
}

static int write_to_buffer(int session, void *page)
{
	(void)session;
	return write(shared.live, page, PAGE) < 0;
}

static int read_from_buffer(int session, void *page)
{
	struct buffer buffer = alloc_capture(session, PAGE, GRABDMA_ALLOC_PAGES);

	return read(buffer.live, page, PAGE) < 0;
}

static const struct scene scenes[] = {
	{ "INFO that cannot answer", true, info },
	{ "ALLOC that cannot answer", true, alloc },
	{ "STOP whose argument does not come", false, stop },
	{ "BUFFER_STATE whose entries do not come", false, ask_for_states },
	{ "BUFFER_STATE that cannot answer", true, ask_for_states },
	{ "read() of a record", false, read_record },
	{ "write() to a buffer", false, write_to_buffer },
	{ "read() from a buffer", false, read_from_buffer },
};

/* Tells the parent that the kernel asks for the page, and leaves it at that. */
static void *watch(void *argument)
{
	struct uffd_msg message;

	if (read(*(int *)argument, &message, sizeof(message)) != sizeof(message) ||
	    write(told[1], "!", 1) != 1)
		_exit(97);
	return NULL;
}

static void withhold(void *page)
{
	static int fault_fd;
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register registration = {
		.range = { (uintptr_t)page, PAGE },
		.mode = scene->can_be_read ? UFFDIO_REGISTER_MODE_WP : UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_writeprotect protection = {
		.range = registration.range,
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};
	pthread_t thread;

	fault_fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fault_fd < 0 || ioctl(fault_fd, UFFDIO_API, &api) ||
	    ioctl(fault_fd, UFFDIO_REGISTER, &registration) ||
	    (scene->can_be_read && ioctl(fault_fd, UFFDIO_WRITEPROTECT, &protection)) ||
	    pthread_create(&thread, NULL, watch, &fault_fd))
		_exit(96);
}

/* A struct of zeros is an argument of most commands, when it says its size. */
static void fill(void *page)
{
	struct grabdma_alloc *argument = page;

	if (scene->call == info)
		argument->size = sizeof(struct grabdma_info);
	else if (scene->call == alloc)
		*argument = (struct grabdma_alloc){
			.size = sizeof(*argument),
			.flags = GRABDMA_ALLOC_PAGES,
			.bytes = PAGE,
			.direction = GRABDMA_DIRECTION_CAPTURE,
		};
	else
		memset(page, 0, PAGE);
}

static int wait_for_ever(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int session = session_open(path);

	if (page == MAP_FAILED)
		return 95;
	if (scene->can_be_read)
		fill(page);
	withhold(page);
	return scene->call(session, page);
}

static int unbind(void)
{
	char file[PATH_MAX + 16];

	snprintf(file, sizeof(file), "%s/unbind", driver);
	return write_text(file, device_name) ? 1 : 0;
}

static void bind_again(void)
{
	char file[PATH_MAX + 16];
	int tries;

	snprintf(file, sizeof(file), "%s/bind", driver);
	if (write_text(file, device_name))
		tap_bail("bind");
	for (tries = patience(); tries && access(path, R_OK); tries--)
		short_while();
}

static int use_the_device(void)
{
	int session = session_open(path);
	struct buffer buffer = alloc_capture(session, get_format(session).bytes,
					     GRABDMA_ALLOC_PAGES);

	put_bytes(shared.live, "x", 1, 0);
	capture(session, buffer.id);
	return 0;
}

static void play(void)
{
	int session = session_open(path);
	pid_t waiter, other, unbinder;
	bool served, unbound;
	char byte;

	shared = alloc_capture(session, PAGE, GRABDMA_ALLOC_PAGES);
	waiter = in_child(wait_for_ever);
	if (read(told[0], &byte, 1) != 1)
		tap_bail("the fault");
	other = in_child(use_the_device);
	served = tap_ok(!wait_for(other), "%s: others go on", scene->name);
	unbinder = in_child(unbind);
	unbound = tap_ok(!wait_for(unbinder), "%s: the device can go", scene->name);
	kill(waiter, SIGKILL);
	waitpid(waiter, NULL, 0);
	if (!served)
		waitpid(other, NULL, 0);
	if (!unbound)
		waitpid(unbinder, NULL, 0);
	drop_buffer(session, &shared);
	close(session);
	bind_again();
}

int main(int argc, char **argv)
{
	char device[PATH_MAX];
	size_t i;

	path = device_path(argc, argv);
	if (!realpath(adapter_file(path, "device"), device) ||
	    !realpath(adapter_file(path, "device/driver"), driver) || pipe(told))
		tap_bail("the device in sysfs");
	snprintf(device_name, sizeof(device_name), "%s", basename(device));
	for (i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		scene = &scenes[i];
		play();
	}
	return tap_end();
}
