#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# webcam.sh UNIT: a camera of grabfs as the webcam that docs/examples/grabfs-webcam@.service makes of it:
# what a program sees that knows cameras only is the picture of the mount, byte for byte.
set -euo pipefail

readonly unit=$1
readonly GRABFS_MOUNT=/tmp/webcam/mount
export GRABFS_MOUNT

say_why() { cat /tmp/webcam/*.log; }

# As systemd runs it.
exec_start() {
  local line
  line=$(sed -n 's/^ExecStart=//p' "$unit")
  eval "exec ${line//%i/cam0}"
}

await_pictures() {
  for ((i = 0; i < 600; i++)); do
    v4l2-ctl -d /dev/video9 --get-fmt-video 2>/dev/null | grep -q 'YU12' && return
    sleep 0.1
  done
  say_why
  exit 1
}

# A picture of the webcam, as it comes.
look() { ffmpeg -nostdin -loglevel error -f v4l2 -i /dev/video9 -frames:v 1 -f rawvideo -y "$1"; }

mkdir -p "$GRABFS_MOUNT"
ffmpeg -loglevel error -f lavfi -i testsrc2=size=320x240:rate=1 -frames:v 1 -pix_fmt yuv420p /tmp/webcam/clip.y4m
grabfs --device cam0=replay:/tmp/webcam/clip.y4m,rate=10 "$GRABFS_MOUNT"
echo start >"$GRABFS_MOUNT/cam0/state"
(exec_start) 2>/tmp/webcam/unit.log &
await_pictures
look /tmp/webcam/seen.raw
cmp /tmp/webcam/seen.raw "$GRABFS_MOUNT/cam0/latest.raw" || { say_why && exit 1; }
echo "the webcam shows what the camera sees"
kill %1
wait || true
umount "$GRABFS_MOUNT"
