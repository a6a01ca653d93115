// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers as files: a pseudo file system in the spirit of ramfs, whose regular files have all
 * their pages from the beginning and neither grow, shrink nor lose one.
 *
 * A buffer for capture has two inodes that share one page cache, as the inodes of a block device
 * do: the live view owns it and can be written, the frame view borrows it and is read-only. The
 * file system is mounted inside the kernel only, and only while there are buffers: a lasting
 * mount would pin the module for ever.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/signal.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/xattr.h>

#include "compat.h"
#include "grabdma.h"

#define GRABDMA_FS_MAGIC 0x67726162 /* "grab" */

static struct vfsmount *fs_mount;
static int fs_users;

static struct grabdma_view *view_of(struct file *file)
{
	return file_inode(file)->i_private;
}

/* Descriptors of the session do not come here: alloc_file_pseudo() does not open. */
static int grabdma_file_open(struct inode *inode, struct file *file)
{
	struct grabdma_view *view = inode->i_private;
	int error;

	if (view->kind == GRABDMA_VIEW_FRAME && (file->f_mode & FMODE_WRITE))
		return -EACCES;
	error = grabdma_view_use(view);
	if (error)
		return error;
	file->private_data = view;
	file->f_mode |= FMODE_CAN_ODIRECT;
	return 0;
}

static int grabdma_file_release(struct inode *inode, struct file *file)
{
	if (file->private_data)
		grabdma_view_unuse(file->private_data);
	return 0;
}

/*
 * The page cache is the device: O_DIRECT has nothing to go round, and reads the same pages. A read
 * ends before a page whose memory is broken; one that begins there is EIO.
 */
static ssize_t grabdma_file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	size_t asked = iov_iter_count(to);
	loff_t left = i_size_read(inode) - iocb->ki_pos;
	u64 sound, wanted = min_t(u64, asked, max_t(loff_t, left, 0));
	ssize_t count;

	if (!wanted)
		return 0;
	sound = grabdma_memory_sound(&view_of(iocb->ki_filp)->buffer->memory, iocb->ki_pos, wanted);
	if (!sound)
		return -EIO;
	iov_iter_truncate(to, sound);
	count = filemap_read(iocb, to, 0);
	iov_iter_reexpand(to, asked - max_t(ssize_t, count, 0));
	return count;
}

/* Copies into the pages that are there; at least one byte, or the error. */
static ssize_t copy_in(struct address_space *mapping, loff_t position, struct iov_iter *from)
{
	ssize_t copied = 0;

	while (iov_iter_count(from)) {
		size_t skip = offset_in_page(position + copied);
		size_t length = min(PAGE_SIZE - skip, iov_iter_count(from));
		struct page *page = find_get_page(mapping, (position + copied) >> PAGE_SHIFT);
		size_t done;

		if (!page)
			return copied ?: -EIO;
		if (PageHWPoison(page)) {
			put_page(page);
			return copied ?: -EIO;
		}
		done = copy_page_from_iter(page, skip, length, from);
		flush_dcache_page(page);
		put_page(page);
		copied += done;
		if (done < length)
			return copied ?: -EFAULT;
		if (fatal_signal_pending(current))
			return copied;
		cond_resched();
	}
	return copied;
}

/*
 * The end of the file is a wall: a write that starts there finds no space. The inode is not locked:
 * the size does not change, and the caller's memory, which may never come, must not make other
 * writers wait.
 */
static ssize_t grabdma_file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	struct grabdma_buffer *buffer = view_of(iocb->ki_filp)->buffer;
	ssize_t count = generic_write_checks(iocb, from);

	if (count <= 0)
		return count;
	if (iocb->ki_pos >= i_size_read(inode))
		return -ENOSPC;
	iov_iter_truncate(from, i_size_read(inode) - iocb->ki_pos);
	count = copy_in(inode->i_mapping, iocb->ki_pos, from);
	if (count <= 0)
		return count;
	if (buffer->ops->wrote)
		buffer->ops->wrote(buffer, iocb->ki_pos, count);
	iocb->ki_pos += count;
	return generic_write_sync(iocb, count);
}

/*
 * Puts pages of the frame view into a pipe, which hold the frame, and copies of the live view's:
 * who splices from there may have kept the frame by other means, and its pages hold nothing. The
 * view has a user more meanwhile, also when it is spliced through the session's descriptor: the
 * frame that is being spliced is not given up for the next one.
 */
static ssize_t grabdma_file_splice_read(struct file *file, loff_t *position,
					struct pipe_inode_info *pipe, size_t length,
					unsigned int flags)
{
	struct grabdma_view *view = view_of(file);
	u64 sound;
	ssize_t count = grabdma_view_use(view);

	if (count)
		return count;
	grabdma_view_expose(view);
	sound = grabdma_memory_sound(&view->buffer->memory, *position, length);
	if (!sound && length)
		count = -EIO;
	else if (view->kind == GRABDMA_VIEW_FRAME)
		count = grabdma_page_cache_splice_read(file, position, pipe, sound, flags);
	else
		count = grabdma_copy_splice_read(file, position, pipe, sound, flags);
	grabdma_view_unuse(view);
	return count;
}

static int grabdma_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct grabdma_view *view = view_of(file);
	int error;

	if (!file->private_data) {
		error = grabdma_view_use(view);
		if (error)
			return error;
	}
	grabdma_view_expose(view);
	if (view->buffer->ops->mapped && (vma->vm_flags & VM_SHARED))
		view->buffer->ops->mapped(view->buffer);
	file_accessed(file);
	vma->vm_ops = &grabdma_vm_ops;
	return 0;
}

/* Sending is a right of those who may write. */
static int grabdma_file_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct grabdma_buffer *buffer = view_of(file)->buffer;

	if (!buffer->ops->fsync)
		return 0;
	return file->f_mode & FMODE_WRITE ? buffer->ops->fsync(buffer, file, start, end) : -EBADF;
}

static const struct file_operations grabdma_file_fops = {
	.owner = THIS_MODULE,
	.open = grabdma_file_open,
	.release = grabdma_file_release,
	.llseek = generic_file_llseek,
	.read_iter = grabdma_file_read_iter,
	.write_iter = grabdma_file_write_iter,
	.splice_read = grabdma_file_splice_read,
	.splice_write = iter_file_splice_write,
	.mmap = grabdma_file_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.fsync = grabdma_file_fsync,
};

/* Pages stay where the device expects them. The reference that we hold says so already. */
static int grabdma_migrate_folio(struct address_space *mapping, struct folio *to,
				 struct folio *from, enum migrate_mode mode)
{
	return -EBUSY;
}

/* A page broke. It stays where it is and is marked; nobody touches it, the device neither. */
static int grabdma_page_broke(struct address_space *mapping, grabdma_broken_t *broken)
{
	struct grabdma_view *view = mapping->host->i_private;

	if (view->buffer->ops->broke)
		view->buffer->ops->broke(view->buffer);
	return 0;
}

static const struct address_space_operations grabdma_aops = {
	.dirty_folio = noop_dirty_folio,
	.grabdma_error_remove = grabdma_page_broke,
	.migrate_folio = grabdma_migrate_folio,
};

static int grabdma_setattr(struct grabdma_idmap *idmap, struct dentry *dentry,
			   struct iattr *attributes)
{
	if (attributes->ia_valid & ATTR_SIZE)
		return -EPERM;
	return simple_setattr(idmap, dentry, attributes);
}

/*
 * What the board said about the frame that is in the buffer. While the next one is written there is
 * nothing to say.
 */
static int grabdma_chunk_get(const struct xattr_handler *handler, struct dentry *dentry,
			     struct inode *inode, const char *name, void *value, size_t size)
{
	struct grabdma_view *view = inode->i_private;
	struct grabdma_buffer *buffer = view->buffer;
	int bytes;

	spin_lock_irq(&buffer->adapter->lock);
	bytes = buffer->chunk_bytes ?: -ENODATA;
	if (bytes > 0 && value)
		bytes = size < bytes ? -ERANGE : bytes;
	if (bytes > 0 && value)
		memcpy(value, buffer->chunk, bytes);
	spin_unlock_irq(&buffer->adapter->lock);
	return bytes;
}

static bool grabdma_chunk_list(struct dentry *dentry)
{
	struct grabdma_view *view = d_inode(dentry)->i_private;

	return READ_ONCE(view->buffer->chunk_bytes);
}

static const struct xattr_handler grabdma_chunk_handler = {
	.name = GRABDMA_XATTR_CHUNK,
	.list = grabdma_chunk_list,
	.get = grabdma_chunk_get,
};

static grabdma_xattr_handlers_t grabdma_xattr_handlers[] = {
	&grabdma_chunk_handler,
	NULL,
};

static const struct inode_operations grabdma_inode_operations = {
	.setattr = grabdma_setattr,
	.listxattr = generic_listxattr,
	.getattr = simple_getattr,
};

/* The last file and the last mapping of this view are gone. */
static void grabdma_evict_inode(struct inode *inode)
{
	struct grabdma_view *view = inode->i_private;
	struct inode *live = inode->i_mapping->host;

	if (view && view->buffer->ops->detach)
		view->buffer->ops->detach(view->buffer);
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (live != inode)
		iput(live);
	if (view)
		grabdma_buffer_put(view->buffer);
}

static const struct super_operations grabdma_super_operations = {
	.statfs = simple_statfs,
	.drop_inode = grabdma_drop_inode,
	.evict_inode = grabdma_evict_inode,
};

static int grabdma_init_fs_context(struct fs_context *context)
{
	struct pseudo_fs_context *pseudo = init_pseudo(context, GRABDMA_FS_MAGIC);

	if (!pseudo)
		return -ENOMEM;
	pseudo->ops = &grabdma_super_operations;
	pseudo->xattr = grabdma_xattr_handlers;
	/* Whatever a device or a program puts into a buffer is no program. */
	context->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	return 0;
}

static struct file_system_type grabdma_fs_type = {
	.owner = THIS_MODULE,
	.name = GRABDMA_NAME,
	.init_fs_context = grabdma_init_fs_context,
	.kill_sb = kill_anon_super,
};

/* Every buffer keeps the file system mounted, and the mounted file system keeps the module. */
int grabdma_fs_pin(void)
{
	return simple_pin_fs(&grabdma_fs_type, &fs_mount, &fs_users);
}

void grabdma_fs_unpin(void)
{
	simple_release_fs(&fs_mount, &fs_users);
}

/*
 * A new inode for @view. @live: NULL for a live view, whose page cache is its own and empty; else
 * the inode whose page cache is borrowed. The inode takes a reference on the buffer.
 */
struct inode *grabdma_inode_create(struct grabdma_view *view, struct inode *live)
{
	struct inode *inode = new_inode(fs_mount->mnt_sb);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_ino = get_next_ino();
	inode->i_mode = S_IFREG | (live ? 0400 : 0600);
	inode->i_uid = current_fsuid();
	inode->i_gid = current_fsgid();
	grabdma_inode_init_times(inode);
	inode->i_op = &grabdma_inode_operations;
	inode->i_fop = &grabdma_file_fops;
	inode->i_size = view->buffer->bytes;
	inode->i_blocks = view->buffer->memory.pages << (PAGE_SHIFT - 9);
	if (live) {
		ihold(live);
		inode->i_mapping = live->i_mapping;
	} else {
		inode->i_mapping->a_ops = &grabdma_aops;
		mapping_set_unevictable(inode->i_mapping);
		mapping_set_large_folios(inode->i_mapping);
	}
	grabdma_buffer_get(view->buffer);
	inode->i_private = view;
	return inode;
}

/* A file for the session itself: not counted as a user. Takes over the inode, on failure too. */
struct file *grabdma_file_create(struct inode *inode, const char *name, int flags)
{
	struct file *file;

	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(inode, fs_mount, name, flags, &grabdma_file_fops);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		iput(inode);
		return file;
	}
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_CAN_ODIRECT;
	return file;
}
