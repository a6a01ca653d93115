#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The example of a board beside a virtual one: loaded, used, in use, unbound while it captures, unloaded.
set -e
load_grabdma virtual.count=1 >&2
insmod /lib/modules/grabdma_example.ko
example /dev/grabdma1
dmesg | grep -q 'a buffer in more than 127 segments, which the device does not take'

exec 3</dev/grabdma1
if rmmod grabdma_example 2>/dev/null; then
  echo "the board's module went while it was in use" >&2
  exit 1
fi
exec 3<&-
# Who looks at a board's state keeps nothing of its module.
exec 4</sys/kernel/debug/grabdma/grabdma1/state
rmmod grabdma_example
cat <&4 | grep -q '^adapter: example at grabdma-example, gone'
exec 4<&-
[ -e /dev/grabdma0 ] && [ ! -e /dev/grabdma1 ]

# Two boards at once.
insmod /lib/modules/grabdma_example.ko
hold /dev/grabdma0 >/tmp/hold.log &
example /dev/grabdma1 >/tmp/example.log
wait $! || {
  cat /tmp/hold.log >&2
  exit 1
}
rmmod grabdma_example

# Twice: nothing was left behind by the unbinding.
for _ in 1 2; do
  insmod /lib/modules/grabdma_example.ko
  example /dev/grabdma1 >/tmp/example.log &
  usleep 200000
  echo grabdma-example >/sys/bus/platform/drivers/grabdma-example/unbind
  wait
  rmmod grabdma_example
done
