/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The interface of grabdma: DMA buffers of frame grabbers as files in the page cache.
 *
 * Every adapter is a node /dev/grabdmaN. Each open() of it is a session, which owns the buffers
 * that it allocates. A buffer is memory that the device reaches by DMA, seen as regular files:
 *
 *   live view    read and write: the memory as it is now, a new frame whenever one has arrived
 *   frame view   read-only: one frame; it cannot be opened while the buffer waits for another one,
 *                and while it is open or mapped the buffer is *held*: QUEUE refuses to refill it
 *
 * Both views show the same pages and have the exact size that was asked for. They support read,
 * write (live view), mmap, splice, sendfile, lseek and fsync; they cannot be resized, punched or
 * executed, and their pages neither move nor get swapped. A page whose memory is known to be broken
 * is EIO to read(), write(), splice() and QUEUE, and SIGBUS to who has it mapped; a transfer that
 * is under way when it breaks is not stopped.
 *
 * The states of a buffer for capture:
 *
 *     idle ──QUEUE──▶ queued ──frame due──▶ filling ──record──▶ done ──read()──▶ idle
 *       ▲               │
 *       └─STOP_DEQUEUE──┘
 *
 * What happens is told by struct grabdma_record, read() from the session; poll() says when.
 * A buffer for output has no states: fsync() or msync(MS_SYNC) sends what was written to it.
 *
 * Rules for all ioctls:
 *   - @size comes first and holds sizeof the struct that the caller was compiled with. A smaller
 *     struct of an older caller is accepted, what it lacks counts as zero; a larger one only if
 *     what is beyond the known part is zero.
 *   - Reserved fields and unknown flags must be zero. On error nothing was changed and nothing
 *     is written back, unless a command says otherwise.
 *   - Byte counts and offsets are 64 bits wide, times are CLOCK_MONOTONIC nanoseconds.
 *   - A session that was opened read-only looks: INFO, ENUM_FORMAT, GET_FORMAT, BUFFER_STATE,
 *     read() and poll() work, all else is EACCES. fsync() of an output buffer needs a descriptor
 *     that may be written to (EBADF).
 *
 * Errors that every ioctl can give:
 *   ENOTTY      no such command
 *   EACCES      the session was opened read-only, and the command does more than look
 *   EINVAL      @size too small, a reserved field or an unknown flag is not zero
 *   E2BIG       @size larger than known, and the unknown part is not zero; or larger than a page
 *   EFAULT      the struct, or memory that it points to, cannot be accessed
 *   ENODEV      the device has been unplugged or unbound from its driver
 *   EINTR       a signal came first
 *
 * This interface is stable: structs grow at their end only, numbers are never used again.
 */
#ifndef _UAPI_GRABDMA_H
#define _UAPI_GRABDMA_H

#include <linux/ioctl.h>
#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRABDMA_UAPI_VERSION 1

/* The size is in the struct and not in the number, so that structs can grow. */
#define GRABDMA_IOCTL_TYPE 0xDA

enum grabdma_command {
	GRABDMA_COMMAND_INFO = 0,
	GRABDMA_COMMAND_ENUM_FORMAT = 1,
	GRABDMA_COMMAND_GET_FORMAT = 2,
	GRABDMA_COMMAND_SET_FORMAT = 3,
	GRABDMA_COMMAND_ALLOC = 4,
	GRABDMA_COMMAND_FREE = 5,
	GRABDMA_COMMAND_QUEUE = 6,
	GRABDMA_COMMAND_START = 7,
	GRABDMA_COMMAND_STOP = 8,
	GRABDMA_COMMAND_TRIGGER = 9,
	GRABDMA_COMMAND_BUFFER_STATE = 10,
	GRABDMA_COMMAND_INJECT = 11,
};

#define GRABDMA_INFO _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_INFO)
#define GRABDMA_ENUM_FORMAT _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_ENUM_FORMAT)
#define GRABDMA_GET_FORMAT _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_GET_FORMAT)
#define GRABDMA_SET_FORMAT _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_SET_FORMAT)
#define GRABDMA_ALLOC _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_ALLOC)
#define GRABDMA_FREE _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_FREE)
#define GRABDMA_QUEUE _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_QUEUE)
#define GRABDMA_START _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_START)
#define GRABDMA_STOP _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_STOP)
#define GRABDMA_TRIGGER _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_TRIGGER)
#define GRABDMA_BUFFER_STATE _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_BUFFER_STATE)
#define GRABDMA_INJECT _IO(GRABDMA_IOCTL_TYPE, GRABDMA_COMMAND_INJECT)

/* Which way the bytes go, seen from memory. */
#define GRABDMA_DIRECTION_CAPTURE (1u << 0) /* the device writes the buffer */
#define GRABDMA_DIRECTION_OUTPUT (1u << 1)  /* the device reads the buffer */

/* How the memory of a buffer is found. */
#define GRABDMA_ALLOC_PAGES (1u << 0)	   /* single pages, wherever they are */
#define GRABDMA_ALLOC_LARGE (1u << 1)	   /* pieces of up to 2 MiB, smaller where there are none */
#define GRABDMA_ALLOC_CONTIGUOUS (1u << 2) /* one run of physical addresses */

/* What an adapter can do. */
#define GRABDMA_CAP_INJECT (1u << 0) /* GRABDMA_INJECT works for the caller */
#define GRABDMA_CAP_IOMMU (1u << 1)  /* an IOMMU translates: no memory is out of reach */
#define GRABDMA_CAP_DEVICE_TIME (1u << 2)     /* frames have a &grabdma_record.device_time_ns */
#define GRABDMA_CAP_DEVICE_SEQUENCE (1u << 3) /* and a &grabdma_record.device_sequence */
#define GRABDMA_CAP_CHUNK (1u << 4)	      /* frames may have a GRABDMA_XATTR_CHUNK */

/**
 * struct grabdma_info - ioctl(GRABDMA_INFO): what is this adapter?
 * @size: sizeof(struct grabdma_info)
 * @flags: in: must be 0
 * @uapi_version: out: GRABDMA_UAPI_VERSION of the module
 * @capabilities: out: GRABDMA_CAP_*
 * @directions: out: GRABDMA_DIRECTION_* that ALLOC accepts
 * @strategies: out: GRABDMA_ALLOC_* that ALLOC accepts
 * @max_buffers: out: buffers of one session
 * @reserved: out: 0
 * @max_bytes: out: bytes of one buffer
 * @dma_mask: out: the highest address that the device can produce
 * @device_bytes: out: size of the device's own memory, 0 if it has none that can be addressed.
 *	Byte N of an output buffer is sent to byte N modulo @device_bytes of it.
 * @min_interval_ns: out: shortest time between two frames that START accepts
 * @adapter: out: name of the adapter's driver, NUL-terminated: "edu", "virtual"
 * @bus: out: where it is, NUL-terminated: "0000:00:04.0", "grabdma-virtual.0"
 * @depth: out: how many frames the device can be filling at once
 * @reserved2: out: 0
 */
struct grabdma_info {
	__u32 size;
	__u32 flags;
	__u32 uapi_version;
	__u32 capabilities;
	__u32 directions;
	__u32 strategies;
	__u32 max_buffers;
	__u32 reserved;
	__u64 max_bytes;
	__u64 dma_mask;
	__u64 device_bytes;
	__u64 min_interval_ns;
	char adapter[32];
	char bus[32];
	__u32 depth;
	__u32 reserved2;
};

/**
 * struct grabdma_format_range - ioctl(GRABDMA_ENUM_FORMAT): formats that the adapter makes
 * @size: sizeof(struct grabdma_format_range)
 * @index: in: 0, 1, 2, ... until EINVAL
 * @fourcc: out: pixel format, V4L2's code; 0: raw bytes of the device's memory, without a picture
 * @reserved: must be 0
 * @min_width: out: smallest width in pixels; 0 for raw bytes, as in the following fields
 * @max_width: out: largest width
 * @min_height: out: smallest height in pixels
 * @max_height: out: largest height
 * @step: out: widths and heights are multiples of this
 * @reserved2: must be 0
 *
 * EINVAL: no format with this index.
 */
struct grabdma_format_range {
	__u32 size;
	__u32 index;
	__u32 fourcc;
	__u32 reserved;
	__u32 min_width;
	__u32 max_width;
	__u32 min_height;
	__u32 max_height;
	__u32 step;
	__u32 reserved2;
};

/**
 * struct grabdma_format - ioctl(GRABDMA_GET_FORMAT), ioctl(GRABDMA_SET_FORMAT)
 * @size: sizeof(struct grabdma_format)
 * @flags: must be 0
 * @fourcc: pixel format, V4L2's code; 0: raw bytes of the device's memory
 * @width: pixels; 0 for raw bytes
 * @height: rows of pixels; 0 for raw bytes
 * @stride: bytes of a row of the first plane; SET: 0, the adapter decides, or what it decides
 * @bytes: size of an image; SET: in for raw bytes, otherwise 0 or what the adapter decides
 *
 * The format belongs to the session. A new session has the adapter's default. GET fills all fields
 * but @size; SET writes back what the adapter decided. Nothing is rounded silently.
 *
 * EINVAL: SET: the adapter does not make this.
 * EBUSY:  SET: a buffer is queued or filling, or the session is capturing.
 */
struct grabdma_format {
	__u32 size;
	__u32 flags;
	__u32 fourcc;
	__u32 width;
	__u32 height;
	__u32 stride;
	__u64 bytes;
};

/**
 * struct grabdma_alloc - ioctl(GRABDMA_ALLOC): a new buffer
 * @size: sizeof(struct grabdma_alloc)
 * @flags: in: exactly one of GRABDMA_ALLOC_*
 * @bytes: in: exact size of the buffer, 1 to &grabdma_info.max_bytes
 * @direction: in: exactly one of GRABDMA_DIRECTION_*
 * @writeback_ms: in: output only: send what was written at the latest after so many milliseconds,
 *	1 to 60000; 0: only when fsync() or msync(MS_SYNC) asks for it
 * @buffer: out: number of the buffer in this session; the smallest that is free
 * @segments: out: pieces that are not adjacent in physical memory
 * @live_fd: out: the live view, open for reading and writing, close-on-exec
 * @frame_fd: out: the frame view, open for reading, close-on-exec; -1 for output
 * @reserved: must be 0
 *
 * The pages are zeroed, locked in memory and charged to the caller's memory cgroup. The views keep
 * the memory alive by themselves; a view can be opened again through /proc/self/fd.
 *
 * The session's own descriptors, returned here, do not count as users of a view, unless something
 * is mapped through them. Whoever hands them on to other processes should let those reopen them.
 *
 * EINVAL: not exactly one strategy or one direction; @bytes is 0; @writeback_ms out of range or not
 *	for output; LARGE for output, whose unit of transfer is a page.
 * EOPNOTSUPP: the adapter does not have this direction.
 * EFBIG:  @bytes above max_bytes.
 * ENOMEM: not enough memory, not enough that the device can reach, none contiguous, or more than
 *	the memory cgroup allows. Nobody is killed for it. The kernel log tells which limit it was.
 * EDQUOT: more than RLIMIT_MEMLOCK allows the caller's user, with all that he has locked otherwise.
 *	The charge lasts as long as the memory, whoever has it then. CAP_IPC_LOCK exempts.
 * ENOBUFS: more than the adapter may have, for anybody: memory_limit in its directory in /sys.
 * EMFILE, ENFILE: no descriptor free.
 * ENOSPC: the session has max_buffers buffers.
 */
struct grabdma_alloc {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	__u32 direction;
	__u32 writeback_ms;
	__u32 buffer;
	__u32 segments;
	__s32 live_fd;
	__s32 frame_fd;
	__u64 reserved;
};

/**
 * struct grabdma_free - ioctl(GRABDMA_FREE): the session gives a buffer up
 * @size: sizeof(struct grabdma_free)
 * @flags: must be 0
 * @buffer: in: number of the buffer
 * @reserved: must be 0
 *
 * A buffer that is filling is cancelled first, and with it the others that are filling; records of the
 * buffer that were not read are dropped.
 * The number may be given out again. The memory goes when the last descriptor and the last mapping
 * of both views are gone; until then it can be read and written, but no device sees it any more:
 * fsync() of an output buffer gives ENODEV.
 * Works after ENODEV of other commands too.
 *
 * ENOENT: no such buffer.
 */
struct grabdma_free {
	__u32 size;
	__u32 flags;
	__u32 buffer;
	__u32 reserved;
};

/**
 * struct grabdma_queue - ioctl(GRABDMA_QUEUE): fill this buffer with one of the next frames
 * @size: sizeof(struct grabdma_queue)
 * @flags: must be 0
 * @buffer: in: number of the buffer
 * @reserved: must be 0
 *
 * Buffers are filled in the order in which they were queued. From here until its record the frame
 * view cannot be opened or mapped anew (ESTALE): nobody gets hold of half a frame.
 *
 * EBUSY tells that the buffer is held: its frame view is open or mapped, or pages that were spliced
 * or pinned through the frame view are still in use. A GRABDMA_RECORD_IDLE then tells, once, when
 * it is not held any more. (Pinned and spliced pages are found by their reference counts, at best
 * effort; users of the live view never hold a buffer.)
 *
 * ENOENT:   no such buffer.
 * EBUSY:    the buffer is held; see above.
 * EALREADY: the buffer is queued or filling, or its record has not been read yet.
 * EOPNOTSUPP: a buffer for output.
 * ENOSPC:   the buffer is smaller than the format's image.
 * EIO:      a page of the buffer is broken: free it.
 */
struct grabdma_queue {
	__u32 size;
	__u32 flags;
	__u32 buffer;
	__u32 reserved;
};

/**
 * struct grabdma_start - ioctl(GRABDMA_START): frames are due from now on
 * @size: sizeof(struct grabdma_start)
 * @flags: must be 0
 * @interval_num: in: seconds between two frames as a fraction: 1/30, 1001/30000;
 * @interval_den: in: 0/0: as fast as possible
 * @frames: in: stop by itself when so many frames have been due; 0: no limit
 *
 * With an interval, a frame that is due while no buffer is queued, or while the device is filling
 * &grabdma_info.depth others already, is dropped. As fast as possible, a frame is due when the device
 * has room for it and a buffer is queued: nothing is dropped but by the device itself. The due times are exact multiples of the fraction
 * after the start and do not drift.
 *
 * One session captures at a time. A session that captures already takes on the new interval and
 * the new limit at once.
 *
 * EINVAL: one of the fraction's parts is 0, or it is outside min_interval_ns to one hour.
 * EBUSY:  another session captures, or is about to.
 * EIO:    the board does not come to rest.
 * EOPNOTSUPP: the adapter does not capture.
 */
struct grabdma_start {
	__u32 size;
	__u32 flags;
	__u32 interval_num;
	__u32 interval_den;
	__u64 frames;
};

#define GRABDMA_STOP_DEQUEUE (1u << 0) /* take the queued buffers back, too; they become idle */

/**
 * struct grabdma_stop - ioctl(GRABDMA_STOP): no more frames are due
 * @size: sizeof(struct grabdma_stop)
 * @flags: in: 0 or GRABDMA_STOP_DEQUEUE
 *
 * When it returns, no DMA of this session's captures is in flight; a frame that was cancelled for
 * that has an error record with ECANCELED. Buffers that were only queued stay queued. Stopping what
 * is not capturing is no error.
 */
struct grabdma_stop {
	__u32 size;
	__u32 flags;
};

/**
 * struct grabdma_trigger - ioctl(GRABDMA_TRIGGER): capture some frames now
 * @size: sizeof(struct grabdma_trigger)
 * @flags: must be 0
 * @frames: in: how many, at least 1
 *
 * On a session that is not capturing: GRABDMA_START as fast as possible with this limit. On one
 * whose limit has not been reached yet: raises the limit.
 *
 * EINVAL: @frames is 0 or the sum overflows.
 * EBUSY:  the session captures without a limit, or another session captures.
 * EOPNOTSUPP: the adapter does not capture.
 */
struct grabdma_trigger {
	__u32 size;
	__u32 flags;
	__u64 frames;
};

/* &grabdma_buffer_entry.state */
enum grabdma_state {
	GRABDMA_STATE_IDLE = 0,
	GRABDMA_STATE_QUEUED = 1,
	GRABDMA_STATE_FILLING = 2,
	GRABDMA_STATE_DONE = 3, /* complete or failed; the record has not been read yet */
};

/* &grabdma_buffer_entry.flags */
#define GRABDMA_BUFFER_HELD (1u << 0)	/* QUEUE would give EBUSY */
#define GRABDMA_BUFFER_PINNED (1u << 1) /* held only by pages that are spliced or pinned */
#define GRABDMA_BUFFER_OUTPUT (1u << 2) /* a buffer for output */
#define GRABDMA_BUFFER_DIRTY (1u << 3)	/* output: write() left something that was not sent yet */

/**
 * struct grabdma_buffer_entry - one line of GRABDMA_BUFFER_STATE
 * @buffer: in: number of the buffer
 * @state: out: enum grabdma_state
 * @flags: out: GRABDMA_BUFFER_*
 * @live_users: out: open descriptions of the live view, and mappings made through @live_fd of
 *	ALLOC; the session's own descriptors do not count
 * @frame_users: out: the same for the frame view
 * @reserved: must be 0
 */
struct grabdma_buffer_entry {
	__u32 buffer;
	__u32 state;
	__u32 flags;
	__u32 live_users;
	__u32 frame_users;
	__u32 reserved;
};

#define GRABDMA_BUFFER_STATE_WATCH (1u << 0) /* announce the end of each hold that is found */

/**
 * struct grabdma_buffer_state - ioctl(GRABDMA_BUFFER_STATE): states and users of many buffers
 * @size: sizeof(struct grabdma_buffer_state)
 * @flags: in: 0 or GRABDMA_BUFFER_STATE_WATCH: every buffer found held gets a GRABDMA_RECORD_IDLE
 *	when it is not held any more, as after a QUEUE that gave EBUSY
 * @count: in: number of entries, at most max_buffers
 * @reserved: must be 0
 * @entries: in: user pointer to an array of struct grabdma_buffer_entry
 *
 * Works after ENODEV of other commands too.
 *
 * ENOENT: an entry names no buffer of this session; entries before it have been filled in.
 * EINVAL: @count is too large.
 */
struct grabdma_buffer_state {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 reserved;
	__u64 entries;
};

/*
 * &grabdma_inject.fault; "next" means what begins after the command, whoever captures. Counts that
 * are left are forgotten when the session that set one last is closed.
 */
enum grabdma_fault {
	GRABDMA_FAULT_DROP = 1,		/* the next @value frames are dropped */
	GRABDMA_FAULT_DMA_ERROR = 2,	/* the next @value transfers fail with EIO */
	GRABDMA_FAULT_STALL = 3,	/* the next @value transfers never end by themselves */
	GRABDMA_FAULT_UNPLUG = 4,	/* the device is gone, now; @value must be 0 */
	GRABDMA_FAULT_SEQUENCE = 5,	/* the next frame has sequence number @value */
	GRABDMA_FAULT_TIME = 6,		/* the clock of timestamps reads @value ns now and runs on */
	GRABDMA_FAULT_ALLOC_FAIL = 7,	/* the @value-th allocation of this session from now on */
					/* fails, once; 0: none does */
};

/**
 * struct grabdma_inject - ioctl(GRABDMA_INJECT): make something go wrong, for tests
 * @size: sizeof(struct grabdma_inject)
 * @flags: must be 0
 * @fault: in: enum grabdma_fault
 * @reserved: must be 0
 * @value: in: see there
 * @pending: out: what was left of the same fault's last @value; 0 for faults that happen at once
 *
 * For who has CAP_SYS_ADMIN; for everybody, and on hardware, too, when the module was loaded with
 * inject=1.
 *
 * EINVAL: unknown fault, or a @value that makes no sense for it.
 * EPERM:  the caller lacks CAP_SYS_ADMIN.
 * EOPNOTSUPP: hardware, without inject=1.
 */
struct grabdma_inject {
	__u32 size;
	__u32 flags;
	__u32 fault;
	__u32 reserved;
	__u64 value;
	__u64 pending;
};

/* &grabdma_record.type */
enum grabdma_record_type {
	GRABDMA_RECORD_FRAME = 1, /* @buffer has a complete frame */
	GRABDMA_RECORD_ERROR = 2, /* the transfer into @buffer failed, @error tells why */
	GRABDMA_RECORD_DROP = 3,  /* @dropped_before frames were lost, the last one is @sequence */
	GRABDMA_RECORD_IDLE = 4,  /* @buffer was held and is not any more; or it was queued, and a page */
				  /* of it broke: QUEUE says EIO */
	GRABDMA_RECORD_GONE = 5,  /* the device is gone; the last record */
};

/* &grabdma_record.flags */
#define GRABDMA_RECORD_INJECTED (1u << 0) /* GRABDMA_INJECT had a hand in it */
#define GRABDMA_RECORD_LIMITED (1u << 1)  /* the last frame of a capture with a limit */

/*
 * What the device says about the frame beside the image, in its own format, at most 4096 bytes: an
 * extended attribute of both views, while the buffer has that frame. ENODATA: nothing, or the buffer
 * is being filled.
 */
#define GRABDMA_XATTR_CHUNK "user.grabdma.chunk"

#define GRABDMA_NO_BUFFER 0xFFFFFFFFu

/**
 * struct grabdma_record - read() from the session: what happened
 * @type: enum grabdma_record_type
 * @buffer: number of the buffer; GRABDMA_NO_BUFFER where there is none
 * @sequence: counts every frame that was due on this adapter, dropped and failed ones too, from 0;
 *	also those of which the device says that it lost them
 * @timestamp_ns: CLOCK_MONOTONIC; of a frame: taken in the interrupt that ended the transfer, by
 *	the virtual adapter in the timer that made the frame due
 * @bytes_used: bytes of the image; fewer than the format's where the device makes frames of their
 *	own length (compressed, line scan)
 * @flags: GRABDMA_RECORD_*
 * @error: errno of an error: EIO (DMA failed), ETIMEDOUT (the device went silent), ECANCELED
 *	(STOP or FREE came first, or the machine was suspended), ENODEV (unplugged); else 0
 * @dropped_before: frames of this session dropped between the one before and this one. They have
 *	been announced by DROP records as well, which come at once, even while the frame before is
 *	still in flight; those may gather several.
 * @device_time_ns: of a frame: by the device's own clock (GRABDMA_CAP_DEVICE_TIME); else 0
 * @device_sequence: of a frame: by the device's own counting (GRABDMA_CAP_DEVICE_SEQUENCE); else 0
 *
 * Records come in the order of their frames, however the device ends them.
 *
 * read() gives as many whole records as there are and fit, at least one; it waits for the first
 * unless O_NONBLOCK is set. A record is never lost: each buffer has a place for its own, and drops
 * are gathered in one.
 *
 * EINVAL: the read is smaller than a record.
 * EAGAIN: O_NONBLOCK and no record.
 * ENODEV: the GONE record has been read.
 *
 * poll(): EPOLLIN: a record can be read; EPOLLERR | EPOLLHUP: the device is gone.
 */
struct grabdma_record {
	__u32 type;
	__u32 buffer;
	__u64 sequence;
	__u64 timestamp_ns;
	__u64 bytes_used;
	__u32 flags;
	__s32 error;
	__u64 dropped_before;
	__u64 device_time_ns;
	__u64 device_sequence;
};

#ifdef __cplusplus
}
#endif

#endif /* _UAPI_GRABDMA_H */
