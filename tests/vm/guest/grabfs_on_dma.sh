#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The daemon as tests/mount starts it, with the source `pattern` exchanged for a grabdma adapter:
# all the promises of the mount, on memory that a device writes. The module is loaded anew for each
# daemon, since frames count from 0 there; that it can be unloaded proves that nothing was left.
#
# VM_ADAPTER: name of the adapter (default: virtual). VM_SOURCE_OPTIONS: further keys of the source,
# e.g. ",alloc=pages".

# shellcheck disable=SC2086  # parameters are several words
load_grabdma ${VM_MODULE_PARAMETERS:-virtual.count=8} || exit

# Prints the node of the next adapter of the wanted kind, after the $1 that are in use.
node_after() {
  seen=0
  for adapter in /sys/class/grabdma/*; do
    [ "$(cat "$adapter/adapter")" = "${VM_ADAPTER:-virtual}" ] || continue
    [ "$seen" -eq "$1" ] && echo "/dev/${adapter##*/}" && return
    seen=$((seen + 1))
  done
}

devices=0
for argument; do
  shift
  case $argument in
    *=pattern,*)
      node=$(node_after $devices)
      argument=${argument%%=pattern,*}=grabdma:$node${VM_SOURCE_OPTIONS:-},${argument#*=pattern,}
      devices=$((devices + 1))
      ;;
  esac
  set -- "$@" "$argument"
done
exec /bin/grabfs "$@"
