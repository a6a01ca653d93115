#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A time-lapse: one picture every so many seconds, numbered by the device.
#
#   timelapse.sh DEVICE_DIRECTORY SECONDS COUNT FOLDER
#   timelapse.sh /mnt/grabfs/cam0 10 360 ~/sunset && ffmpeg -framerate 25 -pattern_type glob -i '~/sunset/*.png' sunset.mp4
set -euo pipefail

readonly device=$1 seconds=$2 count=$3 folder=$4

mkdir -p "$folder"
for ((i = 0; i < count; i++)); do
  [ "$i" -eq 0 ] || sleep "$seconds"
  # A stopped device is triggered for the picture; a streaming one gives its next.
  grabfs-cli --mount "${device%/*}" save "${device##*/}" --frames 1 -o "$folder/%06d.png"
done
