#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tour inside the virtual machine: a PCI device that does real DMA, a virtual one of full size,
# and their frames as files. Each command is shown before its result; one that fails ends the tour.
# As a test it runs without the typing.

readonly mount=/mnt/grabfs

chapter() { printf '\n\033[1m# %s\033[0m\n' "$*"; }

# Shows a command as one would type it.
type_out() {
  printf '\033[1m$ '
  rest=$1
  while [ -n "${VM_INTERACTIVE:-}" ] && [ -n "$rest" ]; do
    next=${rest#?}
    printf %s "${rest%"$next"}"
    rest=$next
    usleep 12000
  done
  printf '%s\033[0m\n' "$rest"
}

typed() {
  type_out "$1"
  eval "$1" || {
    echo "tour: failed: $1"
    exit 1
  }
}

the_module() {
  chapter "A kernel module for frame grabbers; this machine has one on its PCI bus"
  typed "uname -r"
  typed "cat /sys/bus/pci/devices/0000:00:02.0/vendor /sys/bus/pci/devices/0000:00:02.0/device"
  typed "insmod /lib/modules/grabdma.ko"
  typed "insmod /lib/modules/grabdma_edu.ko"
  typed "insmod /lib/modules/grabdma_virtual.ko"
  typed "ls -l /dev/grabdma*"
  typed "grep . /sys/class/grabdma/*/adapter /sys/class/grabdma/*/dma_mask"
}

# The adapters' nodes, whatever their order.
find_nodes() {
  for adapter in /sys/class/grabdma/*; do
    case $(cat "$adapter/adapter") in
      edu) board=/dev/${adapter##*/} ;;
      virtual) virtual=/dev/${adapter##*/} ;;
    esac
  done
}

the_mount() {
  chapter "Its buffers as files"
  typed "mkdir $mount"
  typed "grabfs --device board=grabdma:$board --device full=grabdma:$virtual,format=BGR4,width=1920,height=1080 $mount"
  typed "ls -F $mount $mount/board"
}

real_dma() {
  chapter "Capture: the board writes every byte by bus-master DMA, into pages scattered over memory"
  typed "grabfs-cli capture board -n 2"
  typed "ls -l $mount/board/frames"
  typed "grep . /sys/class/grabdma/${board#/dev/}/frames /sys/class/grabdma/${board#/dev/}/bytes"
  typed "od -A d -t x1 -N 32 $mount/board/frames/00000001.raw"
}

full_size() {
  chapter "The same at full size, by the virtual adapter"
  typed "grabfs-cli capture full -n 3"
  typed "ls -l $mount/full/frames"
  typed "cp $mount/full/latest.raw /tmp/kept.raw"
  typed "cmp /tmp/kept.raw $mount/full/latest.raw && echo identical"
  typed "grabfs-cli stats full"
}

# The module's own files of the virtual adapter's buffers, as the daemon $1 has them open.
module_files() {
  for descriptor in /proc/"$1"/fd/*; do
    case $(readlink "$descriptor") in
      *"${virtual#/dev/}".*.live*) printf ' %s' "$descriptor" ;;
    esac
  done
}

same_pages() {
  chapter "Which way do the pixels go?"
  typed "grep data_path $mount/status.json | sort -u"
  grep -q '"data_path": *"passthrough"' $mount/status.json || return 0
  chapter "The physical pages of a frame, seen by a reader of the mount and in the module's own files"
  frame=$mount/full/frames/00000000.raw
  typed "page_frames $frame"
  typed "daemon=\$(sed -n 's/^  \"pid\": \(.*\),/\1/p' $mount/status.json)"
  typed "ls -l /proc/\$daemon/fd | grep '${virtual#/dev/}.*live'"
  # shellcheck disable=SC2154  # daemon has just been typed
  files=$(module_files "$daemon")
  typed "page_frames$files"
  chapter "The line that is there twice: the very same physical pages"
  typed "page_frames $frame$files | sort | uniq -d | grep ."
}

unplugged() {
  chapter "Pull the board out while somebody has a frame open"
  typed "cp $mount/board/latest.raw /tmp/before.raw"
  typed "exec 3<$mount/board/latest.raw"
  typed "echo 1 > /sys/bus/pci/devices/0000:00:02.0/remove"
  typed "cmp - /tmp/before.raw <&3 && echo the frame is still there"
  typed "grabfs-cli info board | grep state"
  typed "exec 3<&-"
}

the_end() {
  chapter "Unmount; the module goes when nothing is open or mapped any more"
  typed "grabfs-cli umount"
  typed "rmmod grabdma_virtual grabdma_edu grabdma"
  printf '\nThat was grabfs.\n'
}

the_module
find_nodes
the_mount
real_dma
full_size
same_pages
unplugged
the_end
