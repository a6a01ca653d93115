#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# v4l2_compliance NODE: what v4l2-compliance finds wrong with a driver, grabfs neither mends nor makes
# worse: its figures are the same before, while the device is in a mount, and after.

figures() { v4l2-compliance -d "$1" 2>&1 | grep '^Total'; }

same() {
  [ "$2" = "$before" ] && echo "$1: the same" && return
  echo "$1: $2, before: $before"
  exit 1
}

before=$(figures "$1") || exit 1
echo "$before"
mkdir -p /mnt/compliance
grabfs --device "cam0=v4l2:$1" /mnt/compliance || exit 1
grabfs-cli --mount /mnt/compliance capture cam0 -n 2 || exit 1
same "in the mount" "$(figures "$1")"
grabfs-cli umount /mnt/compliance || exit 1
same "after the mount" "$(figures "$1")"
