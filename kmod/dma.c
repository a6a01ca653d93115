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

#include "grabdma.h"

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

static int map_table(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	int error = dma_map_sgtable(adapter->config.dma_dev, &buffer->table, direction_of(buffer),
				    DMA_ATTR_SKIP_CPU_SYNC);

	if (error)
		return error;
	buffer->noncoherent = needs_sync(buffer);
	if (!buffer->noncoherent || adapter->dma_noncoherent || grabdma_bounce)
		return 0;
	unmap_table(buffer);
	dev_notice_ratelimited(&adapter->dev, "DMA would go through bounce buffers\n");
	return -ENOMEM;
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

/* Positions @request->sg on @offset; forward steps are cheap. */
static void seek(struct grabdma_request *request, u64 offset, bool dma)
{
	struct scatterlist *first = request->buffer->table.sgl;

	if (!request->sg || offset < request->sg_offset) {
		request->sg = first;
		request->sg_offset = 0;
	}
	for (;;) {
		unsigned int length = dma ? sg_dma_len(request->sg) : request->sg->length;

		if (offset < request->sg_offset + length)
			return;
		request->sg_offset += length;
		request->sg = sg_next(request->sg);
	}
}

/**
 * grabdma_dma_piece - where the device finds a part of the buffer
 * @request: in flight
 * @offset: of the buffer, below @request->offset + @request->bytes
 * @limit: the longest piece that the device can take
 * @address: out: for the device
 *
 * Return: how many bytes from @offset on are at @address; at least 1, at most @limit.
 */
size_t grabdma_dma_piece(struct grabdma_request *request, u64 offset, size_t limit,
			 dma_addr_t *address)
{
	u64 left = request->offset + request->bytes - offset;
	u64 skip;

	seek(request, offset, true);
	skip = offset - request->sg_offset;
	*address = sg_dma_address(request->sg) + skip;
	return min3((u64)limit, left, sg_dma_len(request->sg) - skip);
}

/**
 * grabdma_cpu_piece - where the CPU finds a part of the buffer
 * @request: in flight, of an adapter without a DMA device
 * @offset: of the buffer, below @request->offset + @request->bytes
 * @limit: the longest piece wanted
 * @address: out: kernel address; the pages are never in high memory
 *
 * Return: how many bytes from @offset on are at @address; at least 1, at most @limit.
 */
size_t grabdma_cpu_piece(struct grabdma_request *request, u64 offset, size_t limit, void **address)
{
	u64 left = request->offset + request->bytes - offset;
	u64 skip;

	seek(request, offset, false);
	skip = offset - request->sg_offset;
	*address = sg_virt(request->sg) + skip;
	return min3((u64)limit, left, request->sg->length - skip);
}
