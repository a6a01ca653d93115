// SPDX-License-Identifier: GPL-2.0
/*
 * One open() of /dev/grabdmaN: what it owns, how it is told what happened, and how it ends.
 */
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "grabdma.h"

static void session_init(struct grabdma_session *session, struct grabdma_adapter *adapter)
{
	session->adapter = adapter;
	session->format = adapter->config.default_format;
	mutex_init(&session->mutex);
	mutex_init(&session->reader);
	xa_init_flags(&session->buffers, XA_FLAGS_ALLOC);
	INIT_DELAYED_WORK(&session->recheck, grabdma_session_recheck);
	INIT_LIST_HEAD(&session->queue);
	grabdma_events_init(session);
}

/* Joins the adapter's sessions, unless it is gone. */
static int session_join(struct grabdma_session *session)
{
	struct grabdma_adapter *adapter = session->adapter;
	int error = 0;

	spin_lock_irq(&adapter->lock);
	if (adapter->gone)
		error = -ENODEV;
	else
		list_add_tail(&session->node, &adapter->sessions);
	spin_unlock_irq(&adapter->lock);
	return error;
}

/* Keeps the buffers' file system mounted, so that not every buffer has to mount it anew. */
static int grabdma_session_open(struct inode *inode, struct file *file)
{
	struct grabdma_adapter *adapter = container_of(inode->i_cdev, struct grabdma_adapter, cdev);
	struct grabdma_session *session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	int error;

	if (!session)
		return -ENOMEM;
	session_init(session, adapter);
	error = grabdma_fs_pin();
	if (error)
		goto free;
	error = session_join(session);
	if (error)
		goto unpin;
	get_device(&adapter->dev);
	atomic_inc(&adapter->counters.sessions);
	file->private_data = session;
	return stream_open(inode, file);
unpin:
	grabdma_fs_unpin();
free:
	kfree(session);
	return error;
}

/* The mutex is against the recheck, which looks at buffers one after the other. */
static void release_buffers(struct grabdma_session *session)
{
	struct grabdma_buffer *buffer;
	unsigned long id;

	mutex_lock(&session->mutex);
	xa_for_each(&session->buffers, id, buffer) {
		xa_erase(&session->buffers, id);
		grabdma_buffer_release(buffer);
	}
	mutex_unlock(&session->mutex);
}

static int grabdma_session_release(struct inode *inode, struct file *file)
{
	struct grabdma_session *session = file->private_data;
	struct grabdma_adapter *adapter = session->adapter;

	grabdma_capture_stop(session, true);
	grabdma_engine_forget_faults(session);
	release_buffers(session);
	cancel_delayed_work_sync(&session->recheck);
	spin_lock_irq(&adapter->lock);
	list_del(&session->node);
	spin_unlock_irq(&adapter->lock);
	xa_destroy(&session->buffers);
	kfree(session);
	atomic_dec(&adapter->counters.sessions);
	put_device(&adapter->dev);
	grabdma_fs_unpin();
	return 0;
}

static ssize_t copy_records(struct grabdma_session *session, char __user *user, size_t size)
{
	struct grabdma_record record;
	ssize_t copied = 0;

	while (size - copied >= sizeof(record)) {
		int error = grabdma_event_peek(session, &record);

		if (error)
			return copied ?: error;
		if (copy_to_user(user + copied, &record, sizeof(record)))
			return copied ?: -EFAULT;
		grabdma_event_consume(session, &record);
		copied += sizeof(record);
	}
	return copied;
}

static ssize_t grabdma_session_read(struct file *file, char __user *user, size_t size,
				    loff_t *position)
{
	struct grabdma_session *session = file->private_data;
	ssize_t copied;

	if (size < sizeof(struct grabdma_record))
		return -EINVAL;
	for (;;) {
		if (mutex_lock_interruptible(&session->reader))
			return -ERESTARTSYS;
		copied = copy_records(session, user, size);
		mutex_unlock(&session->reader);
		if (copied != -EAGAIN || (file->f_flags & O_NONBLOCK))
			return copied;
		if (wait_event_interruptible(session->wait, grabdma_events_readable(session)))
			return -ERESTARTSYS;
	}
}

static __poll_t grabdma_session_poll(struct file *file, poll_table *table)
{
	struct grabdma_session *session = file->private_data;

	poll_wait(file, &session->wait, table);
	return grabdma_events_poll(session);
}

const struct file_operations grabdma_session_fops = {
	.owner = THIS_MODULE,
	.open = grabdma_session_open,
	.release = grabdma_session_release,
	.read = grabdma_session_read,
	.poll = grabdma_session_poll,
	.unlocked_ioctl = grabdma_session_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
