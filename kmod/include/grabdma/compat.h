/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernel versions for the modules of boards. The core's own differences are
 * in its compat.h; no other file looks at LINUX_VERSION_CODE.
 */
#ifndef GRABDMA_ADAPTER_COMPAT_H
#define GRABDMA_ADAPTER_COMPAT_H

#include <linux/version.h>

/* The name space of the symbols, for MODULE_IMPORT_NS(): a token at first, a string since 6.13. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define GRABDMA_NAMESPACE "GRABDMA"
#else
#define GRABDMA_NAMESPACE GRABDMA
#endif

/* platform_driver.remove() returns nothing. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
typedef void grabdma_platform_remove_t;
#define GRABDMA_PLATFORM_REMOVED
#else
typedef int grabdma_platform_remove_t;
#define GRABDMA_PLATFORM_REMOVED 0
#endif

#endif /* GRABDMA_ADAPTER_COMPAT_H */
