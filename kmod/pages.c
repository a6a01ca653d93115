// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel knows of a buffer's pages: who refers to them, and whether their memory is
 * broken.
 */
#include <linux/mm.h>

#include "compat.h"
#include "grabdma.h"

/* What page tables and the way to an LRU list hold of a folio. */
static long known_references(struct folio *folio)
{
	/* A page that is not on an LRU list yet is in a batch of pages that go there. */
	return grabdma_folio_mapcount(folio) + !folio_test_lru(folio);
}

/*
 * Does somebody beside the page cache, page tables and us hold references to a page? Mappings may
 * come and go meanwhile; a reference that they have just let go of must not make up for one that is
 * counted. So they are counted before and after, and who is not the same twice is pinned for the
 * moment.
 */
static bool folio_pinned(struct folio *folio)
{
	long known = known_references(folio);
	long references, ours;

	smp_rmb();
	references = folio_ref_count(folio);
	smp_rmb();
	ours = 1 + (READ_ONCE(folio->mapping) ? folio_nr_pages(folio) : 0);
	return known != known_references(folio) || references > ours + known;
}

/* Are pages in a pipe, in a socket's queue or pinned for I/O? A snapshot, at best effort. */
bool grabdma_memory_pinned(const struct grabdma_memory *memory)
{
	unsigned long i;

	for (i = 0; i < memory->count; i++) {
		if (folio_pinned(memory->folios[i]))
			return true;
		cond_resched();
	}
	return false;
}

/* The folio that holds a page of the file. All of them are there, in order. */
static unsigned long find_folio(const struct grabdma_memory *memory, pgoff_t index)
{
	unsigned long low = 0, high = memory->count;

	while (high - low > 1) {
		unsigned long middle = low + (high - low) / 2;

		if (memory->folios[middle]->index <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The first broken page of @folio from page @first on, or how many pages it has. */
static unsigned long first_broken(struct folio *folio, unsigned long first)
{
	unsigned long count = folio_nr_pages(folio);

	if (folio_test_large(folio) && !folio_test_has_hwpoisoned(folio))
		return count;
	while (first < count && !PageHWPoison(folio_page(folio, first)))
		first++;
	return first;
}

/*
 * How many of @bytes bytes from @offset on can be touched: up to the first page whose memory is
 * known to be broken. Whoever reads or writes that one, processor or device, brings the machine
 * down.
 */
u64 grabdma_memory_sound(const struct grabdma_memory *memory, u64 offset, u64 bytes)
{
	unsigned long page = offset >> PAGE_SHIFT;
	unsigned long i;

	for (i = find_folio(memory, page); i < memory->count; i++) {
		struct folio *folio = memory->folios[i];
		unsigned long begin = folio->index;
		unsigned long broken = first_broken(folio, page - begin);
		u64 sound = (u64)(begin + broken) << PAGE_SHIFT;

		page = begin + folio_nr_pages(folio);
		if (sound >= offset + bytes)
			return bytes;
		if (begin + broken < page)
			return sound > offset ? sound - offset : 0;
	}
	return bytes;
}
