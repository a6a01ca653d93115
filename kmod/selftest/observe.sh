#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What can be seen from outside: counters, state, tracepoints, node and module information. Uses the
# example program, the `capture` of kmod/example, and two selftests to make things happen.
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
traced() { grep -q "grabdma_$1:" "$tracing/trace"; }

# Remembers what the counters are; grew COUNTER: it is more now.
counters="frames drops errors timeouts bytes faults sends sent_bytes"
remember() { for file in $counters; do value "$file" >"/tmp/before.$file"; done; }
grew() { [ "$(value "$1")" -gt "$(cat "/tmp/before.$1")" ]; }
is_quiet() { [ "$(value sessions) $(value buffers)" = "0 0" ]; }

remember
echo 1 >"$tracing/events/grabdma/enable"
capture "/dev/$device" >/tmp/observe.raw

check "the example captures a frame" test -s /tmp/observe.raw
for file in frames bytes faults; do
    check "$file are counted" grew "$file"
done
check "nothing is open any more" is_quiet

# The limit of patience can be changed at any time.
echo 300 >/sys/module/grabdma/parameters/timeout_ms
check "the selftest of captures passes" sh -c "capture_test /dev/$device >/dev/null"
check "the selftest of output passes" sh -c "output /dev/$device >/dev/null"
for file in drops errors timeouts sends sent_bytes; do
    check "$file are counted" grew "$file"
done
for event in queue 'done' drop fault sync; do
    check "the tracepoint $event fired" traced "$event"
done

for file in adapter dma_mask sequence sessions buffers memory memory_limit $counters; do
    check "$file is one value" test "$(wc -l <"$class/$file")" = 1
done
check "the node is not for everybody" test "$(stat -c %a "/dev/$device")" = 660
check "the state is readable" grep -q "engine: idle" "/sys/kernel/debug/grabdma/$device/state"
exec 9<"/dev/$device"
check "the state has a session" grep -q "^session: " "/sys/kernel/debug/grabdma/$device/state"
exec 9<&-
for parameter in timeout_ms memory_limit_mb inject bounce; do
    check "parameter $parameter" test -e "/sys/module/grabdma/parameters/$parameter"
done
for parameter in count depth dma_bits node; do
    check "parameter $parameter of boards" test -e "/sys/module/grabdma_virtual/parameters/$parameter"
done
echo 0 >"$tracing/events/grabdma/enable"
echo "1..$count"
[ "$failures" = 0 ]
