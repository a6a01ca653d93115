/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * When frames are due: at exact multiples of a fraction of seconds, which nanoseconds cannot
 * express. Pure arithmetic, for the kernel and for the test that compares it with counting.
 *
 * Due time N is the start plus N times @num seconds by @den, rounded down. What is kept is the next
 * one and the fraction of a nanosecond that rounding has left over.
 */
#ifndef GRABDMA_PACE_H
#define GRABDMA_PACE_H

#ifdef __KERNEL__
#include <linux/math64.h>
#include <linux/types.h>
#else
#include <linux/types.h>

static inline __u64 div64_u64(__u64 dividend, __u64 divisor)
{
	return dividend / divisor;
}

static inline __u64 div_u64_rem(__u64 dividend, __u32 divisor, __u32 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}
#endif

#define GRABDMA_PACE_NS_PER_SECOND 1000000000ULL
#define GRABDMA_PACE_MOST_STEPS 0xFFFFFFFFULL

/**
 * struct grabdma_pace - the due times of a capture
 * @due_ns: the next one
 * @step_ns: whole nanoseconds from one to the next; not 0
 * @rest: and so many parts of a nanosecond,
 * @den: each of them one @den-th
 * @sum: parts that @due_ns leaves out, below @den
 */
struct grabdma_pace {
	__u64 due_ns;
	__u64 step_ns;
	__u32 rest;
	__u32 den;
	__u32 sum;
};

/* Moves on by @steps, at most GRABDMA_PACE_MOST_STEPS, so that no product overflows. */
static inline void grabdma_pace_advance(struct grabdma_pace *pace, __u64 steps)
{
	__u64 parts = pace->sum + steps * pace->rest;

	pace->due_ns += steps * pace->step_ns + div_u64_rem(parts, pace->den, &pace->sum);
}

/*
 * The first due time is one step after @now_ns. A step of @num/@den seconds has a nanosecond at
 * least.
 */
static inline void grabdma_pace_start(struct grabdma_pace *pace, __u64 now_ns, __u32 num, __u32 den)
{
	pace->step_ns = div_u64_rem(num * GRABDMA_PACE_NS_PER_SECOND, den, &pace->rest);
	pace->den = den;
	pace->sum = 0;
	pace->due_ns = now_ns;
	grabdma_pace_advance(pace, 1);
}

/*
 * How many due times have passed at @now_ns, in constant time however long ago they are; moves on
 * behind them. A step is @step_ns long and at times one nanosecond more. So after ages the result
 * may be too small: then @due_ns has passed still, and the next call tells of the rest.
 */
static inline __u64 grabdma_pace_pass(struct grabdma_pace *pace, __u64 now_ns)
{
	__u64 steps;

	if (pace->due_ns > now_ns)
		return 0;
	steps = div64_u64(now_ns - pace->due_ns, pace->step_ns + 1) + 1;
	if (steps > GRABDMA_PACE_MOST_STEPS)
		steps = GRABDMA_PACE_MOST_STEPS;
	grabdma_pace_advance(pace, steps);
	return steps;
}

#endif /* GRABDMA_PACE_H */
