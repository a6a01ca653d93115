/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inside of the module: its objects, who owns them and which lock guards what.
 *
 * Ownership (an arrow holds a reference):
 *
 *     /dev/grabdmaN file ─▶ session ─▶ adapter ◀─ adapter's driver, until it unregisters
 *                              │          ▲
 *                              ▼          │
 *     live inode, frame inode ─▶ buffer ──┘
 *          ▲           │
 *          │           └─▶ live inode (whose page cache both share)
 *     files, mappings
 *
 * A buffer outlives its session while somebody has it open or mapped. An adapter object outlives
 * the device; @gone says that the device is not there any more.
 *
 * No lock is held, and no adapter kept from going, while memory of the caller's is touched: it may
 * never come (userfaultfd). session->reader is the exception, for which only read() of the same
 * session waits.
 *
 * Calls go downward only, callbacks up through what the lower one was given (layers_test.sh
 * checks it). A file may call those in its line that stand to its right, and all below:
 *
 *     main ▶ board
 *     session ▶ ioctl ▶ command_device, command_buffer, observe
 *     capture ▶ queue ▶ frame          output
 *     buffer
 *     file ▶ fault ▶ hold
 *     engine
 *     adapter
 *     memory, account, dma ▶ pages
 *     event, trace
 *
 * Locks, in the order in which they may be taken:
 *   session->reader    one read() at a time
 *   session->mutex     configuration of one session: ioctls one after the other
 *   output->mutex      one write-back of a buffer at a time
 *   adapter->alive     read: the device stays; written by unregister to wait for all readers
 *   adapter->sender    one output transfer at a time
 *   adapter->control   start, stop and abort of the engine
 *   adapter->buffers_mutex  which buffers are mapped for the device
 *   adapter->lock      spinlock, also taken in interrupts: engine, queues, states, users, records.
 *                      No loop under it runs as often as user space or a clock says.
 */
#ifndef GRABDMA_H
#define GRABDMA_H

#include <linux/atomic.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "include/grabdma/adapter.h"
#include "pace.h"

#define GRABDMA_NAME "grabdma"
#define GRABDMA_MAX_ADAPTERS 64
#define GRABDMA_MAX_BUFFERS 65536
#define GRABDMA_MIN_INTERVAL_NS (100 * NSEC_PER_USEC)
#define GRABDMA_MAX_INTERVAL_NS (3600ULL * NSEC_PER_SEC)

struct grabdma_adapter;
struct grabdma_buffer;
struct grabdma_session;

/* A record that waits to be read; its place is reserved, so that none is ever lost. */
struct grabdma_event {
	struct list_head node; /* in session->events; empty: not waiting */
	struct grabdma_record record;
};

/* Memory that is charged to somebody; empty: @pages is 0. */
struct grabdma_charge {
	struct grabdma_adapter *adapter;
	struct mm_struct *mm;	 /* referenced */
	const struct cred *cred; /* referenced, with its user; NULL: exempt */
	unsigned long pages;
};

/* Pages of a buffer, found by memory.c; one reference on each folio is ours. */
struct grabdma_memory {
	struct folio **folios;
	unsigned long count; /* of folios */
	unsigned long pages;
	struct grabdma_charge charge;
};

enum grabdma_view_kind {
	GRABDMA_VIEW_LIVE,
	GRABDMA_VIEW_FRAME,
	GRABDMA_VIEWS,
};

/* What an inode is to a buffer. */
struct grabdma_view {
	struct grabdma_buffer *buffer;
	enum grabdma_view_kind kind;
	unsigned int users; /* adapter->lock; open files, and mappings through the session's fd */
};

struct grabdma_output;

/*
 * What a buffer is for: the layer above buffer.c and file.c, which call it back. Functions that are
 * NULL have nothing to do.
 *
 * @init: before the buffer has files; may fail
 * @attach: its pages are in @mapping from now on
 * @quiesce: the session gives the buffer up; afterwards no transfer is in flight and none begins
 * @detach: the last file and mapping are gone
 * @destroy: undoes @init
 * @wrote: write() has copied these bytes
 * @mapped: somebody maps the buffer and may write to it at any time
 * @fsync: fsync() and msync(MS_SYNC) through a descriptor that may be written to
 * @broke: the memory of a page is broken
 */
struct grabdma_buffer_ops {
	int (*init)(struct grabdma_buffer *buffer, u32 writeback_ms);
	void (*attach)(struct grabdma_buffer *buffer, struct address_space *mapping);
	void (*quiesce)(struct grabdma_buffer *buffer);
	void (*detach)(struct grabdma_buffer *buffer);
	void (*destroy)(struct grabdma_buffer *buffer);
	void (*wrote)(struct grabdma_buffer *buffer, u64 offset, size_t bytes);
	void (*mapped)(struct grabdma_buffer *buffer);
	int (*fsync)(struct grabdma_buffer *buffer, struct file *file, loff_t start, loff_t end);
	void (*broke)(struct grabdma_buffer *buffer);
};

struct grabdma_buffer {
	struct kref kref;
	void (*release)(struct kref *kref);
	const struct grabdma_buffer_ops *ops;
	struct grabdma_adapter *adapter;
	u32 id;
	u32 direction;
	u64 bytes;
	unsigned int segments;
	struct grabdma_memory memory;
	struct grabdma_output *output; /* NULL for capture */
	struct grabdma_view views[GRABDMA_VIEWS];

	struct sg_table table;	   /* the segments; does not change */
	bool mapped;		   /* for the device; adapter->buffers_mutex */
	bool noncoherent;	   /* caches have to be synchronised; set when it is mapped */
	struct list_head dma_node; /* in adapter->buffers; adapter->buffers_mutex */

	/* adapter->lock */
	struct grabdma_session *session; /* NULL: given up */
	enum grabdma_state state;
	struct list_head queue_node; /* in session->queue */
	struct grabdma_event result;
	struct grabdma_event idle;
	u8 *chunk;		  /* room for data about the frame; NULL: the board has none */
	unsigned int chunk_bytes; /* of them, of the frame that is complete; 0: written by nobody or now */
	bool watched;	  /* announce the end of the hold */
	bool exposed;	  /* pages may be pinned or in pipes through the frame view */
	u32 exposures;	  /* counts what sets @exposed */
};

struct grabdma_session {
	struct grabdma_adapter *adapter;
	struct mutex mutex;  /* one ioctl at a time */
	struct mutex reader; /* one read() at a time */
	struct xarray buffers;
	struct list_head node; /* in adapter->sessions; adapter->lock */
	wait_queue_head_t wait;
	struct delayed_work recheck; /* of watched buffers with pinned pages */
	atomic64_t fail_countdown;

	/* adapter->lock */
	struct grabdma_format format;
	struct list_head queue;
	struct list_head events;
	struct grabdma_event drop;
	struct grabdma_event gone;
	u64 dropped; /* since the last frame began */
	unsigned int busy; /* buffers queued or filling */
	bool ended;	   /* the GONE record has been read */
};

enum grabdma_phase {
	GRABDMA_SLOT_IDLE,
	GRABDMA_SLOT_RUNNING,	 /* the request is the board's */
	GRABDMA_SLOT_COMPLETING, /* it has ended; its caches are being synchronised */
	GRABDMA_SLOT_ENDED,	 /* those before it have not */
};

/* A place for a request in flight. All under adapter->lock, but see @result. */
struct grabdma_slot {
	struct grabdma_request request;
	struct grabdma_adapter *adapter;
	struct grabdma_buffer *buffer;
	/* Of who submitted it: called back when it and all before it have ended. */
	void (*ended)(struct grabdma_slot *slot);
	enum grabdma_phase phase;
	enum grabdma_fault fault; /* what becomes of the request; 0: nothing */
	bool last;		  /* the request is the last frame of a limited capture */
	u64 dropped_before;	  /* frames dropped between the one before and the request's */
	u64 lost_before;	  /* engine->lost when it was submitted */
	struct grabdma_result result;	/* of the completer while completing, then the lock's */
	struct work_struct completion;	/* of requests that end in an interrupt */
	struct scatterlist *sg;		/* where the board has last asked for a piece */
	u64 sg_offset;			/* the buffer's offset of @sg */
};

/* Turns due frames and written bytes into requests; all under adapter->lock. */
struct grabdma_engine {
	struct grabdma_slot *slots;
	unsigned int depth;	/* how many; does not change */
	unsigned int first;	/* the oldest request in flight */
	unsigned int in_flight; /* from there on; READ_ONCE() without the lock */
	unsigned int claims;	/* nothing begins: somebody changes the course of things */
	bool sending;		/* an output transfer is in flight or has the next turn */
	int output_error;	/* of the last output request */
	wait_queue_head_t idle;
	unsigned long deadline; /* jiffies */
	struct task_struct *submitter; /* whose submit() runs; without the lock */
	/* Of who captures: called when requests may begin. */
	void (*ready)(struct grabdma_engine *engine);
	/* The same, when the board has given all back: before requests may begin. Without the lock. */
	void (*set_up)(struct grabdma_engine *engine);

	struct grabdma_session *owner;	 /* who captures; NULL: nobody */
	struct grabdma_session *starter; /* who is about to; has a claim */
	bool limited;
	u64 remaining;
	bool paced;
	struct hrtimer timer;
	struct grabdma_pace pace;

	u64 sequence;	  /* of the next frame */
	u64 lost;	  /* frames that the board says it lost */
	u64 clock_offset; /* added to timestamps */
	u64 faults[GRABDMA_FAULT_STALL + 1];
	struct grabdma_session *fault_owner; /* who asked for them last; they go with it */
};

struct grabdma_counters {
	atomic64_t frames, drops, errors, bytes, faults, sends, sent_bytes, timeouts;
	atomic_t sessions, buffers;
};

struct grabdma_adapter {
	struct device dev;
	struct cdev cdev;
	int id; /* N of its node; another adapter's, too, when this one is unregistered */
	struct grabdma_adapter_config config;
	char name[32]; /* of the board's driver; the ops are its module's and may be gone */
	char bus[32];
	struct grabdma_counters counters;
	struct dentry *debugfs;
	bool inject_all; /* GRABDMA_INJECT is for everybody */

	struct rw_semaphore alive;
	struct mutex sender;  /* one output transfer at a time */
	struct mutex control; /* start, stop and abort of the engine */
	struct delayed_work watchdog;
	struct work_struct unplug;
	bool suspended;		    /* adapter->control */
	bool dma_noncoherent;	    /* the device is not cache-coherent, or an IOMMU may not be */
	unsigned long memory_limit; /* pages; READ_ONCE() */
	atomic_long_t memory;	    /* pages of all buffers, also of those that only files keep */
	struct mutex buffers_mutex; /* of the list */
	struct list_head buffers;   /* mapped for DMA */

	spinlock_t lock; /* of what follows, and of states and records of sessions and buffers */
	bool gone; /* set under lock */
	struct list_head sessions;
	struct grabdma_engine engine;
};

/* board.c */
int grabdma_boards_init(void);
void grabdma_boards_exit(void);

/* session.c */
extern const struct file_operations grabdma_session_fops;

/* ioctl.c */
long grabdma_session_ioctl(struct file *file, unsigned int command, unsigned long argument);

/* observe.c */
extern const struct attribute_group *grabdma_groups[];
void grabdma_debugfs_init(void);
void grabdma_debugfs_exit(void);
void grabdma_debugfs_add(struct grabdma_adapter *adapter);
void grabdma_debugfs_remove(struct grabdma_adapter *adapter);

/* capture.c */
void grabdma_capture_init(struct grabdma_adapter *adapter);
int grabdma_capture_start(struct grabdma_session *session, const struct grabdma_start *start);
int grabdma_capture_trigger(struct grabdma_session *session, u64 frames);
void grabdma_capture_stop(struct grabdma_session *session, bool dequeue);
void grabdma_capture_suspend(struct grabdma_adapter *adapter);
int grabdma_capture_resume(struct grabdma_adapter *adapter);

/* queue.c */
extern const struct grabdma_buffer_ops grabdma_capture_buffer_ops;
int grabdma_queue_buffer(struct grabdma_buffer *buffer);
void grabdma_queue_cancel(struct grabdma_buffer *buffer);
bool grabdma_queue_take_some(struct grabdma_session *session);
void grabdma_queue_take_all(struct grabdma_session *session);

/* output.c */
extern const struct grabdma_buffer_ops grabdma_output_buffer_ops;
bool grabdma_output_dirty(struct grabdma_output *output);

/* buffer.c */
struct grabdma_buffer *grabdma_buffer_create(struct grabdma_session *session,
					     const struct grabdma_buffer_ops *ops,
					     const struct grabdma_alloc *alloc, u32 id,
					     struct file *files[GRABDMA_VIEWS]);
void grabdma_buffer_release(struct grabdma_buffer *buffer);

static inline struct grabdma_buffer *grabdma_buffer_get(struct grabdma_buffer *buffer)
{
	kref_get(&buffer->kref);
	return buffer;
}

static inline void grabdma_buffer_put(struct grabdma_buffer *buffer)
{
	kref_put(&buffer->kref, buffer->release);
}

/* file.c */
int grabdma_fs_pin(void);
void grabdma_fs_unpin(void);
struct inode *grabdma_inode_create(struct grabdma_view *view, struct inode *live);
struct file *grabdma_file_create(struct inode *inode, const char *name, int flags);

/* fault.c */
extern const struct vm_operations_struct grabdma_vm_ops;

/* hold.c */
int grabdma_view_use(struct grabdma_view *view);
void grabdma_view_use_again(struct grabdma_view *view);
void grabdma_view_unuse(struct grabdma_view *view);
void grabdma_view_expose(struct grabdma_view *view);
bool grabdma_buffer_pinned(struct grabdma_buffer *buffer);
void grabdma_buffer_watch(struct grabdma_buffer *buffer);
void grabdma_buffer_announce(struct grabdma_buffer *buffer);
void grabdma_session_recheck(struct work_struct *work);

/* engine.c; engine.h has what only those above it need */
int grabdma_engine_init(struct grabdma_adapter *adapter);
void grabdma_engine_shutdown(struct grabdma_adapter *adapter);
void grabdma_engine_forget_faults(struct grabdma_session *session);
int grabdma_engine_transfer(struct grabdma_buffer *buffer, u64 offset, u64 bytes);

/* adapter.c */
extern struct workqueue_struct *grabdma_workqueue;
int grabdma_workqueue_init(void);
void grabdma_workqueue_exit(void);
int grabdma_adapter_enter(struct grabdma_adapter *adapter);
void grabdma_adapter_leave(struct grabdma_adapter *adapter);
int grabdma_adapter_enum_format(struct grabdma_adapter *adapter,
				struct grabdma_format_range *range);
int grabdma_adapter_check_format(struct grabdma_adapter *adapter, struct grabdma_format *format);
void grabdma_adapter_mark_gone(struct grabdma_adapter *adapter);
void grabdma_adapter_init_unplug(struct grabdma_adapter *adapter);
void grabdma_adapter_unplug(struct grabdma_adapter *adapter);

/* memory.c */
int grabdma_memory_alloc(struct grabdma_session *session, struct grabdma_memory *memory,
			 unsigned long pages, u32 strategy);
void grabdma_memory_free(struct grabdma_memory *memory);

/* account.c */
void grabdma_account_init(struct grabdma_adapter *adapter);
int grabdma_charge(struct grabdma_adapter *adapter, struct grabdma_charge *charge,
		   unsigned long pages);
void grabdma_uncharge(struct grabdma_charge *charge);

/* dma.c */
bool grabdma_adapter_translated(struct grabdma_adapter *adapter);
u64 grabdma_dma_limit(struct grabdma_adapter *adapter);
int grabdma_dma_node(struct grabdma_adapter *adapter);
void grabdma_dma_init(struct grabdma_adapter *adapter);
void grabdma_sync_for_device(struct grabdma_buffer *buffer, u64 offset, u64 bytes);
void grabdma_sync_for_cpu(struct grabdma_buffer *buffer, u64 bytes);
int grabdma_buffer_map(struct grabdma_buffer *buffer);
void grabdma_buffer_unmap(struct grabdma_buffer *buffer);

/* pages.c */
bool grabdma_memory_pinned(const struct grabdma_memory *memory);
u64 grabdma_memory_sound(const struct grabdma_memory *memory, u64 offset, u64 bytes);

/* event.c */
void grabdma_events_init(struct grabdma_session *session);
void grabdma_event_post(struct grabdma_session *session, struct grabdma_event *event);
int grabdma_event_peek(struct grabdma_session *session, struct grabdma_record *record);
void grabdma_event_consume(struct grabdma_session *session, const struct grabdma_record *record);
bool grabdma_events_readable(struct grabdma_session *session);
__poll_t grabdma_events_poll(struct grabdma_session *session);
bool grabdma_should_fail(struct grabdma_session *session);

#endif /* GRABDMA_H */
