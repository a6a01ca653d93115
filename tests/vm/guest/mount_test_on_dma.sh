#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mount_test_on_dma TEST [OPTION...]: a program of tests/mount, by the data path that this kernel has,
# on DMA buffers of the adapter VM_ADAPTER; GRABFS_BIN=/bin/grabfs leaves its devices as they are.

# Passthrough came with Linux 6.9.
case $(uname -r) in
  6.[0-8].*) GRABFS_DATA_PATH=cached ;;
  *) GRABFS_DATA_PATH=${GRABFS_DATA_PATH:-passthrough} ;;
esac
export GRABFS_DATA_PATH GRABFS_BIN="${GRABFS_BIN:-/bin/grabfs_on_dma}" GRABFS_CLI_BIN=/bin/grabfs-cli
exec "$@"
