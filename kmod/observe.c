// SPDX-License-Identifier: GPL-2.0
/*
 * Looking in from outside: counters of each adapter, one value a file, in
 * /sys/class/grabdma/grabdmaN/, and the whole state in /sys/kernel/debug/grabdma/grabdmaN/state.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/sysfs.h>

#include "grabdma.h"

/* Of the state, beside the first two: they are written with interrupts off. */
#define MAX_LINES 256

static struct dentry *debugfs_root;

#define COUNTER(name, field, read, format)							\
	static ssize_t name##_show(struct device *dev, struct device_attribute *attribute,	\
				   char *text)							\
	{											\
		struct grabdma_adapter *adapter = dev_get_drvdata(dev);				\
												\
		return sysfs_emit(text, format "\n", read(&adapter->counters.field));		\
	}											\
	static DEVICE_ATTR_RO(name)

COUNTER(frames, frames, atomic64_read, "%lld");
COUNTER(drops, drops, atomic64_read, "%lld");
COUNTER(errors, errors, atomic64_read, "%lld");
COUNTER(timeouts, timeouts, atomic64_read, "%lld");
COUNTER(bytes, bytes, atomic64_read, "%lld");
COUNTER(faults, faults, atomic64_read, "%lld");
COUNTER(sends, sends, atomic64_read, "%lld");
COUNTER(sent_bytes, sent_bytes, atomic64_read, "%lld");
COUNTER(sessions, sessions, atomic_read, "%d");
COUNTER(buffers, buffers, atomic_read, "%d");

static ssize_t adapter_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct grabdma_adapter *adapter = dev_get_drvdata(dev);

	return sysfs_emit(text, "%s\n", adapter->name);
}
static DEVICE_ATTR_RO(adapter);

static ssize_t dma_mask_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct grabdma_adapter *adapter = dev_get_drvdata(dev);

	return sysfs_emit(text, "0x%llx\n", adapter->config.dma_mask);
}
static DEVICE_ATTR_RO(dma_mask);

/* Bytes of all buffers, those of closed sessions that are open or mapped included. */
static ssize_t memory_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct grabdma_adapter *adapter = dev_get_drvdata(dev);

	return sysfs_emit(text, "%llu\n", (u64)atomic_long_read(&adapter->memory) << PAGE_SHIFT);
}
static DEVICE_ATTR_RO(memory);

static ssize_t memory_limit_show(struct device *dev, struct device_attribute *attribute,
				 char *text)
{
	struct grabdma_adapter *adapter = dev_get_drvdata(dev);

	return sysfs_emit(text, "%llu\n", (u64)READ_ONCE(adapter->memory_limit) << PAGE_SHIFT);
}

/* Buffers that are there stay, also above a lower limit. */
static ssize_t memory_limit_store(struct device *dev, struct device_attribute *attribute,
				  const char *text, size_t size)
{
	struct grabdma_adapter *adapter = dev_get_drvdata(dev);
	u64 bytes;
	int error = kstrtou64(text, 0, &bytes);

	if (error)
		return error;
	WRITE_ONCE(adapter->memory_limit, min_t(u64, bytes >> PAGE_SHIFT, LONG_MAX));
	return size;
}
static DEVICE_ATTR_RW(memory_limit);

static ssize_t sequence_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct grabdma_adapter *adapter = dev_get_drvdata(dev);
	u64 sequence;

	spin_lock_irq(&adapter->lock);
	sequence = adapter->engine.sequence;
	spin_unlock_irq(&adapter->lock);
	return sysfs_emit(text, "%llu\n", sequence);
}
static DEVICE_ATTR_RO(sequence);

static struct attribute *grabdma_attrs[] = {
	&dev_attr_adapter.attr,	 &dev_attr_dma_mask.attr, &dev_attr_sequence.attr,
	&dev_attr_frames.attr,	 &dev_attr_drops.attr,	  &dev_attr_errors.attr,
	&dev_attr_timeouts.attr, &dev_attr_bytes.attr,	  &dev_attr_faults.attr,
	&dev_attr_sends.attr,	 &dev_attr_sent_bytes.attr, &dev_attr_sessions.attr,
	&dev_attr_buffers.attr,	 &dev_attr_memory.attr,	  &dev_attr_memory_limit.attr,
	NULL,
};

static const struct attribute_group grabdma_group = {
	.attrs = grabdma_attrs,
};

const struct attribute_group *grabdma_groups[] = {
	&grabdma_group,
	NULL,
};

static const char *state_name(enum grabdma_state state)
{
	static const char *const names[] = {
		[GRABDMA_STATE_IDLE] = "idle",
		[GRABDMA_STATE_QUEUED] = "queued",
		[GRABDMA_STATE_FILLING] = "filling",
		[GRABDMA_STATE_DONE] = "done",
	};

	return names[state];
}

static void show_buffer(struct seq_file *out, const struct grabdma_buffer *buffer)
{
	seq_printf(out, "  buffer %u: %s, %llu bytes, %lu folios, %u segments, live %u, frame %u%s\n",
		   buffer->id, buffer->output ? "output" : state_name(buffer->state), buffer->bytes,
		   buffer->memory.count, buffer->segments, buffer->views[GRABDMA_VIEW_LIVE].users,
		   buffer->views[GRABDMA_VIEW_FRAME].users, buffer->exposed ? ", exposed" : "");
}

/*
 * adapter->lock keeps session and buffers: freeing a buffer takes it. @lines: how many more there
 * may be while the lock is held.
 */
static void show_session(struct seq_file *out, struct grabdma_session *session,
			 unsigned int *lines)
{
	struct grabdma_buffer *buffer;
	unsigned long id;

	seq_printf(out, "session: format %p4cc %ux%u, %llu bytes, %u busy%s\n",
		   &session->format.fourcc, session->format.width, session->format.height,
		   session->format.bytes, session->busy,
		   session->adapter->engine.owner == session ? ", capturing" : "");
	xa_for_each(&session->buffers, id, buffer) {
		if (!*lines)
			break;
		show_buffer(out, buffer);
		--*lines;
	}
}

static int state_show(struct seq_file *out, void *unused)
{
	struct grabdma_adapter *adapter = out->private;
	struct grabdma_engine *engine = &adapter->engine;
	struct grabdma_session *session;
	unsigned int lines = MAX_LINES;

	spin_lock_irq(&adapter->lock);
	seq_printf(out, "adapter: %s at %s%s\n", adapter->name, adapter->bus,
		   adapter->gone ? ", gone" : "");
	seq_printf(out, "engine: %s, %u of %u in flight, %u claims, next sequence %llu%s\n",
		   engine->in_flight ? "running" : "idle", engine->in_flight, engine->depth,
		   engine->claims, engine->sequence, engine->paced ? ", paced" : "");
	list_for_each_entry(session, &adapter->sessions, node) {
		if (!lines)
			break;
		lines--;
		show_session(out, session, &lines);
	}
	spin_unlock_irq(&adapter->lock);
	if (!lines)
		seq_puts(out, "(and perhaps more)\n");
	return 0;
}

static int state_open(struct inode *inode, struct file *file)
{
	struct grabdma_adapter *adapter = inode->i_private;
	int error = single_open(file, state_show, adapter);

	if (!error)
		get_device(&adapter->dev);
	return error;
}

static int state_release(struct inode *inode, struct file *file)
{
	struct grabdma_adapter *adapter = inode->i_private;

	put_device(&adapter->dev);
	return single_release(inode, file);
}

static const struct file_operations state_fops = {
	.owner = THIS_MODULE,
	.open = state_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = state_release,
};

void grabdma_debugfs_init(void)
{
	debugfs_root = debugfs_create_dir(GRABDMA_NAME, NULL);
}

void grabdma_debugfs_exit(void)
{
	debugfs_remove(debugfs_root);
}

void grabdma_debugfs_add(struct grabdma_adapter *adapter)
{
	adapter->debugfs = debugfs_create_dir(dev_name(&adapter->dev), debugfs_root);
	/*
	 * "unsafe": an open file keeps the adapter, so that its removal need not wait for readers.
	 */
	debugfs_create_file_unsafe("state", 0400, adapter->debugfs, adapter, &state_fops);
}

void grabdma_debugfs_remove(struct grabdma_adapter *adapter)
{
	debugfs_remove(adapter->debugfs);
}
