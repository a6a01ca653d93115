#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# DKMS calls it when the modules are built: keeps what boards are linked against, see board.mk.
#
# $1: the kernel's release
cp Module.symvers "../Module.symvers.$1"
