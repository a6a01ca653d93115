#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# in_host_files COMMAND [ARGUMENT...]: runs it where / is the file system of the machine that QEMU runs
# on (the harness's --host-files), with the guest's devices, processes and temporary files. The guest's
# own programs are in /run/guest, last in PATH.
set -e

# Unless a step before this one has done it.
if [ ! -d /host ]; then
  # Nothing changes these files while a test runs, so that what has been read may stay in the cache.
  mkdir -p /host /run/guest
  mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,ro,msize=512000 host /host
  mount -o bind /bin /run/guest
  for directory in dev proc run sys tmp; do
    mount -o rbind /$directory /host/$directory
  done
fi
PATH=/usr/bin:/usr/sbin:/bin:/run/guest exec chroot /host "$@"
