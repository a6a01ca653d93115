/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: /sys/kernel/tracing/events/grabdma/. They tell what happens to frames (queue, done,
 * drop), mappings (fault) and written bytes (sync).
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM grabdma

#if !defined(GRABDMA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define GRABDMA_TRACE_H

#include <linux/tracepoint.h>

#include "grabdma.h"

TRACE_EVENT(grabdma_queue,
	TP_PROTO(const struct grabdma_buffer *buffer),
	TP_ARGS(buffer),
	TP_STRUCT__entry(
		__field(int, adapter)
		__field(u32, buffer)
		__field(u64, bytes)
	),
	TP_fast_assign(
		__entry->adapter = buffer->adapter->id;
		__entry->buffer = buffer->id;
		__entry->bytes = buffer->bytes;
	),
	TP_printk("adapter=%d buffer=%u bytes=%llu", __entry->adapter, __entry->buffer,
		  __entry->bytes)
);

TRACE_EVENT(grabdma_done,
	TP_PROTO(const struct grabdma_buffer *buffer, u64 sequence, u64 timestamp_ns, int error),
	TP_ARGS(buffer, sequence, timestamp_ns, error),
	TP_STRUCT__entry(
		__field(int, adapter)
		__field(u32, buffer)
		__field(u64, sequence)
		__field(u64, timestamp_ns)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->adapter = buffer->adapter->id;
		__entry->buffer = buffer->id;
		__entry->sequence = sequence;
		__entry->timestamp_ns = timestamp_ns;
		__entry->error = error;
	),
	TP_printk("adapter=%d buffer=%u sequence=%llu timestamp_ns=%llu error=%d",
		  __entry->adapter, __entry->buffer, __entry->sequence, __entry->timestamp_ns,
		  __entry->error)
);

TRACE_EVENT(grabdma_drop,
	TP_PROTO(const struct grabdma_adapter *adapter, u64 sequence, u64 frames),
	TP_ARGS(adapter, sequence, frames),
	TP_STRUCT__entry(
		__field(int, adapter)
		__field(u64, sequence)
		__field(u64, frames)
	),
	TP_fast_assign(
		__entry->adapter = adapter->id;
		__entry->sequence = sequence;
		__entry->frames = frames;
	),
	TP_printk("adapter=%d sequence=%llu frames=%llu", __entry->adapter, __entry->sequence,
		  __entry->frames)
);

TRACE_EVENT(grabdma_fault,
	TP_PROTO(const struct grabdma_buffer *buffer, unsigned long page, bool write),
	TP_ARGS(buffer, page, write),
	TP_STRUCT__entry(
		__field(int, adapter)
		__field(u32, buffer)
		__field(unsigned long, page)
		__field(bool, write)
	),
	TP_fast_assign(
		__entry->adapter = buffer->adapter->id;
		__entry->buffer = buffer->id;
		__entry->page = page;
		__entry->write = write;
	),
	TP_printk("adapter=%d buffer=%u page=%lu %s", __entry->adapter, __entry->buffer,
		  __entry->page, __entry->write ? "write" : "read")
);

TRACE_EVENT(grabdma_sync,
	TP_PROTO(const struct grabdma_buffer *buffer, u64 offset, u64 bytes, int error),
	TP_ARGS(buffer, offset, bytes, error),
	TP_STRUCT__entry(
		__field(int, adapter)
		__field(u32, buffer)
		__field(u64, offset)
		__field(u64, bytes)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->adapter = buffer->adapter->id;
		__entry->buffer = buffer->id;
		__entry->offset = offset;
		__entry->bytes = bytes;
		__entry->error = error;
	),
	TP_printk("adapter=%d buffer=%u offset=%llu bytes=%llu error=%d", __entry->adapter,
		  __entry->buffer, __entry->offset, __entry->bytes, __entry->error)
);

#endif /* GRABDMA_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
