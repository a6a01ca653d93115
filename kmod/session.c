// SPDX-License-Identifier: GPL-2.0
/*
 * One open() of /dev/grabdmaN: what it owns, how it is told what happened, and how it ends.
 */
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "grabdma.h"

/*
 * Tests make one allocation fail at a time and sweep over all of them. Every allocation made for a
 * session asks here first.
 */
bool grabdma_should_fail(struct grabdma_session *session)
{
	return atomic64_dec_if_positive(&session->fail_countdown) == 0;
}

/* Makes the event readable, behind those that are; adapter->lock is held. */
void grabdma_session_post(struct grabdma_session *session, struct grabdma_event *event)
{
	if (list_empty(&event->node))
		list_add_tail(&event->node, &session->events);
	wake_up_interruptible(&session->wait);
}

static void session_init(struct grabdma_session *session, struct grabdma_adapter *adapter)
{
	session->adapter = adapter;
	session->format = adapter->config.default_format;
	mutex_init(&session->mutex);
	mutex_init(&session->reader);
	xa_init_flags(&session->buffers, XA_FLAGS_ALLOC);
	init_waitqueue_head(&session->wait);
	INIT_DELAYED_WORK(&session->recheck, grabdma_session_recheck);
	INIT_LIST_HEAD(&session->queue);
	INIT_LIST_HEAD(&session->events);
	INIT_LIST_HEAD(&session->drop.node);
	INIT_LIST_HEAD(&session->gone.node);
	atomic64_set(&session->fail_countdown, 0);
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

/* Copies the first record without taking it. Reading again after GONE: ENODEV. */
static int peek(struct grabdma_session *session, struct grabdma_record *record)
{
	struct grabdma_event *event;
	int error = 0;

	spin_lock_irq(&session->adapter->lock);
	event = list_first_entry_or_null(&session->events, struct grabdma_event, node);
	if (event)
		*record = event->record;
	else
		error = session->ended ? -ENODEV : -EAGAIN;
	spin_unlock_irq(&session->adapter->lock);
	return error;
}

static void consume_result(struct grabdma_session *session, const struct grabdma_record *record)
{
	struct grabdma_buffer *buffer = xa_load(&session->buffers, record->buffer);

	if (!buffer || buffer->state != GRABDMA_STATE_DONE ||
	    buffer->result.record.sequence != record->sequence)
		return;
	list_del_init(&buffer->result.node);
	buffer->state = GRABDMA_STATE_IDLE;
}

static void consume_idle(struct grabdma_session *session, const struct grabdma_record *record)
{
	struct grabdma_buffer *buffer = xa_load(&session->buffers, record->buffer);

	if (buffer)
		list_del_init(&buffer->idle.node);
}

/* More frames may have been dropped since they were counted for the reader. */
static void consume_drop(struct grabdma_session *session, const struct grabdma_record *record)
{
	struct grabdma_record *pending = &session->drop.record;

	pending->dropped_before -= record->dropped_before;
	pending->flags = 0;
	list_del_init(&session->drop.node);
	if (pending->dropped_before)
		list_add_tail(&session->drop.node, &session->events);
}

/*
 * Takes a record that has been delivered. The buffer may have been freed meanwhile: it is looked up
 * under the lock that freeing takes between removing it from the table and dropping it.
 */
static void consume(struct grabdma_session *session, const struct grabdma_record *record)
{
	spin_lock_irq(&session->adapter->lock);
	switch (record->type) {
	case GRABDMA_RECORD_FRAME:
	case GRABDMA_RECORD_ERROR:
		consume_result(session, record);
		break;
	case GRABDMA_RECORD_IDLE:
		consume_idle(session, record);
		break;
	case GRABDMA_RECORD_DROP:
		consume_drop(session, record);
		break;
	default:
		list_del_init(&session->gone.node);
		session->ended = true;
		break;
	}
	spin_unlock_irq(&session->adapter->lock);
}

static bool readable(struct grabdma_session *session)
{
	bool result;

	spin_lock_irq(&session->adapter->lock);
	result = !list_empty(&session->events) || session->ended;
	spin_unlock_irq(&session->adapter->lock);
	return result;
}

static ssize_t copy_records(struct grabdma_session *session, char __user *user, size_t size)
{
	struct grabdma_record record;
	ssize_t copied = 0;

	while (size - copied >= sizeof(record)) {
		int error = peek(session, &record);

		if (error)
			return copied ?: error;
		if (copy_to_user(user + copied, &record, sizeof(record)))
			return copied ?: -EFAULT;
		consume(session, &record);
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
		if (wait_event_interruptible(session->wait, readable(session)))
			return -ERESTARTSYS;
	}
}

static __poll_t grabdma_session_poll(struct file *file, poll_table *table)
{
	struct grabdma_session *session = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &session->wait, table);
	spin_lock_irq(&session->adapter->lock);
	if (!list_empty(&session->events))
		events |= EPOLLIN | EPOLLRDNORM;
	/* Not before the last record is there, or who waits for it would have to spin. */
	if (session->ended || !list_empty(&session->gone.node))
		events |= EPOLLERR | EPOLLHUP;
	spin_unlock_irq(&session->adapter->lock);
	return events;
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
