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

#include "adapter.h"
#include "pace.h"

#define GRABDMA_NAME "grabdma"
#define GRABDMA_MAX_ADAPTERS 64
#define GRABDMA_MAX_BUFFERS 65536
#define GRABDMA_MAX_BYTES (1ULL << 30)
#define GRABDMA_MIN_INTERVAL_NS (100 * NSEC_PER_USEC)
#define GRABDMA_MAX_INTERVAL_NS (3600ULL * NSEC_PER_SEC)

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

struct grabdma_buffer {
	struct kref kref;
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
	GRABDMA_ENGINE_IDLE,
	GRABDMA_ENGINE_RUNNING,	   /* the request is the adapter's */
	GRABDMA_ENGINE_COMPLETING, /* grabdma_done() works on it */
};

/* Turns due frames and written bytes into requests; all under adapter->lock. */
struct grabdma_engine {
	enum grabdma_phase phase;
	struct grabdma_request request;
	enum grabdma_fault fault; /* what becomes of the request; 0: nothing */
	bool last;		  /* the request is the last frame of a limited capture */
	u64 dropped_before;	  /* frames dropped between the one before and the request's */
	int output_error;	  /* of the last output request */
	int error;		  /* while completing: of the request */
	u64 timestamp_ns;	  /* while completing: when it ended */
	unsigned int claims;	  /* nothing begins: somebody changes the course of things */
	bool sending;		  /* an output transfer is in flight or has the next turn */
	wait_queue_head_t idle;
	unsigned long deadline; /* jiffies */

	struct grabdma_session *owner;	 /* who captures; NULL: nobody */
	struct grabdma_session *starter; /* who is about to; has a claim */
	bool limited;
	u64 remaining;
	bool paced;
	struct hrtimer timer;
	struct grabdma_pace pace;

	u64 sequence;	  /* of the next frame */
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
	char bus[32];
	struct grabdma_counters counters;
	struct dentry *debugfs;

	struct rw_semaphore alive;
	struct mutex sender;  /* one output transfer at a time */
	struct mutex control; /* start, stop and abort of the engine */
	struct delayed_work watchdog;
	struct work_struct completion; /* of requests that end in an interrupt */
	struct work_struct unplug;
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

/* main.c */
extern struct workqueue_struct *grabdma_workqueue;
extern struct class grabdma_class;
extern unsigned int grabdma_timeout_ms;
extern bool grabdma_inject_all;
extern bool grabdma_bounce;
extern unsigned int grabdma_memory_limit_mb;
dev_t grabdma_devt(int id);

/* adapter.c */
int grabdma_adapter_enter(struct grabdma_adapter *adapter);
void grabdma_adapter_leave(struct grabdma_adapter *adapter);
void grabdma_adapter_unplug(struct grabdma_adapter *adapter);

/* session.c */
extern const struct file_operations grabdma_session_fops;
bool grabdma_should_fail(struct grabdma_session *session);
void grabdma_session_post(struct grabdma_session *session, struct grabdma_event *event);

/* ioctl.c */
long grabdma_session_ioctl(struct file *file, unsigned int command, unsigned long argument);

/* account.c */
int grabdma_charge(struct grabdma_adapter *adapter, struct grabdma_charge *charge,
		   unsigned long pages);
void grabdma_uncharge(struct grabdma_charge *charge);

/* memory.c */
int grabdma_memory_alloc(struct grabdma_session *session, struct grabdma_memory *memory,
			 unsigned long pages, u32 strategy);
void grabdma_memory_free(struct grabdma_memory *memory);

/* pages.c */
bool grabdma_memory_pinned(const struct grabdma_memory *memory);
u64 grabdma_memory_sound(const struct grabdma_memory *memory, u64 offset, u64 bytes);

/* buffer.c */
struct grabdma_buffer *grabdma_buffer_create(struct grabdma_session *session,
					     const struct grabdma_alloc *alloc, u32 id,
					     struct file *files[GRABDMA_VIEWS]);
struct grabdma_buffer *grabdma_buffer_get(struct grabdma_buffer *buffer);
void grabdma_buffer_put(struct grabdma_buffer *buffer);
void grabdma_buffer_release(struct grabdma_buffer *buffer);

/* hold.c */
int grabdma_view_use(struct grabdma_view *view);
void grabdma_view_use_again(struct grabdma_view *view);
void grabdma_view_unuse(struct grabdma_view *view);
void grabdma_view_expose(struct grabdma_view *view);
bool grabdma_buffer_pinned(struct grabdma_buffer *buffer);
void grabdma_buffer_watch(struct grabdma_buffer *buffer);
void grabdma_buffer_announce(struct grabdma_buffer *buffer);
void grabdma_session_recheck(struct work_struct *work);

/* file.c */
int grabdma_fs_pin(void);
void grabdma_fs_unpin(void);
struct inode *grabdma_inode_create(struct grabdma_view *view, struct inode *live);
struct file *grabdma_file_create(struct inode *inode, const char *name, int flags);

/* fault.c */
extern const struct vm_operations_struct grabdma_vm_ops;

/* output.c */
struct grabdma_output *grabdma_output_create(struct grabdma_buffer *buffer, u32 writeback_ms);
void grabdma_output_destroy(struct grabdma_output *output);
void grabdma_output_attach(struct grabdma_output *output, struct address_space *mapping);
void grabdma_output_detach(struct grabdma_output *output);
void grabdma_output_wrote(struct grabdma_output *output, u64 offset, size_t bytes);
void grabdma_output_mapped(struct grabdma_output *output);
bool grabdma_output_dirty(struct grabdma_output *output);
int grabdma_output_fsync(struct grabdma_output *output, struct file *file, loff_t start,
			 loff_t end);
void grabdma_output_quiesce(struct grabdma_output *output);

/* engine.c */
void grabdma_engine_init(struct grabdma_adapter *adapter);
void grabdma_engine_shutdown(struct grabdma_adapter *adapter);
void grabdma_engine_forget_faults(struct grabdma_session *session);
int grabdma_engine_send(struct grabdma_buffer *buffer, u64 offset, u64 bytes);

/* queue.c */
int grabdma_queue_buffer(struct grabdma_buffer *buffer);
void grabdma_queue_cancel(struct grabdma_buffer *buffer);
void grabdma_queue_withdraw(struct grabdma_buffer *buffer);
bool grabdma_queue_take_some(struct grabdma_session *session);
void grabdma_queue_take_all(struct grabdma_session *session);

/* capture.c */
int grabdma_capture_start(struct grabdma_session *session, const struct grabdma_start *start);
int grabdma_capture_trigger(struct grabdma_session *session, u64 frames);
void grabdma_capture_stop(struct grabdma_session *session, bool dequeue);

/* dma.c */
bool grabdma_adapter_translated(struct grabdma_adapter *adapter);
u64 grabdma_dma_limit(struct grabdma_adapter *adapter);
int grabdma_dma_node(struct grabdma_adapter *adapter);
void grabdma_dma_init(struct grabdma_adapter *adapter);
void grabdma_sync_for_device(struct grabdma_buffer *buffer, u64 offset, u64 bytes);
void grabdma_sync_for_cpu(struct grabdma_buffer *buffer, u64 bytes);
int grabdma_buffer_map(struct grabdma_buffer *buffer);
void grabdma_buffer_unmap(struct grabdma_buffer *buffer);

/* observe.c */
extern const struct attribute_group *grabdma_groups[];
void grabdma_debugfs_init(void);
void grabdma_debugfs_exit(void);
void grabdma_debugfs_add(struct grabdma_adapter *adapter);
void grabdma_debugfs_remove(struct grabdma_adapter *adapter);

/* adapter_edu.c, adapter_virtual.c */
extern struct pci_driver grabdma_edu_driver;
int grabdma_virtual_init(unsigned int count);
void grabdma_virtual_exit(void);

#endif /* GRABDMA_H */
