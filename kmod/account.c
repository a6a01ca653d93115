// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for the memory of buffers. It cannot be swapped or reclaimed, so it counts as locked:
 *
 *   - to the user who asked for it, within RLIMIT_MEMLOCK, as io_uring's and iommufd's does. It is
 *     the user's and not the process's, so that nobody gets more of it by fork(). CAP_IPC_LOCK
 *     exempts;
 *   - to the adapter, within its own limit. That binds everybody;
 *   - to the caller's address space, to be seen as VmPin in /proc/PID/status.
 *
 * A buffer may outlive its session and its process, and whoever lets go of it last may be somebody
 * else: the charge keeps references to what it was made to and is undone in any context.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>

#include "grabdma.h"

static unsigned int memory_limit_mb;
module_param(memory_limit_mb, uint, 0644);
MODULE_PARM_DESC(memory_limit_mb,
		 "MiB of buffers of each adapter that comes from now on; 0: half of the memory (default 0)");

/* The limit of a new adapter. */
void grabdma_account_init(struct grabdma_adapter *adapter)
{
	unsigned long mb = READ_ONCE(memory_limit_mb);

	adapter->memory_limit = mb ? mb << (20 - PAGE_SHIFT) : totalram_pages() / 2;
}

static bool add_within(atomic_long_t *counter, unsigned long pages, unsigned long limit)
{
	long old = atomic_long_read(counter);

	do {
		if (pages > limit || old > limit - pages)
			return false;
	} while (!atomic_long_try_cmpxchg(counter, &old, old + pages));
	return true;
}

static int charge_adapter(struct grabdma_adapter *adapter, unsigned long pages)
{
	unsigned long limit = READ_ONCE(adapter->memory_limit);

	if (add_within(&adapter->memory, pages, limit))
		return 0;
	dev_notice_ratelimited(&adapter->dev,
			       "no %lu pages within memory_limit, which is %lu pages\n", pages,
			       limit);
	return -ENOBUFS;
}

static int charge_user(struct grabdma_charge *charge, unsigned long pages)
{
	const struct cred *cred = current_cred();

	if (capable(CAP_IPC_LOCK))
		return 0;
	if (!add_within(&cred->user->locked_vm, pages, rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT))
		return -EDQUOT;
	/* They keep the user; not on all of 6.1 may modules let go of a user itself. */
	charge->cred = get_cred(cred);
	return 0;
}

/**
 * grabdma_charge - charges memory that is going to be allocated
 * @adapter: for which
 * @charge: out: empty before, to be undone by grabdma_uncharge()
 * @pages: how many
 *
 * Return: 0, -EDQUOT: RLIMIT_MEMLOCK; -ENOBUFS: the adapter's limit. Nothing is charged then.
 */
int grabdma_charge(struct grabdma_adapter *adapter, struct grabdma_charge *charge,
		   unsigned long pages)
{
	int error = charge_adapter(adapter, pages);

	if (error)
		return error;
	error = charge_user(charge, pages);
	if (error) {
		atomic_long_sub(pages, &adapter->memory);
		return error;
	}
	charge->adapter = adapter;
	charge->mm = current->mm;
	charge->pages = pages;
	mmgrab(charge->mm);
	atomic64_add(pages, &charge->mm->pinned_vm);
	return 0;
}

/* Undoes a charge, if there is one. The adapter object is still there. */
void grabdma_uncharge(struct grabdma_charge *charge)
{
	if (!charge->pages)
		return;
	atomic_long_sub(charge->pages, &charge->adapter->memory);
	atomic64_sub(charge->pages, &charge->mm->pinned_vm);
	mmdrop(charge->mm);
	if (charge->cred) {
		atomic_long_sub(charge->pages, &charge->cred->user->locked_vm);
		put_cred(charge->cred);
	}
	*charge = (struct grabdma_charge){};
}
