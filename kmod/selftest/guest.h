/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine around a selftest, as root sees it: sysfs, other users, other processes, patience.
 */
#ifndef GRABDMA_SELFTEST_GUEST_H
#define GRABDMA_SELFTEST_GUEST_H

#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define ORDINARY_USER 1000

/*
 * Twentieths of a second that a working system never needs; VM_PATIENCE is a factor for slow ones.
 */
static inline int patience(void)
{
	const char *factor = getenv("VM_PATIENCE");

	return 20 * 20 * (factor ? atoi(factor) : 1);
}

static inline bool linux_before(int major, int minor)
{
	struct utsname kernel;
	int have[2] = { 0 };

	uname(&kernel);
	sscanf(kernel.release, "%d.%d", &have[0], &have[1]);
	return have[0] < major || (have[0] == major && have[1] < minor);
}

static inline void short_while(void)
{
	usleep(50000);
}

/* The first line of a file as a number; -1: there is none. */
static inline long long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	long long number = -1;

	if (file) {
		if (fscanf(file, "%lli", &number) != 1)
			number = -1;
		fclose(file);
	}
	return number;
}

static inline int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written = fd < 0 ? -1 : write(fd, text, strlen(text));

	close(fd);
	return written < 0 ? -1 : 0;
}

/* A file of the adapter's in sysfs, for the node /dev/grabdmaN. */
static inline const char *adapter_file(const char *node, const char *name)
{
	static char path[PATH_MAX];
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", node);
	snprintf(path, sizeof(path), "/sys/class/grabdma/%s/%s", basename(copy), name);
	return path;
}

/* Runs @body in a child; returns its process number. */
static inline pid_t in_child(int (*body)(void))
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		tap_bail("fork");
	if (!child)
		_exit(body());
	return child;
}

/* Gives up root for good. */
static inline void become_ordinary(void)
{
	if (setgroups(0, NULL) || setgid(ORDINARY_USER) || setuid(ORDINARY_USER))
		_exit(99);
}

/* Waits until the child has ended, with patience; -1: it does not end. */
static inline int wait_for(pid_t child)
{
	int tries, status;

	for (tries = patience(); tries; tries--) {
		if (waitpid(child, &status, WNOHANG) == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		short_while();
	}
	return -1;
}

/* The exit status of @body, run as an ordinary user. */
static inline int as_ordinary_user(int (*body)(void))
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		tap_bail("fork");
	if (!child) {
		become_ordinary();
		_exit(body());
	}
	return wait_for(child);
}

#endif /* GRABDMA_SELFTEST_GUEST_H */
