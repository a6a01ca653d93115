#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The machine can be suspended while somebody waits for a frame: the kernel's freezer, which comes
# first in each suspend, freezes all processes and thaws them again. Who waits by epoll, as our own
# programs do, can be frozen at any time; who waits in read(), when he is frozen before the daemon, as
# systemd does it.
set -e
[ -e /sys/power/pm_test ] || exit 4
device=/mnt/grabfs/cam0
readers=/sys/fs/cgroup/readers

# The write fails with EBUSY when somebody cannot be frozen.
go_to_sleep() {
  echo freezer > /sys/power/pm_test
  echo freeze > /sys/power/state
}

# until_in PROCESS PATTERN: the process sleeps in a function of the kernel of such a name. Which one it
# is depends on what the compiler inlined.
until_in() {
  tries=600
  until grep -qE "$2" "/proc/$1/wchan"; do
    tries=$((tries - 1))
    if [ $tries -eq 0 ]; then
      echo "process $1 sleeps in $(cat "/proc/$1/wchan"), not in $2" >&2
      exit 1
    fi
    sleep 0.1
  done
}

mkdir -p /mnt/grabfs
grabfs --device cam0=pattern,width=64,height=64,rate=0,state=stopped /mnt/grabfs

for verb in wait stream; do
  case $verb in
    wait) grabfs-cli wait cam0 --mount /mnt/grabfs & ;;
    stream) grabfs-cli stream cam0 -n 1 --mount /mnt/grabfs > /dev/null & ;;
  esac
  program=$!
  until_in $program 'ep_poll|epoll_wait'
  go_to_sleep
  echo 1 > $device/trigger
  wait $program
  echo "grabfs-cli $verb was frozen and went on" >&2
done

# frozen_first PROCESS: which waits for the daemon; the machine goes to sleep and comes back.
frozen_first() {
  echo "$1" > $readers/cgroup.procs
  until_in "$1" 'request_wait_answer|fuse_'
  echo 1 > $readers/cgroup.freeze
  until grep -q 'frozen 1' $readers/cgroup.events; do sleep 0.1; done
  go_to_sleep
  echo 0 > $readers/cgroup.freeze
}

mkdir -p $readers
cat $device/events > /tmp/events &
reader=$!
frozen_first $reader
echo 1 > $device/trigger
until grep -q '"event":"frame"' /tmp/events; do sleep 0.1; done
echo "cat was frozen before the daemon and went on" >&2
kill $reader
wait $reader || true

buffer=$device/buffers/000.raw
exec 9< $buffer
flock -s 9
flock -x $buffer true &
waiter=$!
frozen_first $waiter
flock -u 9
wait $waiter
echo "flock was frozen before the daemon and went on" >&2
exec 9<&-
umount /mnt/grabfs
