/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results in TAP, as kselftest prints them: one line for each check, the plan at the end, exit
 * status 0, 1 (something failed) or 4 (all skipped). A check that fails does not stop the program;
 * tap_bail() does.
 */
#ifndef GRABDMA_SELFTEST_TAP_H
#define GRABDMA_SELFTEST_TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count;
static int tap_failures;
static int tap_skips;

__attribute__((format(printf, 2, 3))) static inline bool tap_ok(bool passed, const char *name, ...)
{
	int error = errno;
	va_list arguments;

	printf("%s %d - ", passed ? "ok" : "not ok", ++tap_count);
	va_start(arguments, name);
	vprintf(name, arguments);
	va_end(arguments);
	printf("\n");
	if (!passed) {
		tap_failures++;
		printf("# errno was %d (%s)\n", error, strerror(error));
	}
	fflush(stdout);
	return passed;
}

static inline bool tap_equal(long long actual, long long expected, const char *name)
{
	bool passed = tap_ok(actual == expected, "%s", name);

	if (!passed)
		printf("# expected %lld, got %lld\n", expected, actual);
	return passed;
}

/* The call is to fail with this errno. */
static inline bool tap_refused(long long result, int expected, const char *name)
{
	bool passed = tap_ok(result == -1 && errno == expected, "%s", name);

	if (!passed)
		printf("# expected errno %d, the result was %lld\n", expected, result);
	return passed;
}

static inline void tap_skip(const char *name, const char *reason)
{
	tap_skips++;
	printf("ok %d - %s # SKIP %s\n", ++tap_count, name, reason);
}

__attribute__((noreturn)) static inline void tap_bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	if (tap_failures)
		return 1;
	return tap_count && tap_skips == tap_count ? 4 : 0;
}

#endif /* GRABDMA_SELFTEST_TAP_H */
