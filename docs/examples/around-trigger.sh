#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What happened before the button was pressed: frames/ is the history of the last buffers_count
# frames. On a trigger (a line on standard input) all of them are held, then copied, while the next
# ones are taken. FOLDER must be a new one, so that nothing is overwritten.
#
#   around-trigger.sh DEVICE_DIRECTORY AFTER FOLDER
#   button | around-trigger.sh /mnt/grabfs/cam0 20 ~/crash     # with `set cam0 buffers_count=64` before
set -euo pipefail

readonly device=$1 after=$2 folder=$3

copy() { cp --preserve=timestamps -- "$@" "$folder/"; }

# An open frame stays: opening takes a moment, copying may take seconds, in which the device would
# recycle what is not copied yet. The newest first, because what is gone is the oldest.
hold() {
  local frames=("$device"/frames/*.raw) i descriptor
  for ((i = ${#frames[@]} - 1; i >= 0; i--)); do
    { exec {descriptor}<"${frames[i]}"; } 2>/dev/null || break
    held+=("${frames[i]}")
    descriptors+=("$descriptor")
  done
  printf 'around-trigger: %d of %d frames from before are held\n' "${#held[@]}" "${#frames[@]}" >&2
}

release() {
  local descriptor
  for descriptor in "${descriptors[@]}"; do exec {descriptor}<&-; done
}

mkdir "$folder"
ulimit -n "$(ulimit -Hn)" # a descriptor for each frame
held=() descriptors=()
read -r || exit 0
# Open before looking, so that no frame falls between history and future.
exec 3<"$device/events"
hold
[ "${#held[@]}" -eq 0 ] || copy "${held[@]}" & # holds them until its end
release
newest=-1
[ "${#held[@]}" -eq 0 ] || newest=$(basename "${held[0]}" .raw)
taken=0
while [ "$taken" -lt "$after" ] && read -r line <&3; do
  [[ $line == *'"event":"frame"'* ]] || continue
  sequence=${line#*'"sequence":'}
  sequence=${sequence%%,*}
  [ "$sequence" -gt "$newest" ] || continue
  copy "$(printf '%s/frames/%08d.raw' "$device" "$sequence")" || : # cp says if it is gone
  taken=$((taken + 1))
done
wait $!
