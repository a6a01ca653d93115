// SPDX-License-Identifier: GPL-2.0
/*
 * Making and ending a buffer: memory, mapping for the device, page cache, two inodes, two files.
 * Everything that can fail does so before anybody can see the buffer.
 */
#include <linux/file.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "grabdma.h"

static void buffer_free(struct kref *kref)
{
	struct grabdma_buffer *buffer = container_of(kref, struct grabdma_buffer, kref);
	struct grabdma_adapter *adapter = buffer->adapter;

	if (buffer->ops->destroy)
		buffer->ops->destroy(buffer);
	sg_free_table(&buffer->table);
	kfree(buffer->chunk);
	grabdma_memory_free(&buffer->memory);
	kfree(buffer);
	atomic_dec(&adapter->counters.buffers);
	put_device(&adapter->dev);
	grabdma_fs_unpin();
}

/* The session gives the buffer up; no transfer of it is in flight and none will be. */
void grabdma_buffer_release(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;

	if (buffer->ops->quiesce)
		buffer->ops->quiesce(buffer);
	spin_lock_irq(&adapter->lock);
	list_del_init(&buffer->result.node);
	list_del_init(&buffer->idle.node);
	buffer->watched = false;
	buffer->state = GRABDMA_STATE_IDLE;
	buffer->session = NULL;
	spin_unlock_irq(&adapter->lock);
	grabdma_buffer_unmap(buffer);
	grabdma_buffer_put(buffer);
}

static struct grabdma_buffer *buffer_new(struct grabdma_session *session,
					 const struct grabdma_buffer_ops *ops,
					 const struct grabdma_alloc *alloc)
{
	struct grabdma_buffer *buffer;
	unsigned int kind;
	int error;

	if (grabdma_should_fail(session))
		return ERR_PTR(-ENOMEM);
	error = grabdma_fs_pin();
	if (error)
		return ERR_PTR(error);
	buffer = kzalloc(sizeof(*buffer), GFP_KERNEL_ACCOUNT);
	if (!buffer) {
		grabdma_fs_unpin();
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&buffer->kref);
	buffer->release = buffer_free;
	buffer->ops = ops;
	buffer->adapter = session->adapter;
	get_device(&buffer->adapter->dev);
	atomic_inc(&buffer->adapter->counters.buffers);
	buffer->session = session;
	buffer->direction = alloc->direction;
	buffer->bytes = alloc->bytes;
	INIT_LIST_HEAD(&buffer->queue_node);
	INIT_LIST_HEAD(&buffer->result.node);
	INIT_LIST_HEAD(&buffer->idle.node);
	for (kind = 0; kind < GRABDMA_VIEWS; kind++)
		buffer->views[kind] = (struct grabdma_view){ .buffer = buffer, .kind = kind };
	return buffer;
}

/* Does the folio begin where the one before it ends? */
static bool continues(const struct grabdma_memory *memory, unsigned long index)
{
	struct folio *before = memory->folios[index - 1];

	return folio_pfn(memory->folios[index]) == folio_pfn(before) + folio_nr_pages(before);
}

/*
 * Walks the segments; fills in @sg when it is not NULL. Physical neighbours share a segment. The
 * last one ends with its page, because a part of a page may have to be bounced: of what is behind
 * the last byte of the buffer nothing is ever transferred.
 */
static unsigned int walk_segments(struct grabdma_buffer *buffer, struct scatterlist *sg)
{
	const struct grabdma_memory *memory = &buffer->memory;
	unsigned long first = 0;
	unsigned int count = 0;

	while (first < memory->count) {
		u64 length = folio_size(memory->folios[first]);
		unsigned long next = first + 1;

		while (next < memory->count && continues(memory, next))
			length += folio_size(memory->folios[next++]);
		if (sg) {
			sg_set_page(sg, folio_page(memory->folios[first], 0), length, 0);
			sg = sg_next(sg);
		}
		first = next;
		count++;
	}
	return count;
}

static int build_table(struct grabdma_session *session, struct grabdma_buffer *buffer)
{
	int error;

	buffer->segments = walk_segments(buffer, NULL);
	if (grabdma_should_fail(session))
		return -ENOMEM;
	error = sg_alloc_table(&buffer->table, buffer->segments, GFP_KERNEL_ACCOUNT);
	if (error)
		return error;
	walk_segments(buffer, buffer->table.sgl);
	return 0;
}

/* Charges the pages to the caller's memory cgroup; a full cgroup is an error and kills nobody. */
static int fill_page_cache(struct grabdma_session *session, struct grabdma_buffer *buffer,
			   struct address_space *mapping)
{
	pgoff_t index = 0;
	unsigned long i;
	int error;

	for (i = 0; i < buffer->memory.count; i++) {
		struct folio *folio = buffer->memory.folios[i];

		if (grabdma_should_fail(session))
			return -ENOMEM;
		if (fatal_signal_pending(current))
			return -EINTR;
		error = filemap_add_folio(mapping, folio, index,
					  GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
		if (error)
			return error;
		folio_mark_uptodate(folio);
		folio_unlock(folio);
		index += folio_nr_pages(folio);
		cond_resched();
	}
	return 0;
}

static struct file *open_view(struct grabdma_session *session, struct inode *inode, int flags)
{
	struct grabdma_view *view = inode->i_private;
	char name[48];

	if (grabdma_should_fail(session)) {
		iput(inode);
		return ERR_PTR(-ENOMEM);
	}
	snprintf(name, sizeof(name), GRABDMA_NAME "%d.%u.%s", session->adapter->id,
		 view->buffer->id, view->kind == GRABDMA_VIEW_FRAME ? "frame" : "live");
	return grabdma_file_create(inode, name, flags);
}

static struct inode *new_inode_for(struct grabdma_session *session, struct grabdma_view *view,
				   struct inode *live)
{
	return grabdma_should_fail(session) ? ERR_PTR(-ENOMEM) : grabdma_inode_create(view, live);
}

static int open_frame_view(struct grabdma_session *session, struct grabdma_buffer *buffer,
			   struct inode *live, struct file **file)
{
	struct inode *inode = new_inode_for(session, &buffer->views[GRABDMA_VIEW_FRAME], live);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	*file = open_view(session, inode, O_RDONLY);
	return PTR_ERR_OR_ZERO(*file);
}

static int open_views(struct grabdma_session *session, struct grabdma_buffer *buffer,
		      struct file *files[GRABDMA_VIEWS])
{
	struct inode *live = new_inode_for(session, &buffer->views[GRABDMA_VIEW_LIVE], NULL);
	int error;

	if (IS_ERR(live))
		return PTR_ERR(live);
	error = fill_page_cache(session, buffer, live->i_mapping);
	if (error) {
		iput(live);
		return error;
	}
	files[GRABDMA_VIEW_LIVE] = open_view(session, live, O_RDWR);
	if (IS_ERR(files[GRABDMA_VIEW_LIVE]))
		return PTR_ERR(files[GRABDMA_VIEW_LIVE]);
	if (buffer->ops->attach)
		buffer->ops->attach(buffer, live->i_mapping);
	if (buffer->direction == GRABDMA_DIRECTION_OUTPUT)
		return 0;
	error = open_frame_view(session, buffer, live, &files[GRABDMA_VIEW_FRAME]);
	if (error)
		fput(files[GRABDMA_VIEW_LIVE]);
	return error;
}

static int init_purpose(struct grabdma_session *session, struct grabdma_buffer *buffer,
			u32 writeback_ms)
{
	if (!buffer->ops->init)
		return 0;
	return grabdma_should_fail(session) ? -ENOMEM : buffer->ops->init(buffer, writeback_ms);
}

static int make_chunk(struct grabdma_session *session, struct grabdma_buffer *buffer)
{
	unsigned int bytes = buffer->adapter->config.chunk_bytes;

	if (buffer->direction != GRABDMA_DIRECTION_CAPTURE || !bytes)
		return 0;
	if (grabdma_should_fail(session))
		return -ENOMEM;
	buffer->chunk = kmalloc(bytes, GFP_KERNEL_ACCOUNT);
	return buffer->chunk ? 0 : -ENOMEM;
}

/**
 * grabdma_buffer_create - a new buffer with its files
 * @session: the owner; its mutex is held and the adapter is there
 * @ops: what it is for
 * @alloc: checked
 * @id: its number
 * @files: out: of the views; NULL where there is none. The caller installs or releases them.
 *
 * Return: the buffer, with the session's reference, or an error.
 */
struct grabdma_buffer *grabdma_buffer_create(struct grabdma_session *session,
					     const struct grabdma_buffer_ops *ops,
					     const struct grabdma_alloc *alloc, u32 id,
					     struct file *files[GRABDMA_VIEWS])
{
	struct grabdma_buffer *buffer = buffer_new(session, ops, alloc);
	int error;

	if (IS_ERR(buffer))
		return buffer;
	buffer->id = id;
	error = grabdma_memory_alloc(session, &buffer->memory,
				     DIV_ROUND_UP(alloc->bytes, PAGE_SIZE), alloc->flags);
	if (error)
		goto put;
	error = init_purpose(session, buffer, alloc->writeback_ms);
	if (error)
		goto put;
	error = make_chunk(session, buffer);
	if (error)
		goto put;
	error = build_table(session, buffer);
	if (error)
		goto put;
	error = grabdma_should_fail(session) ? -ENOMEM : grabdma_buffer_map(buffer);
	if (error)
		goto put;
	error = open_views(session, buffer, files);
	if (error)
		goto unmap;
	return buffer;
unmap:
	grabdma_buffer_unmap(buffer);
put:
	grabdma_buffer_put(buffer);
	return ERR_PTR(error);
}
