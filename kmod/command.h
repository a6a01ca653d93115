/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is between the table of ioctls and the functions that carry them out.
 */
#ifndef GRABDMA_COMMAND_H
#define GRABDMA_COMMAND_H

#include <linux/types.h>

#include "uapi/grabdma.h"

struct grabdma_session;

/* The argument of any command; all begin with their size. */
union grabdma_argument {
	__u32 size;
	struct grabdma_info info;
	struct grabdma_format_range range;
	struct grabdma_format format;
	struct grabdma_alloc alloc;
	struct grabdma_free free;
	struct grabdma_queue queue;
	struct grabdma_start start;
	struct grabdma_stop stop;
	struct grabdma_trigger trigger;
	struct grabdma_buffer_state state;
	struct grabdma_inject inject;
};

/* One call: the session's mutex is held, @argument is the kernel's copy. */
struct grabdma_call {
	struct grabdma_session *session;
	union grabdma_argument *argument;
	void __user *user;
	size_t user_size;
	size_t size;
};

/* ioctl.c: writes as much of the argument back as the caller knows. */
int grabdma_reply(const struct grabdma_call *call);

/* command_device.c */
int grabdma_do_info(const struct grabdma_call *call);
int grabdma_do_enum_format(const struct grabdma_call *call);
int grabdma_do_get_format(const struct grabdma_call *call);
int grabdma_do_set_format(const struct grabdma_call *call);
int grabdma_do_start(const struct grabdma_call *call);
int grabdma_do_stop(const struct grabdma_call *call);
int grabdma_do_trigger(const struct grabdma_call *call);
int grabdma_do_inject(const struct grabdma_call *call);

/* command_buffer.c */
int grabdma_do_alloc(const struct grabdma_call *call);
int grabdma_do_free(const struct grabdma_call *call);
int grabdma_do_queue(const struct grabdma_call *call);
int grabdma_do_buffer_state(const struct grabdma_call *call);

#endif /* GRABDMA_COMMAND_H */
