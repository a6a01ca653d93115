# SPDX-License-Identifier: GPL-2.0
# For the Kbuild of a board that lives in a directory of its own:
#
#     obj-m := my_board.o
#     include /usr/src/grabdma-1.0/board.mk
#
# It finds <grabdma/adapter.h>, and the symbols of the grabdma.ko that was built for the same kernel:
# in this directory, or where DKMS keeps them.
GRABDMA_SOURCE := $(dir $(lastword $(MAKEFILE_LIST)))
GRABDMA_SYMBOLS := $(firstword $(wildcard $(GRABDMA_SOURCE)Module.symvers \
	/var/lib/dkms/grabdma/1.0/Module.symvers.$(KERNELRELEASE)))

ifeq ($(GRABDMA_SYMBOLS),)
$(warning grabdma has not been built for $(KERNELRELEASE): make -C $(GRABDMA_SOURCE), or dkms install)
endif

ccflags-y += -I$(GRABDMA_SOURCE)include
KBUILD_EXTRA_SYMBOLS += $(GRABDMA_SYMBOLS)
