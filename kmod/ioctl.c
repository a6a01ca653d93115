// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a session, as one table. What all commands have in common is checked here: sizes,
 * access to the caller's memory, whether the device is there.
 */
#include <linux/uaccess.h>

#include "command.h"
#include "grabdma.h"

int grabdma_reply(const struct grabdma_call *call)
{
	size_t size = min(call->user_size, call->size);

	return copy_to_user(call->user, call->argument, size) ? -EFAULT : 0;
}

/*
 * @size: of the struct that this module knows. @first_size: of its first version, which every
 * caller has at least. @outlives: works without the device, or sees to it by itself.
 */
struct command {
	int (*function)(const struct grabdma_call *call);
	size_t first_size;
	size_t size;
	bool outlives;
};

#define COMMAND(name, function_, struct_, last_, outlives_)		\
	[GRABDMA_COMMAND_##name] = {					\
		.function = (function_),				\
		.first_size = offsetofend(struct struct_, last_),	\
		.size = sizeof(struct struct_) +			\
			BUILD_BUG_ON_ZERO(offsetof(struct struct_, size)), \
		.outlives = (outlives_),				\
	}

static const struct command commands[] = {
	COMMAND(INFO, grabdma_do_info, grabdma_info, bus, false),
	COMMAND(ENUM_FORMAT, grabdma_do_enum_format, grabdma_format_range, reserved2, false),
	COMMAND(GET_FORMAT, grabdma_do_get_format, grabdma_format, bytes, false),
	COMMAND(SET_FORMAT, grabdma_do_set_format, grabdma_format, bytes, false),
	COMMAND(ALLOC, grabdma_do_alloc, grabdma_alloc, reserved, true),
	COMMAND(FREE, grabdma_do_free, grabdma_free, reserved, true),
	COMMAND(QUEUE, grabdma_do_queue, grabdma_queue, reserved, false),
	COMMAND(START, grabdma_do_start, grabdma_start, frames, false),
	COMMAND(STOP, grabdma_do_stop, grabdma_stop, flags, false),
	COMMAND(TRIGGER, grabdma_do_trigger, grabdma_trigger, frames, false),
	COMMAND(BUFFER_STATE, grabdma_do_buffer_state, grabdma_buffer_state, entries, true),
	COMMAND(INJECT, grabdma_do_inject, grabdma_inject, pending, false),
};

static const struct command *find_command(unsigned int number)
{
	unsigned int index = _IOC_NR(number);

	if (_IOC_TYPE(number) != GRABDMA_IOCTL_TYPE || index >= ARRAY_SIZE(commands) ||
	    number != _IO(GRABDMA_IOCTL_TYPE, index))
		return NULL;
	return &commands[index];
}

static int copy_argument(struct grabdma_call *call, const struct command *command)
{
	u32 size;

	if (get_user(size, (u32 __user *)call->user))
		return -EFAULT;
	if (size < command->first_size)
		return -EINVAL;
	call->user_size = size;
	call->size = command->size;
	return copy_struct_from_user(call->argument, command->size, call->user, size);
}

static int run(const struct grabdma_call *call, const struct command *command)
{
	struct grabdma_adapter *adapter = call->session->adapter;
	int error;

	if (command->outlives)
		return command->function(call);
	error = grabdma_adapter_enter(adapter);
	if (error)
		return error;
	error = command->function(call);
	grabdma_adapter_leave(adapter);
	return error;
}

long grabdma_session_ioctl(struct file *file, unsigned int number, unsigned long user)
{
	const struct command *command = find_command(number);
	union grabdma_argument argument = {};
	struct grabdma_call call = {
		.session = file->private_data,
		.argument = &argument,
		.user = (void __user *)user,
	};
	int error;

	if (!command)
		return -ENOTTY;
	error = copy_argument(&call, command);
	if (error)
		return error;
	if (mutex_lock_killable(&call.session->mutex))
		return -EINTR;
	error = run(&call, command);
	mutex_unlock(&call.session->mutex);
	return error;
}
