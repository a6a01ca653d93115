#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Something for every frame: `events` is one JSON object a line, and reading it waits for the next. A
# loop that is slower than the device finds each frame that it is told of, and is told how many were
# recycled meanwhile.
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
      # The frame stays until the next line is read, unless too many readers keep one already.
      if [ -e "$file" ]; then "$@" "$file"; else printf 'gone: %s\n' "$file" >&2; fi
      ;;
    *'"event":"drop"'* | *'"event":"lost"'*) printf 'missed: %s\n' "$line" >&2 ;;
    *'"state":"stopped"'*) break ;;
  esac
done <"$device/events"
