/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernel versions, and nothing else. No other file of the core looks at
 * LINUX_VERSION_CODE; what boards need of it is in include/grabdma/compat.h.
 */
#ifndef GRABDMA_COMPAT_H
#define GRABDMA_COMPAT_H

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/version.h>

/* The first argument of inode operations. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define grabdma_idmap mnt_idmap
#else
#define grabdma_idmap user_namespace
#endif

/* Splicing the pages themselves, and copies of them, which 6.1 has no function for. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define grabdma_page_cache_splice_read filemap_splice_read
#define grabdma_copy_splice_read copy_splice_read
#else
#define grabdma_page_cache_splice_read generic_file_splice_read
#define grabdma_copy_splice_read generic_file_splice_read
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define grabdma_drop_inode inode_just_drop
#else
#define grabdma_drop_inode generic_delete_inode
#endif

/* Who is told that a page broke, and of what. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define grabdma_error_remove error_remove_folio
typedef struct folio grabdma_broken_t;
#else
#define grabdma_error_remove error_remove_page
typedef struct page grabdma_broken_t;
#endif

/* The highest order of the page allocator. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define GRABDMA_MAX_ORDER MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define GRABDMA_MAX_ORDER MAX_ORDER
#else
#define GRABDMA_MAX_ORDER (MAX_ORDER - 1)
#endif

/* struct class: devnode() takes a const device. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define grabdma_devnode_const const
#else
#define grabdma_devnode_const
#endif

/* The handlers of extended attributes as an array of constants. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
typedef const struct xattr_handler *const grabdma_xattr_handlers_t;
#else
typedef const struct xattr_handler *grabdma_xattr_handlers_t;
#endif

static inline void grabdma_inode_init_times(struct inode *inode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	simple_inode_init_ts(inode);
#else
	inode->i_ctime = current_time(inode);
	inode->i_mtime = inode->i_ctime;
	inode->i_atime = inode->i_ctime;
#endif
}

static inline void grabdma_hrtimer_init(struct hrtimer *timer,
					enum hrtimer_restart (*function)(struct hrtimer *))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	timer->function = function;
#endif
}

/*
 * References that page tables hold on a folio of the page cache. Before 6.2 the function for large
 * folios is not exported, and a mapping of the whole folio counts in each of its pages as well.
 */
static inline int grabdma_folio_mapcount(struct folio *folio)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return folio_mapcount(folio);
#else
	int whole, count;
	long i;

	if (!folio_test_large(folio))
		return atomic_read(&folio->_mapcount) + 1;
	whole = folio_entire_mapcount(folio);
	count = whole;
	for (i = 0; i < folio_nr_pages(folio); i++)
		count += atomic_read(&folio_page(folio, i)->_mapcount) + 1 - whole;
	return count;
#endif
}

#endif /* GRABDMA_COMPAT_H */
