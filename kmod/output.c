// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers for output: which bytes were written and not sent yet, and sending them.
 *
 * write() says exactly which bytes it wrote; those are kept for each page as one span. A mapping
 * says it through the dirty bits of its page tables, a page at a time. fsync() and msync(MS_SYNC)
 * gather both, send each run of adjacent bytes as one transfer, and wait. With a write-back time
 * the same happens in the background.
 *
 * A failed transfer is reported once to each open file, as EIO, and its bytes count as written
 * again, so that the next fsync() tries again instead of claiming that they have arrived.
 */
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "grabdma.h"
#include "trace.h"

/* Bytes [first, last) of a page; last is 0 when there are none. PAGE_SIZE may be 64 KiB. */
struct span {
	u32 first;
	u32 last;
};

struct grabdma_output {
	struct grabdma_buffer *buffer;
	struct address_space *mapping; /* NULL: no file is left; mutex */
	struct mutex mutex;	       /* one write-back at a time */
	struct delayed_work writeback;
	unsigned long interval; /* jiffies; 0: only on demand */
	bool ended;		/* the session has given the buffer up; mutex */
	bool mapped;		/* at some time, so page tables have to be asked; never cleared */

	spinlock_t lock; /* of what follows */
	struct span *spans;
	unsigned long dirty_pages; /* read without it: READ_ONCE() */
};

static void arm_writeback(struct grabdma_output *output)
{
	if (output->interval)
		queue_delayed_work(grabdma_workqueue, &output->writeback, output->interval);
}

static void mark(struct grabdma_output *output, unsigned long page, u32 first, u32 last)
{
	struct span *span = &output->spans[page];

	spin_lock(&output->lock);
	if (!span->last) {
		*span = (struct span){ first, last };
		WRITE_ONCE(output->dirty_pages, output->dirty_pages + 1);
	} else {
		span->first = min(span->first, first);
		span->last = max(span->last, last);
	}
	spin_unlock(&output->lock);
}

static void mark_range(struct grabdma_output *output, u64 offset, u64 bytes)
{
	while (bytes) {
		u32 first = offset_in_page(offset);
		u32 length = min_t(u64, PAGE_SIZE - first, bytes);

		mark(output, offset >> PAGE_SHIFT, first, first + length);
		offset += length;
		bytes -= length;
	}
}

static struct span take_span(struct grabdma_output *output, unsigned long page)
{
	struct span span;

	spin_lock(&output->lock);
	span = output->spans[page];
	if (span.last) {
		output->spans[page] = (struct span){};
		WRITE_ONCE(output->dirty_pages, output->dirty_pages - 1);
	}
	spin_unlock(&output->lock);
	return span;
}

static void output_wrote(struct grabdma_buffer *buffer, u64 offset, size_t bytes)
{
	struct grabdma_output *output = buffer->output;

	mark_range(output, offset, bytes);
	arm_writeback(output);
}

static void output_mapped(struct grabdma_buffer *buffer)
{
	WRITE_ONCE(buffer->output->mapped, true);
	arm_writeback(buffer->output);
}

bool grabdma_output_dirty(struct grabdma_output *output)
{
	return READ_ONCE(output->dirty_pages);
}

/*
 * Has a mapping written to the page since this was last asked? Pages of output buffers are single,
 * so page and folio are the same. The dirty bit is in the page tables, or in the page itself when
 * the mapping is gone or the kernel wrote on behalf of a program.
 */
static bool page_written(struct folio *folio)
{
	bool written;

	folio_lock(folio);
	written = folio_mkclean(folio);
	written |= folio_test_clear_dirty(folio);
	folio_unlock(folio);
	return written;
}

/* The buffer's last page ends with the buffer. */
static u32 bytes_of_page(const struct grabdma_buffer *buffer, unsigned long page)
{
	return min_t(u64, PAGE_SIZE, buffer->bytes - ((u64)page << PAGE_SHIFT));
}

static void gather_mapped(struct grabdma_output *output, unsigned long first, unsigned long last)
{
	struct grabdma_buffer *buffer = output->buffer;
	unsigned long page;

	if (!READ_ONCE(output->mapped))
		return;
	for (page = first; page <= last; page++) {
		if (page_written(buffer->memory.folios[page]))
			mark(output, page, 0, bytes_of_page(buffer, page));
		cond_resched();
	}
}

static int send_sound(struct grabdma_buffer *buffer, u64 offset, u64 bytes)
{
	if (!READ_ONCE(buffer->mapped))
		return -ENODEV;
	if (grabdma_memory_sound(&buffer->memory, offset, bytes) < bytes)
		return -EIO;
	grabdma_sync_for_device(buffer, offset, bytes);
	return grabdma_engine_transfer(buffer, offset, bytes);
}

/*
 * Sends a range of the buffer to the device and waits until it has it. The watchdog and unplugging
 * bound the wait. Concurrent senders wait for each other. EIO: a page of it is broken.
 */
static int send(struct grabdma_buffer *buffer, u64 offset, u64 bytes)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	int error = grabdma_adapter_enter(adapter);

	if (error)
		return error;
	mutex_lock(&adapter->sender);
	error = send_sound(buffer, offset, bytes);
	mutex_unlock(&adapter->sender);
	grabdma_adapter_leave(adapter);
	if (!error) {
		atomic64_inc(&adapter->counters.sends);
		atomic64_add(bytes, &adapter->counters.sent_bytes);
	} else {
		atomic64_inc(&adapter->counters.errors);
	}
	trace_grabdma_sync(buffer, offset, bytes, error);
	return error;
}

/* Sends one run, unless there was an error before; what is not sent is dirty again. */
static int send_run(struct grabdma_output *output, u64 offset, u64 bytes, int error)
{
	if (!bytes)
		return error;
	if (!error)
		error = send(output->buffer, offset, bytes);
	if (error)
		mark_range(output, offset, bytes);
	return error;
}

/*
 * Joins adjacent spans to runs and sends them up to the first error. @killable: by a signal to the
 * caller, which nobody but fsync() may give way to.
 */
static int send_pages(struct grabdma_output *output, unsigned long first, unsigned long last,
		      bool killable)
{
	u64 offset = 0, bytes = 0;
	unsigned long page;
	int error = 0;

	for (page = first; page <= last && !error; page++) {
		struct span span = take_span(output, page);
		u64 start = ((u64)page << PAGE_SHIFT) + span.first;

		if (!span.last)
			continue;
		if (offset + bytes != start) {
			if (killable && fatal_signal_pending(current))
				error = -EINTR;
			error = send_run(output, offset, bytes, error);
			offset = start;
			bytes = 0;
		}
		bytes += span.last - span.first;
	}
	return send_run(output, offset, bytes, error);
}

/* Sends what was written to the pages; the mutex is held. */
static int flush(struct grabdma_output *output, unsigned long first, unsigned long last,
		 bool killable)
{
	if (!output->mapping || output->ended)
		return -ENODEV;
	gather_mapped(output, first, last);
	return send_pages(output, first, last, killable);
}

static unsigned long last_page(const struct grabdma_output *output)
{
	return output->buffer->memory.pages - 1;
}

/*
 * An error is reported to each open file once. Return: 0 when the device has all that was written to
 * the range; -EIO; -EINTR when the caller was killed; -ENODEV when there is no device any more.
 */
static int output_fsync(struct grabdma_buffer *buffer, struct file *file, loff_t start, loff_t end)
{
	struct grabdma_output *output = buffer->output;
	unsigned long last = min_t(u64, (u64)end >> PAGE_SHIFT, last_page(output));
	int error;

	if (mutex_lock_killable(&output->mutex))
		return -EINTR;
	error = flush(output, start >> PAGE_SHIFT, last, true);
	mutex_unlock(&output->mutex);
	if (error == -ENODEV || error == -EINTR)
		return error;
	if (error)
		mapping_set_error(file->f_mapping, -EIO);
	return file_check_and_advance_wb_err(file);
}

/* Looks again in an interval as long as a mapping can write, or something was not sent. */
static void writeback(struct work_struct *work)
{
	struct grabdma_output *output =
		container_of(to_delayed_work(work), struct grabdma_output, writeback);
	int error;

	mutex_lock(&output->mutex);
	error = flush(output, 0, last_page(output), false);
	if (error != -ENODEV) {
		mapping_set_error(output->mapping, error ? -EIO : 0);
		if (mapping_writably_mapped(output->mapping) || grabdma_output_dirty(output))
			arm_writeback(output);
	}
	mutex_unlock(&output->mutex);
}

static int output_init(struct grabdma_buffer *buffer, u32 writeback_ms)
{
	struct grabdma_output *output = kzalloc(sizeof(*output), GFP_KERNEL_ACCOUNT);

	if (!output)
		return -ENOMEM;
	output->spans = kvcalloc(buffer->memory.pages, sizeof(*output->spans), GFP_KERNEL_ACCOUNT);
	if (!output->spans) {
		kfree(output);
		return -ENOMEM;
	}
	output->buffer = buffer;
	output->interval = writeback_ms ? max(1UL, msecs_to_jiffies(writeback_ms)) : 0;
	mutex_init(&output->mutex);
	spin_lock_init(&output->lock);
	INIT_DELAYED_WORK(&output->writeback, writeback);
	buffer->output = output;
	return 0;
}

static void output_destroy(struct grabdma_buffer *buffer)
{
	struct grabdma_output *output = buffer->output;

	if (!output)
		return;
	kvfree(output->spans);
	kfree(output);
}

static void output_attach(struct grabdma_buffer *buffer, struct address_space *mapping)
{
	buffer->output->mapping = mapping;
}

/* Sends in time what background write-back owes, then there is no write-back any more. */
static void settle(struct grabdma_output *output)
{
	if (!output->interval)
		return;
	cancel_delayed_work_sync(&output->writeback);
	mutex_lock(&output->mutex);
	flush(output, 0, last_page(output), false);
	mutex_unlock(&output->mutex);
}

static void output_detach(struct grabdma_buffer *buffer)
{
	struct grabdma_output *output = buffer->output;

	/* A buffer that could not be created; its creator may hold locks behind the mutex. */
	if (!output->mapping)
		return;
	settle(output);
	mutex_lock(&output->mutex);
	output->mapping = NULL;
	mutex_unlock(&output->mutex);
}

static void output_quiesce(struct grabdma_buffer *buffer)
{
	struct grabdma_output *output = buffer->output;

	settle(output);
	mutex_lock(&output->mutex);
	output->ended = true;
	mutex_unlock(&output->mutex);
	cancel_delayed_work_sync(&output->writeback);
}

const struct grabdma_buffer_ops grabdma_output_buffer_ops = {
	.init = output_init,
	.attach = output_attach,
	.quiesce = output_quiesce,
	.detach = output_detach,
	.destroy = output_destroy,
	.wrote = output_wrote,
	.mapped = output_mapped,
	.fsync = output_fsync,
};
