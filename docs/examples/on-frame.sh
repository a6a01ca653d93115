#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Something for every frame: `events` is one JSON object a line, and reading it waits for the next.
#
#   on-frame.sh DEVICE_DIRECTORY COMMAND...       runs COMMAND FRAME_FILE for each
#   on-frame.sh /mnt/grabfs/cam0 sha256sum
set -euo pipefail

readonly device=$1
shift

while read -r line; do
  case $line in
    *'"event":"frame"'*)
      sequence=${line#*'"sequence":'}
      file=$(printf '%s/frames/%08d.raw' "$device" "${sequence%%,*}")
      # Opened once, the frame stays what it is for as long as the command needs it. One that is gone
      # already was recycled: this loop is slower than the device.
      { exec 3<"$file"; } 2>/dev/null || continue
      "$@" "$file"
      exec 3<&-
      ;;
    *'"event":"drop"'*) printf 'lost: %s\n' "$line" >&2 ;;
    *'"state":"stopped"'*) break ;;
  esac
done <"$device/events"
