// SPDX-License-Identifier: GPL-2.0
/*
 * Between memory and device: which addresses the device can reach, mapping a buffer's pages for it,
 * and keeping the caches of both sides coherent. An adapter that writes with the CPU is not mapped;
 * its address limit holds all the same, so that limits can be tried without such hardware.
 *
 * There are no bounce buffers: a page that the device cannot reach is not used in the first place,
 * and a mapping that turns out to bounce (swiotlb=force, encrypted memory) is refused. Frames that
 * are mapped into programs while the device writes a copy elsewhere would never change.
 *
 * Caches are synchronised by QUEUE and by a transfer's end, for the bytes that are transferred, and
 * at no other time: mapping and unmapping a buffer leaves what the CPU wrote to it where it is.
 */
#include <linux/cacheflush.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "compat.h"
#include "grabdma.h"

static bool bounce;
module_param(bounce, bool, 0444);
MODULE_PARM_DESC(bounce,
		 "Allow DMA through bounce buffers: with swiotlb=force, a machine that is not cache-coherent, for tests (default N)");

/* Does an IOMMU give the device addresses of their own, so that the mask limits no memory? */
bool grabdma_adapter_translated(struct grabdma_adapter *adapter)
{
	struct iommu_domain *domain;

	if (!adapter->config.dma_dev)
		return false;
	domain = iommu_get_domain_for_dev(adapter->config.dma_dev);
	return domain && domain->type != IOMMU_DOMAIN_IDENTITY;
}

/*
 * The highest physical address that the device can reach. Where a bus adds an offset of its own,
 * this is an estimate: a page beyond the true limit bounces or cannot be mapped, and is refused
 * then.
 */
u64 grabdma_dma_limit(struct grabdma_adapter *adapter)
{
	struct device *dev = adapter->config.dma_dev;

	if (!dev)
		return adapter->config.dma_mask;
	if (grabdma_adapter_translated(adapter))
		return U64_MAX;
	return min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);
}

/* The node of memory that is near the device, or NUMA_NO_NODE. */
int grabdma_dma_node(struct grabdma_adapter *adapter)
{
	int node = dev_to_node(adapter->dev.parent);

	return node != NUMA_NO_NODE && node_online(node) ? node : NUMA_NO_NODE;
}

/*
 * Finds out what is normal for the device: memory that the DMA API itself chose for it does not
 * bounce. If such memory needs synchronising, the machine is not cache-coherent; the pages of a
 * buffer that need it where such memory does not are bounced.
 */
void grabdma_dma_init(struct grabdma_adapter *adapter)
{
	struct device *dev = adapter->config.dma_dev;
	dma_addr_t address;
	struct page *page;

	if (!dev)
		return;
	page = dma_alloc_pages(dev, PAGE_SIZE, &address, DMA_FROM_DEVICE, GFP_KERNEL);
	if (!page)
		return;
	adapter->dma_noncoherent = dma_need_sync(dev, address);
	dma_free_pages(dev, PAGE_SIZE, page, address, DMA_FROM_DEVICE);
}

static enum dma_data_direction direction_of(const struct grabdma_buffer *buffer)
{
	return buffer->direction == GRABDMA_DIRECTION_OUTPUT ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

static bool needs_sync(struct grabdma_buffer *buffer)
{
	struct device *dev = buffer->adapter->config.dma_dev;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(&buffer->table, sg, i)
		if (dma_need_sync(dev, sg_dma_address(sg)))
			return true;
	return false;
}

static void unmap_table(struct grabdma_buffer *buffer)
{
	dma_unmap_sgtable(buffer->adapter->config.dma_dev, &buffer->table, direction_of(buffer),
			  DMA_ATTR_SKIP_CPU_SYNC);
}

static int check_bounces(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;

	buffer->noncoherent = needs_sync(buffer);
	if (!buffer->noncoherent || adapter->dma_noncoherent || bounce)
		return 0;
	dev_notice_ratelimited(&adapter->dev, "DMA would go through bounce buffers\n");
	return -ENOMEM;
}

/* The longest segment from @address on: within the device's limit, and not across its boundary. */
static u64 longest_segment(const struct grabdma_adapter *adapter, dma_addr_t address)
{
	u64 boundary = dma_get_seg_boundary(adapter->config.dma_dev);
	u64 longest = adapter->config.max_segment_bytes ?: U32_MAX;

	return min_not_zero(longest, (boundary - (address & boundary)) + 1);
}

/* More segments than the device takes are found out here and not in the middle of a capture. */
static int check_segments(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	unsigned int i, count = 0;
	struct scatterlist *sg;

	if (!adapter->config.max_segments)
		return 0;
	for_each_sgtable_dma_sg(&buffer->table, sg, i) {
		dma_addr_t address = sg_dma_address(sg);
		u64 left = sg_dma_len(sg);

		while (left && count++ < adapter->config.max_segments) {
			u64 bytes = min(left, longest_segment(adapter, address));

			address += bytes;
			left -= bytes;
		}
		cond_resched();
	}
	if (count <= adapter->config.max_segments)
		return 0;
	dev_notice_ratelimited(&adapter->dev,
			       "a buffer in more than %u segments, which the device does not take: LARGE or CONTIGUOUS has fewer\n",
			       adapter->config.max_segments);
	return -ENOMEM;
}

static int map_table(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	int error = dma_map_sgtable(adapter->config.dma_dev, &buffer->table, direction_of(buffer),
				    DMA_ATTR_SKIP_CPU_SYNC);

	if (error)
		return error;
	error = check_bounces(buffer) ?: check_segments(buffer);
	if (error)
		unmap_table(buffer);
	return error;
}

/* Makes the pages reachable for the device until grabdma_buffer_unmap(); adapter->alive is held. */
int grabdma_buffer_map(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	int error = adapter->config.dma_dev ? map_table(buffer) : 0;

	if (error)
		return error;
	mutex_lock(&adapter->buffers_mutex);
	WRITE_ONCE(buffer->mapped, true);
	list_add_tail(&buffer->dma_node, &adapter->buffers);
	mutex_unlock(&adapter->buffers_mutex);
	return 0;
}

/* The device sees the pages no more. No transfer of them is in flight. May be called again. */
void grabdma_buffer_unmap(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;

	mutex_lock(&adapter->buffers_mutex);
	if (buffer->mapped) {
		WRITE_ONCE(buffer->mapped, false);
		list_del(&buffer->dma_node);
		if (adapter->config.dma_dev)
			unmap_table(buffer);
	}
	mutex_unlock(&adapter->buffers_mutex);
}

typedef void sync_range_t(struct device *dev, dma_addr_t address, unsigned long offset,
			  size_t bytes, enum dma_data_direction direction);

/*
 * Synchronises a range of the buffer, segment by segment. That may bounce megabytes, for which a
 * hard interrupt is no place.
 */
static void sync_range(struct grabdma_buffer *buffer, u64 offset, u64 bytes, sync_range_t *sync)
{
	struct device *dev = buffer->adapter->config.dma_dev;
	u64 start = 0, end = offset + bytes;
	struct scatterlist *sg;
	unsigned int i;

	WARN_ON_ONCE(in_hardirq());
	for_each_sgtable_dma_sg(&buffer->table, sg, i) {
		u64 from = max(start, offset);
		u64 to = min(start + sg_dma_len(sg), end);

		if (start >= end)
			return;
		if (from < to)
			sync(dev, sg_dma_address(sg), from - start, to - from,
			     direction_of(buffer));
		start += sg_dma_len(sg);
	}
}

static void for_device(struct device *dev, dma_addr_t address, unsigned long offset, size_t bytes,
		       enum dma_data_direction direction)
{
	dma_sync_single_range_for_device(dev, address, offset, bytes, direction);
}

static void for_cpu(struct device *dev, dma_addr_t address, unsigned long offset, size_t bytes,
		    enum dma_data_direction direction)
{
	dma_sync_single_range_for_cpu(dev, address, offset, bytes, direction);
}

/* What the CPU wrote to the range reaches the device; what it has cached does not hide DMA. */
void grabdma_sync_for_device(struct grabdma_buffer *buffer, u64 offset, u64 bytes)
{
	if (buffer->noncoherent)
		sync_range(buffer, offset, bytes, for_device);
}

/*
 * What the device wrote to the first @bytes is what the CPU, in the kernel and in programs, will
 * read. What the CPU wrote behind them stays.
 */
void grabdma_sync_for_cpu(struct grabdma_buffer *buffer, u64 bytes)
{
	unsigned long i, pages = DIV_ROUND_UP(bytes, PAGE_SIZE);

	if (buffer->noncoherent)
		sync_range(buffer, 0, bytes, for_cpu);
	if (buffer->adapter->config.dma_dev)
		return;
	for (i = 0; i < buffer->memory.count && pages; i++) {
		struct folio *folio = buffer->memory.folios[i];

		flush_dcache_folio(folio);
		pages -= min_t(unsigned long, pages, folio_nr_pages(folio));
	}
}

/* Positions the slot on @offset; forward steps are cheap. */
static void seek(struct grabdma_slot *slot, u64 offset, bool dma)
{
	if (!slot->sg || offset < slot->sg_offset) {
		slot->sg = slot->buffer->table.sgl;
		slot->sg_offset = 0;
	}
	for (;;) {
		unsigned int length = dma ? sg_dma_len(slot->sg) : slot->sg->length;

		if (offset < slot->sg_offset + length)
			return;
		slot->sg_offset += length;
		slot->sg = sg_next(slot->sg);
	}
}

/**
 * grabdma_dma_piece - where the device finds a part of the buffer
 * @request: the board's
 * @offset: of the buffer, below @request->offset + @request->bytes
 * @limit: the longest piece that the device can take
 * @address: out: for the device
 *
 * For boards that take one piece after the other; see grabdma_for_each_segment() for those that take
 * a list.
 *
 * Return: how many bytes from @offset on are at @address; at least 1, at most @limit.
 */
size_t grabdma_dma_piece(struct grabdma_request *request, u64 offset, size_t limit,
			 dma_addr_t *address)
{
	struct grabdma_slot *slot = container_of(request, struct grabdma_slot, request);
	u64 left = request->offset + request->bytes - offset;
	u64 skip;

	seek(slot, offset, true);
	skip = offset - slot->sg_offset;
	*address = sg_dma_address(slot->sg) + skip;
	return min3((u64)limit, left, sg_dma_len(slot->sg) - skip);
}
EXPORT_SYMBOL_NS_GPL(grabdma_dma_piece, GRABDMA_NAMESPACE);

/**
 * grabdma_next_segment - moves on to the next part of a request
 * @request: the board's, of an adapter with a DMA device
 * @segment: the one before; with no bytes: the first one follows
 *
 * What grabdma_for_each_segment() consists of.
 *
 * Return: whether there is one; it is in @segment then.
 */
bool grabdma_next_segment(struct grabdma_request *request, struct grabdma_segment *segment)
{
	u64 end = request->offset + request->bytes;
	u64 offset = segment->offset + segment->bytes;
	size_t bytes;

	if (offset >= end)
		return false;
	bytes = grabdma_dma_piece(request, offset, SIZE_MAX, &segment->address);
	segment->offset = offset;
	segment->bytes = min_t(u64, bytes, longest_segment(request->adapter, segment->address));
	segment->last = offset + segment->bytes == end;
	return true;
}
EXPORT_SYMBOL_NS_GPL(grabdma_next_segment, GRABDMA_NAMESPACE);

/**
 * grabdma_cpu_piece - where the CPU finds a part of the buffer
 * @request: the board's, of an adapter without a DMA device
 * @offset: of the buffer, below @request->offset + @request->bytes
 * @limit: the longest piece wanted
 * @address: out: kernel address; the pages are never in high memory
 *
 * Return: how many bytes from @offset on are at @address; at least 1, at most @limit.
 */
size_t grabdma_cpu_piece(struct grabdma_request *request, u64 offset, size_t limit, void **address)
{
	struct grabdma_slot *slot = container_of(request, struct grabdma_slot, request);
	u64 left = request->offset + request->bytes - offset;
	u64 skip;

	seek(slot, offset, false);
	skip = offset - slot->sg_offset;
	*address = sg_virt(slot->sg) + skip;
	return min3((u64)limit, left, slot->sg->length - skip);
}
EXPORT_SYMBOL_NS_GPL(grabdma_cpu_piece, GRABDMA_NAMESPACE);
