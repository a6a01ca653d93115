#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What can be seen from outside: counters, state, tracepoints, node and module information. Uses the
# example program, the `capture` of kmod/example, to make something happen.
device=${1:-grabdma0}
class=/sys/class/grabdma/$device
tracing=/sys/kernel/tracing
count=0
failures=0

# check NAME COMMAND...: one result.
check() {
    name=$1
    shift
    count=$((count + 1))
    if "$@" >&2; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        failures=$((failures + 1))
    fi
}

value() { cat "$class/$1"; }
grew() { [ "$(value "$1")" -gt "$2" ]; }
traced() { grep -q "grabdma_$1:" "$tracing/trace"; }

frames=$(value frames)
faults=$(value faults)
echo 1 >"$tracing/events/grabdma/enable"
capture "/dev/$device" >/tmp/observe.raw

check "the example captures a frame" test -s /tmp/observe.raw
check "frames are counted" grew frames "$frames"
check "faults are counted" grew faults "$faults"
check "nothing is open any more" test "$(value sessions) $(value buffers)" = "0 0"
for file in adapter dma_mask sequence drops errors timeouts bytes sends sent_bytes; do
    check "$file is one value" test "$(wc -l <"$class/$file")" = 1
done
check "the node is not for everybody" test "$(stat -c %a "/dev/$device")" = 660
for event in queue 'done' fault; do
    check "the tracepoint $event fired" traced "$event"
done
for event in drop sync; do
    check "the tracepoint $event is there" test -e "$tracing/events/grabdma/grabdma_$event"
done
check "the state is readable" grep -q "engine: idle" "/sys/kernel/debug/grabdma/$device/state"
for parameter in virtual virtual_dma_bits edu_dma_bits timeout_ms inject; do
    check "parameter $parameter" test -e "/sys/module/grabdma/parameters/$parameter"
done
echo 0 >"$tracing/events/grabdma/enable"
echo "1..$count"
[ "$failures" = 0 ]
