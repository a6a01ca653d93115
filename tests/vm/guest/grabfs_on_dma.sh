#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The daemon as tests/mount starts it, with the source `pattern` exchanged for a grabdma adapter:
# all the promises of the mount, on memory that a device writes. The module is loaded anew for each
# daemon, since frames count from 0 there; that it can be unloaded proves that nothing was left.
#
# VM_ADAPTER: name of the adapter (default: virtual). VM_SOURCE_OPTIONS: further keys of the source,
# e.g. ",alloc=pages".

rmmod grabdma || exit
# shellcheck disable=SC2086  # parameters are several words
insmod /lib/modules/grabdma.ko ${VM_MODULE_PARAMETERS:-virtual=1} || exit

node=
for adapter in /sys/class/grabdma/*; do
  if [ "$(cat "$adapter/adapter")" = "${VM_ADAPTER:-virtual}" ]; then
    node=/dev/${adapter##*/}
    break
  fi
done
if [ -z "$node" ]; then
  echo "no adapter called ${VM_ADAPTER:-virtual}" >&2
  exit 1
fi

for argument; do
  shift
  case $argument in
    *=pattern,*)
      argument=${argument%%=pattern,*}=grabdma:$node${VM_SOURCE_OPTIONS:-},${argument#*=pattern,}
      ;;
  esac
  set -- "$@" "$argument"
done
exec /bin/grabfs "$@"
