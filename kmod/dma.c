// SPDX-License-Identifier: GPL-2.0
/*
 * Between memory and device: which pages the device can reach, mapping a buffer's pages for it, and
 * keeping the caches of both sides coherent. An adapter that writes with the CPU is not mapped; its
 * address limit holds all the same, so that limits can be tried without such hardware.
 *
 * There are no bounce buffers: a page that the device cannot reach is not used in the first place,
 * and a mapping that turns out to bounce (swiotlb=force, encrypted memory) is refused. Frames that
 * are mapped into programs while the device writes a copy elsewhere would never change.
 */
#include <linux/cacheflush.h>
#include <linux/dma-direct.h>
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
	return domain && (domain->type & __IOMMU_DOMAIN_PAGING);
}

/* The highest address of memory that the device can reach. */
u64 grabdma_dma_limit(struct grabdma_adapter *adapter)
{
	struct device *dev = adapter->config.dma_dev;

	if (!dev)
		return adapter->config.dma_mask;
	if (grabdma_adapter_translated(adapter))
		return U64_MAX;
	return min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);
}

static u64 address_of(struct grabdma_adapter *adapter, struct page *page)
{
	struct device *dev = adapter->config.dma_dev;

	return dev ? phys_to_dma(dev, page_to_phys(page)) : page_to_phys(page);
}

/* Can the device reach @bytes bytes from the start of @page? */
bool grabdma_dma_reaches(struct grabdma_adapter *adapter, struct page *page, size_t bytes)
{
	u64 limit = grabdma_dma_limit(adapter);

	return limit == U64_MAX || address_of(adapter, page) + bytes - 1 <= limit;
}

static enum dma_data_direction direction_of(const struct grabdma_buffer *buffer)
{
	return buffer->direction == GRABDMA_DIRECTION_OUTPUT ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

static bool bounces(struct grabdma_buffer *buffer)
{
	struct device *dev = buffer->adapter->config.dma_dev;
	struct scatterlist *sg;
	unsigned int i;

	if (grabdma_adapter_translated(buffer->adapter))
		return false;
	for_each_sgtable_dma_sg(&buffer->table, sg, i)
		if (sg_dma_address(sg) != phys_to_dma(dev, sg_phys(sg)))
			return true;
	return false;
}

/* Makes the pages reachable for the device until grabdma_buffer_unmap(); adapter->alive is held. */
int grabdma_buffer_map(struct grabdma_buffer *buffer)
{
	struct grabdma_adapter *adapter = buffer->adapter;
	struct device *dev = adapter->config.dma_dev;
	int error;

	if (dev) {
		error = dma_map_sgtable(dev, &buffer->table, direction_of(buffer), 0);
		if (error)
			return error;
		if (bounces(buffer)) {
			dma_unmap_sgtable(dev, &buffer->table, direction_of(buffer), 0);
			dev_notice_ratelimited(&adapter->dev, "DMA would go through bounce buffers\n");
			return -ENOMEM;
		}
	}
	mutex_lock(&adapter->buffers_mutex);
	buffer->mapped = true;
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
		buffer->mapped = false;
		list_del(&buffer->dma_node);
		if (adapter->config.dma_dev)
			dma_unmap_sgtable(adapter->config.dma_dev, &buffer->table,
					  direction_of(buffer), 0);
	}
	mutex_unlock(&adapter->buffers_mutex);
}

/* What the CPU wrote to the range reaches the device; what it has cached does not hide DMA. */
void grabdma_sync_for_device(struct grabdma_buffer *buffer, u64 offset, u64 bytes)
{
	struct device *dev = buffer->adapter->config.dma_dev;
	u64 start = 0, end = offset + bytes;
	struct scatterlist *sg;
	unsigned int i;

	if (!dev)
		return;
	for_each_sgtable_dma_sg(&buffer->table, sg, i) {
		u64 from = max(start, offset);
		u64 to = min(start + sg_dma_len(sg), end);

		if (from < to)
			dma_sync_single_range_for_device(dev, sg_dma_address(sg), from - start,
							 to - from, direction_of(buffer));
		start += sg_dma_len(sg);
	}
}

/* What the device wrote is what the CPU, in the kernel and in programs, will read. */
void grabdma_sync_for_cpu(struct grabdma_buffer *buffer)
{
	struct device *dev = buffer->adapter->config.dma_dev;
	unsigned long i;

	if (dev)
		dma_sync_sgtable_for_cpu(dev, &buffer->table, direction_of(buffer));
	else
		for (i = 0; i < buffer->memory.count; i++)
			flush_dcache_folio(buffer->memory.folios[i]);
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
