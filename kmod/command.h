/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is between the table of ioctls and the functions that carry them out.
 */
#ifndef GRABDMA_COMMAND_H
#define GRABDMA_COMMAND_H

#include "grabdma.h"

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

/* What ALLOC has made, and nobody can see before the caller has been told of it. */
struct grabdma_made {
	struct grabdma_buffer *buffer; /* NULL: nothing */
	struct file *files[GRABDMA_VIEWS];
	int fds[GRABDMA_VIEWS];
};

/*
 * One call. @argument is the kernel's copy, which ioctl.c writes back for those commands that
 * answer. Commands touch no memory of the caller's, but for those that run without the session's
 * mutex.
 */
struct grabdma_call {
	struct grabdma_session *session;
	union grabdma_argument *argument;
	struct grabdma_made made;
};

/* command_device.c */
int grabdma_do_info(struct grabdma_call *call);
int grabdma_do_enum_format(struct grabdma_call *call);
int grabdma_do_get_format(struct grabdma_call *call);
int grabdma_do_set_format(struct grabdma_call *call);
int grabdma_do_start(struct grabdma_call *call);
int grabdma_do_stop(struct grabdma_call *call);
int grabdma_do_trigger(struct grabdma_call *call);
int grabdma_do_inject(struct grabdma_call *call);

/* command_buffer.c */
int grabdma_do_alloc(struct grabdma_call *call);
int grabdma_do_free(struct grabdma_call *call);
int grabdma_do_queue(struct grabdma_call *call);
int grabdma_do_buffer_state(struct grabdma_call *call);
void grabdma_publish(struct grabdma_call *call);
void grabdma_unmake(struct grabdma_call *call);

#endif /* GRABDMA_COMMAND_H */
