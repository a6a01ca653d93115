// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a session, as one table. What all commands have in common is here: rights, sizes,
 * the caller's memory, whether the device is there.
 *
 *     copy in ─▶ session->mutex [ adapter->alive [ command ] ] ─▶ copy out ─▶ publish or unmake
 *
 * The caller's memory is touched outside the brackets: it may never come.
 */
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "command.h"

#define OUTLIVES BIT(0) /* works without the device */
#define WRITES BIT(1)	/* needs a session that was opened for writing */
#define REPLIES BIT(2)	/* the argument is written back */
#define UNLOCKED BIT(3) /* takes session->mutex by itself */

/*
 * @size: of the struct that this module knows. @first_size: of its first version, which every
 * caller has at least. @flags: those above.
 */
struct command {
	int (*function)(struct grabdma_call *call);
	size_t first_size;
	size_t size;
	unsigned int flags;
};

#define COMMAND(name, function_, struct_, last_, flags_)		\
	[GRABDMA_COMMAND_##name] = {					\
		.function = (function_),				\
		.first_size = offsetofend(struct struct_, last_),	\
		.size = sizeof(struct struct_) +			\
			BUILD_BUG_ON_ZERO(offsetof(struct struct_, size)), \
		.flags = (flags_),					\
	}

static const struct command commands[] = {
	COMMAND(INFO, grabdma_do_info, grabdma_info, bus, REPLIES),
	COMMAND(ENUM_FORMAT, grabdma_do_enum_format, grabdma_format_range, reserved2, REPLIES),
	COMMAND(GET_FORMAT, grabdma_do_get_format, grabdma_format, bytes, REPLIES),
	COMMAND(SET_FORMAT, grabdma_do_set_format, grabdma_format, bytes, WRITES | REPLIES),
	COMMAND(ALLOC, grabdma_do_alloc, grabdma_alloc, reserved, WRITES | REPLIES),
	COMMAND(FREE, grabdma_do_free, grabdma_free, reserved, WRITES | OUTLIVES),
	COMMAND(QUEUE, grabdma_do_queue, grabdma_queue, reserved, WRITES),
	COMMAND(START, grabdma_do_start, grabdma_start, frames, WRITES),
	COMMAND(STOP, grabdma_do_stop, grabdma_stop, flags, WRITES),
	COMMAND(TRIGGER, grabdma_do_trigger, grabdma_trigger, frames, WRITES),
	COMMAND(BUFFER_STATE, grabdma_do_buffer_state, grabdma_buffer_state, entries,
		OUTLIVES | UNLOCKED),
	COMMAND(INJECT, grabdma_do_inject, grabdma_inject, pending, WRITES | REPLIES),
};

static const struct command *find_command(unsigned int number)
{
	unsigned int index = _IOC_NR(number);

	if (_IOC_TYPE(number) != GRABDMA_IOCTL_TYPE || index >= ARRAY_SIZE(commands) ||
	    number != _IO(GRABDMA_IOCTL_TYPE, index))
		return NULL;
	return &commands[array_index_nospec(index, ARRAY_SIZE(commands))];
}

/* @size: out: of the caller's struct. */
static int copy_in(const struct command *command, union grabdma_argument *argument,
		   void __user *user, u32 *size)
{
	if (get_user(*size, (u32 __user *)user))
		return -EFAULT;
	if (*size < command->first_size)
		return -EINVAL;
	if (*size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(argument, command->size, user, *size);
}

static int run_with_device(const struct command *command, struct grabdma_call *call)
{
	struct grabdma_adapter *adapter = call->session->adapter;
	int error;

	if (command->flags & OUTLIVES)
		return command->function(call);
	error = grabdma_adapter_enter(adapter);
	if (error)
		return error;
	error = command->function(call);
	grabdma_adapter_leave(adapter);
	return error;
}

static int run(const struct command *command, struct grabdma_call *call)
{
	int error;

	if (command->flags & UNLOCKED)
		return run_with_device(command, call);
	if (mutex_lock_killable(&call->session->mutex))
		return -EINTR;
	error = run_with_device(command, call);
	mutex_unlock(&call->session->mutex);
	return error;
}

/* Writes as much of the argument back as the caller knows. */
static int reply(const struct command *command, struct grabdma_call *call, void __user *user,
		 size_t size)
{
	if ((command->flags & REPLIES) &&
	    copy_to_user(user, call->argument, min(size, command->size))) {
		grabdma_unmake(call);
		return -EFAULT;
	}
	grabdma_publish(call);
	return 0;
}

long grabdma_session_ioctl(struct file *file, unsigned int number, unsigned long user)
{
	const struct command *command = find_command(number);
	union grabdma_argument argument = {};
	struct grabdma_call call = {
		.session = file->private_data,
		.argument = &argument,
	};
	u32 size;
	int error;

	if (!command)
		return -ENOTTY;
	if ((command->flags & WRITES) && !(file->f_mode & FMODE_WRITE))
		return -EACCES;
	error = copy_in(command, &argument, (void __user *)user, &size);
	if (error)
		return error;
	error = run(command, &call);
	return error ?: reply(command, &call, (void __user *)user, size);
}
