// SPDX-License-Identifier: GPL-2.0
/*
 * Due times by arithmetic are those that one gets by counting. Runs on the machine that builds it:
 * it is about numbers, and a timer cannot be made late by ages.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../pace.h"
#include "tap.h"

struct interval {
	uint32_t num;
	uint32_t den;
};

static const struct interval intervals[] = {
	{ 1, 30 }, { 1001, 30000 }, { 1, 60 }, { 1, 3 }, { 7, 9999 }, { 1, 10000 }, { 3600, 1 },
	{ 4294967295u, 4294967291u }, { 1, 7919 },
};

#define INTERVALS (sizeof(intervals) / sizeof(intervals[0]))

/* Due time @n after @start_ns, by definition. */
static uint64_t due_time(struct interval interval, uint64_t start_ns, uint64_t n)
{
	unsigned __int128 numerator = (unsigned __int128)n * interval.num * 1000000000u;

	return start_ns + (uint64_t)(numerator / interval.den);
}

/* Passes all that is due, in as many calls as it takes; they must not be many. */
static uint64_t pass_all(struct grabdma_pace *pace, uint64_t now, unsigned int most_calls)
{
	uint64_t passed = 0;

	while (pace->due_ns <= now) {
		if (!most_calls--)
			return 0;
		passed += grabdma_pace_pass(pace, now);
	}
	return passed;
}

static bool is_exact(struct interval interval, uint64_t stall_ns, unsigned int most_calls)
{
	const uint64_t start = 123456789;
	struct grabdma_pace pace;
	uint64_t passed;

	grabdma_pace_start(&pace, start, interval.num, interval.den);
	if (pace.due_ns != due_time(interval, start, 1))
		return false;
	passed = pass_all(&pace, start + stall_ns, most_calls);
	return due_time(interval, start, passed) <= start + stall_ns &&
	       pace.due_ns == due_time(interval, start, passed + 1) &&
	       pace.due_ns > start + stall_ns;
}

static void each_interval(uint64_t stall_ns, unsigned int most_calls, const char *name)
{
	bool exact = true;
	size_t i;

	for (i = 0; i < INTERVALS; i++)
		exact &= is_exact(intervals[i], stall_ns, most_calls);
	tap_ok(exact, "%s", name);
}

/* Tick after tick, each a little late. */
static void punctual_ticks_pass_one_each(void)
{
	const struct interval interval = { 1001, 30000 };
	struct grabdma_pace pace;
	bool exact = true;
	uint64_t n;

	grabdma_pace_start(&pace, 0, interval.num, interval.den);
	for (n = 1; n <= 100000; n++) {
		exact &= pace.due_ns == due_time(interval, 0, n);
		exact &= grabdma_pace_pass(&pace, pace.due_ns + n % 50000) == 1;
	}
	tap_ok(exact, "100,000 ticks on time: one due time each, without drift");
	tap_equal(grabdma_pace_pass(&pace, pace.due_ns - 1), 0, "nothing is due before its time");
}

int main(void)
{
	punctual_ticks_pass_one_each();
	each_interval(1000000, 3, "a millisecond late");
	each_interval(1000000000ull * 10, 3, "ten seconds late");
	each_interval(1000000000ull * 86400 * 365, 100, "a year late: a hundred calls at most");
	return tap_end();
}
