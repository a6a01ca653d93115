#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What happened before the button was pressed: frames/ is the history of the last buffers_count
# frames, so on a trigger (a line on standard input) it is copied, and so are the next ones.
#
#   around-trigger.sh DEVICE_DIRECTORY AFTER FOLDER
#   button | around-trigger.sh /mnt/grabfs/cam0 20 ~/crash     # with `set cam0 buffers_count=64` before
set -euo pipefail

readonly device=$1 after=$2 folder=$3

# Copies what is still there: the oldest may be recycled while the list is read.
keep() { cp --no-clobber --preserve=timestamps -- "$1" "$folder/" 2>/dev/null || :; }

mkdir -p "$folder"
read -r || exit 0
# Open before looking, so that no frame falls between history and future.
exec 3<"$device/events"
for frame in "$device"/frames/*.raw; do keep "$frame"; done
taken=0
while [ "$taken" -lt "$after" ] && read -r line <&3; do
  [[ $line == *'"event":"frame"'* ]] || continue
  sequence=${line#*'"sequence":'}
  keep "$(printf '%s/frames/%08d.raw' "$device" "${sequence%%,*}")"
  taken=$((taken + 1))
done
