// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults of mapped buffers. All pages are there from the beginning, so the only question is
 * how many of them one fault maps: 2 MiB around the address (one page table), where the kernel's
 * own fault-around stops at 64 KiB and leaves out writes.
 */
#include "compat.h"
#include "grabdma.h"
#include "trace.h"

static struct grabdma_buffer *buffer_of(struct vm_area_struct *vma)
{
	struct grabdma_view *view = file_inode(vma->vm_file)->i_private;

	return view->buffer;
}

static void count_fault(struct vm_fault *vmf)
{
	struct grabdma_buffer *buffer = buffer_of(vmf->vma);

	atomic64_inc(&buffer->adapter->counters.faults);
	trace_grabdma_fault(buffer, vmf->pgoff, vmf->flags & FAULT_FLAG_WRITE);
}

/*
 * Maps what the mapping has of the 2 MiB around the fault. The pages become writable where the
 * mapping is, but not dirty: which ones the CPU writes to is left to the page tables.
 */
static vm_fault_t map_around(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long start = max(vmf->address & PMD_MASK, vma->vm_start);
	unsigned long end = min((vmf->address & PMD_MASK) + PMD_SIZE, vma->vm_end);
	pgoff_t first = linear_page_index(vma, start);
	vm_fault_t result;
	unsigned int write = vmf->flags & FAULT_FLAG_WRITE;

	vmf->flags &= ~FAULT_FLAG_WRITE;
	result = filemap_map_pages(vmf, first, first + (end - start) / PAGE_SIZE - 1);
	vmf->flags |= write;
	return result;
}

static vm_fault_t grabdma_map_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	vm_fault_t result = map_around(vmf);

	if (result & VM_FAULT_NOPAGE)
		count_fault(vmf);
	return result;
}

/* Private writes get their one page to copy; all else is tried as a whole first. */
static vm_fault_t grabdma_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;

	count_fault(vmf);
	if (!(vmf->flags & FAULT_FLAG_WRITE) || (vma->vm_flags & VM_SHARED)) {
		vm_fault_t result = map_around(vmf);

		if (result)
			return result;
	}
	return filemap_fault(vmf);
}

/*
 * A file that was opened counts as one user until its last mapping is gone, because mappings keep
 * it open. The session's own descriptors do not count, so mappings through them do; private_data
 * tells the two apart.
 */
static bool counts_mappings(struct vm_area_struct *vma)
{
	return !vma->vm_file->private_data;
}

static void grabdma_vma_open(struct vm_area_struct *vma)
{
	if (counts_mappings(vma))
		grabdma_view_use_again(file_inode(vma->vm_file)->i_private);
}

static void grabdma_vma_close(struct vm_area_struct *vma)
{
	if (counts_mappings(vma))
		grabdma_view_unuse(file_inode(vma->vm_file)->i_private);
}

const struct vm_operations_struct grabdma_vm_ops = {
	.open = grabdma_vma_open,
	.close = grabdma_vma_close,
	.fault = grabdma_fault,
	.map_pages = grabdma_map_pages,
};
