# SPDX-License-Identifier: GPL-2.0
# For the Kbuild of a board that lives in a directory of its own:
#
#     obj-m := my_board.o
#     include /usr/src/grabdma-1.0/board.mk
#
# It finds <grabdma/adapter.h>, and the symbols of the grabdma.ko that was built for the same kernel:
# those that are given (KBUILD_EXTRA_SYMBOLS), or those of DKMS, or of this directory.
GRABDMA_SOURCE := $(dir $(lastword $(MAKEFILE_LIST)))
ccflags-y += -I$(GRABDMA_SOURCE)include

ifeq ($(KBUILD_EXTRA_SYMBOLS),)
KBUILD_EXTRA_SYMBOLS := $(firstword $(wildcard \
	/var/lib/dkms/grabdma/1.0/Module.symvers.$(KERNELRELEASE) $(GRABDMA_SOURCE)Module.symvers))
ifeq ($(KBUILD_EXTRA_SYMBOLS),)
$(warning grabdma has not been built for $(KERNELRELEASE): make -C $(GRABDMA_SOURCE), or dkms install)
endif
endif
