// SPDX-License-Identifier: GPL-2.0
/*
 * Finding the memory of a buffer: single pages, large folios or one contiguous run, all of it
 * within the reach of the device, and near it where a machine has near and far memory.
 *
 * The page allocator knows zones, not address limits. A request names the highest zone that may be
 * used, and takes the ones below as well. Where all of them are within the limit, memory is
 * reclaimed for it as for anybody. Where a zone is within the limit only in part, pages are taken
 * and those beyond the limit are held back, so that the allocator cannot return them again, until
 * enough good ones have come or there are no more; then they are given back. This search never
 * reclaims or kills: it takes what is free, and then the zones below have their turn.
 *
 * Contiguous runs beyond the allocator's largest block are found in the same spirit: blocks are
 * taken until enough of them happen to be neighbours.
 */
#include <linux/highmem.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "compat.h"
#include "grabdma.h"

/* The largest folio: 2 MiB, what one page-table entry maps on most machines. */
#define LARGE_ORDER (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ? get_order(SZ_2M) : 0)

/* Blocks looked at for each block of a contiguous run, and at least. */
#define RUN_SEARCH_FACTOR 8
#define RUN_SEARCH_MIN 64UL

struct search {
	struct grabdma_session *session;
	struct list_head held; /* pages beyond the limit, linked by lru; private: the order */
	u64 limit;
	int node; /* where to begin; valid */
};

/*
 * The zones to name, from the highest down; some machines lack some, and take the next one below.
 */
static const gfp_t zone_choices[] = { 0, GFP_DMA32, GFP_DMA };

/* What a request with one of them can get. */
struct reach {
	u64 first; /* address, of the highest zone that has memory */
	u64 last;  /* address, of all zones */
};

static void include_zone(struct reach *reach, const struct zone *zone)
{
	if (!zone->spanned_pages)
		return;
	reach->first = min(reach->first, PFN_PHYS(zone->zone_start_pfn));
	reach->last = max(reach->last, PFN_PHYS(zone_end_pfn(zone)) - 1);
}

static struct reach reach_of(gfp_t choice)
{
	struct reach reach = { U64_MAX, 0 };
	int index = gfp_zone(GFP_KERNEL | choice);
	int node;

	for (; index >= 0 && !reach.last; index--)
		for_each_online_node(node)
			include_zone(&reach, &NODE_DATA(node)->node_zones[index]);
	return reach;
}

static void hold_back(struct search *search, struct page *page, unsigned int order)
{
	set_page_private(page, order);
	list_add(&page->lru, &search->held);
}

static void give_back(struct search *search)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &search->held, lru) {
		unsigned int order = page_private(page);

		list_del(&page->lru);
		set_page_private(page, 0);
		__free_pages(page, order);
		cond_resched();
	}
}

/* @exact: all that can come is within the limit, so it is worth reclaiming. */
static gfp_t gfp_for(gfp_t choice, bool exact, unsigned int order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN | choice;

	if (!exact)
		return (gfp & ~__GFP_RECLAIM) | __GFP_NORETRY;
	return gfp | (order ? __GFP_NORETRY : __GFP_RETRY_MAYFAIL);
}

static struct page *take_folio(gfp_t gfp, unsigned int order, int node)
{
	struct folio *folio = __folio_alloc_node(gfp, order, node);

	return folio ? folio_page(folio, 0) : NULL;
}

static bool within(const struct search *search, struct page *page, unsigned int order)
{
	return page_to_phys(page) + (PAGE_SIZE << order) - 1 <= search->limit;
}

/* The block is not zeroed. @compound: a folio, otherwise pages that can be split. */
static struct page *take_from(struct search *search, gfp_t gfp, unsigned int order, bool compound)
{
	while (!fatal_signal_pending(current)) {
		struct page *page = compound ? take_folio(gfp, order, search->node) :
					       alloc_pages_node(search->node, gfp, order);

		if (!page || within(search, page, order))
			return page;
		hold_back(search, page, order);
		cond_resched();
	}
	return NULL;
}

static struct page *take(struct search *search, unsigned int order, bool compound)
{
	struct page *page = NULL;
	unsigned int i;

	if (grabdma_should_fail(search->session))
		return NULL;
	for (i = 0; !page && i < ARRAY_SIZE(zone_choices); i++) {
		const struct reach reach = reach_of(zone_choices[i]);
		bool exact = reach.last <= search->limit;

		if (reach.first > search->limit)
			continue;
		page = take_from(search, gfp_for(zone_choices[i], exact, order), order, compound);
		if (exact)
			break;
	}
	return page;
}

static void keep(struct grabdma_memory *memory, struct folio *folio)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		clear_highpage(folio_page(folio, i));
	memory->folios[memory->count++] = folio;
	memory->pages += folio_nr_pages(folio);
	cond_resched();
}

/*
 * Folios from the largest order that fits down. Orders never rise again, so each folio is aligned
 * in the file as the page cache wants it. The page cache has no folios of two pages.
 */
static int take_folios(struct search *search, struct grabdma_memory *memory, unsigned long pages,
		       unsigned int order)
{
	while (memory->pages < pages) {
		struct page *page;

		while (order && ((1UL << order) > pages - memory->pages || order == 1))
			order--;
		page = take(search, order, true);
		if (page)
			keep(memory, page_folio(page));
		else if (fatal_signal_pending(current))
			return -EINTR;
		else if (order)
			order--;
		else
			return -ENOMEM;
	}
	return 0;
}

/* Keeps the first of @count pages of a block that was not allocated as a folio. */
static void keep_split(struct grabdma_memory *memory, struct page *block, unsigned int order,
		       unsigned long pages)
{
	unsigned long i;

	split_page(block, order);
	for (i = 0; i < 1UL << order; i++) {
		if (memory->pages < pages)
			keep(memory, page_folio(block + i));
		else
			__free_page(block + i);
	}
}

/* First of @count neighbouring blocks around the one with number @block; 0: not so many. */
static unsigned long find_run(struct xarray *blocks, unsigned long block, unsigned long count)
{
	unsigned long first = block, last = block;

	while (last - first + 1 < count && first && xa_load(blocks, first - 1))
		first--;
	while (last - first + 1 < count && xa_load(blocks, last + 1))
		last++;
	return last - first + 1 < count ? 0 : first;
}

/* Takes the largest blocks until @count of them are neighbours; returns the first's number or 0. */
static unsigned long collect_run(struct search *search, struct xarray *blocks, unsigned long count)
{
	unsigned long tries = max(RUN_SEARCH_MIN, RUN_SEARCH_FACTOR * count);
	unsigned long run = 0;

	while (!run && tries--) {
		struct page *page = take(search, GRABDMA_MAX_ORDER, false);
		unsigned long block;

		if (!page)
			break;
		block = page_to_pfn(page) >> GRABDMA_MAX_ORDER;
		if (xa_err(xa_store(blocks, block, page, GFP_KERNEL))) {
			__free_pages(page, GRABDMA_MAX_ORDER);
			break;
		}
		run = find_run(blocks, block, count);
	}
	return run;
}

static int take_long_run(struct search *search, struct grabdma_memory *memory, unsigned long pages)
{
	unsigned long count = DIV_ROUND_UP(pages, 1UL << GRABDMA_MAX_ORDER);
	unsigned long run, block;
	struct xarray blocks;
	struct page *page;

	xa_init(&blocks);
	run = collect_run(search, &blocks, count);
	for (block = run; run && block < run + count; block++)
		keep_split(memory, xa_erase(&blocks, block), GRABDMA_MAX_ORDER, pages);
	xa_for_each(&blocks, block, page)
		__free_pages(page, GRABDMA_MAX_ORDER);
	xa_destroy(&blocks);
	return run ? 0 : -ENOMEM;
}

static int take_run(struct search *search, struct grabdma_memory *memory, unsigned long pages)
{
	unsigned int order = get_order(pages << PAGE_SHIFT);
	struct page *page;

	if (order > GRABDMA_MAX_ORDER)
		return take_long_run(search, memory, pages);
	page = take(search, order, false);
	if (!page)
		return -ENOMEM;
	keep_split(memory, page, order, pages);
	return 0;
}

static int take_by_strategy(struct search *search, struct grabdma_memory *memory,
			    unsigned long pages, u32 strategy)
{
	switch (strategy) {
	case GRABDMA_ALLOC_PAGES:
		return take_folios(search, memory, pages, 0);
	case GRABDMA_ALLOC_LARGE:
		return take_folios(search, memory, pages, LARGE_ORDER);
	default:
		return take_run(search, memory, pages);
	}
}

static const char *strategy_name(u32 strategy)
{
	switch (strategy) {
	case GRABDMA_ALLOC_PAGES:
		return "single";
	case GRABDMA_ALLOC_LARGE:
		return "large";
	default:
		return "contiguous";
	}
}

/* Finds @pages zeroed pages and charges them; they are freed by grabdma_memory_free(). */
int grabdma_memory_alloc(struct grabdma_session *session, struct grabdma_memory *memory,
			 unsigned long pages, u32 strategy)
{
	struct search search = {
		.session = session,
		.held = LIST_HEAD_INIT(search.held),
		.limit = grabdma_dma_limit(session->adapter),
		.node = grabdma_dma_node(session->adapter),
	};
	int error = grabdma_charge(session->adapter, &memory->charge, pages);

	if (error)
		return error;
	error = -ENOMEM;
	if (search.node == NUMA_NO_NODE)
		search.node = numa_mem_id();

	/* Hopeless requests are refused before they push everything else out of memory. */
	if (pages > si_mem_available())
		goto out;
	if (grabdma_should_fail(session))
		goto out;
	memory->folios = kvmalloc_array(pages, sizeof(*memory->folios),
					 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!memory->folios)
		goto out;
	error = take_by_strategy(&search, memory, pages, strategy);
	give_back(&search);
out:
	if (error)
		grabdma_memory_free(memory);
	if (error == -ENOMEM)
		dev_notice_ratelimited(&session->adapter->dev,
				       "no %lu %s pages below the device's limit 0x%llx\n", pages,
				       strategy_name(strategy), search.limit);
	return error;
}

void grabdma_memory_free(struct grabdma_memory *memory)
{
	while (memory->count) {
		folio_put(memory->folios[--memory->count]);
		cond_resched();
	}
	kvfree(memory->folios);
	memory->folios = NULL;
	memory->pages = 0;
	grabdma_uncharge(&memory->charge);
}
