#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make.sh PROGRAMS [COFFEE.png]: makes view.png and tour.webp anew, by typing into a terminal what they
# show, as root, because the mount is to have FUSE passthrough. PROGRAMS: the directory of grabfs,
# grabfs-cli and grabfs-view. The photograph is scikit-image's (skimage/data/coffee.png of the package
# python3-skimage): CC0, by Rachel Michetti, courtesy of Pikolo Espresso Bar.
#
#   apt install ffmpeg openbox python3-numpy python3-skimage webp x11-utils xdotool xterm xvfb
set -euo pipefail

PATH=$(realpath "$1"):$PATH
readonly photograph=${2:-/usr/lib/python3/dist-packages/skimage/data/coffee.png}
readonly rate=6 width=1120 height=460
here=$(realpath "$(dirname "$0")")
readonly here
work=$(mktemp -d)
readonly work

clean_up() {
  exec 2>/dev/null
  umount -l /mnt/grabfs
  kill $(jobs -p)
  rm -rf "$work"
}
trap clean_up EXIT

# Types a line as a person does, and waits so many seconds for what it does.
type_line() {
  xdotool windowfocus --sync "$terminal" type --delay 45 -- "$1"
  sleep 0.4
  xdotool key Return
  sleep "$2"
}

window_of() { xdotool search --sync --onlyvisible --class "$1" | head -n 1; }

# The camera sways a little above the table.
ffmpeg -v error -loop 1 -i "$photograph" -t 8 -r 15 -pix_fmt bgr0 -f rawvideo \
  -vf "crop=480:320:60+40*sin(t*PI/4):40+30*cos(t*PI/4)" "$work/coffee.raw"

export DISPLAY=:47 GRABFS_MOUNT=/mnt/grabfs
Xvfb $DISPLAY -screen 0 ${width}x${height}x24 2>/dev/null &
until xdpyinfo >/dev/null 2>&1; do sleep 0.1; done
openbox 2>/dev/null &
mkdir -p /mnt/grabfs "$work/home"
cd "$work/home"
cp "$work/coffee.raw" .
HOME=$work/home PS1='$ ' HISTFILE='' xterm -geometry 72x24+8+24 -fa 'DejaVu Sans Mono' -fs 10 -bg '#11151a' -fg '#d8dee4' \
  -T grabfs -e bash --norc &
terminal=$(window_of xterm)
readonly terminal
sleep 1
ffmpeg -v error -f x11grab -framerate $rate -video_size ${width}x${height} -draw_mouse 0 -i $DISPLAY "$work/%04d.png" &
recorder=$!
readonly recorder

type_line 'grabfs --device cam0=replay:coffee.raw,format=BGR4,width=480,height=320,rate=15 /mnt/grabfs' 1
type_line 'grabfs-cli start' 0.6
type_line 'grabfs-view cam0 &' 0.5
viewer=$(window_of grabfs-view)
readonly viewer
xdotool windowmove "$viewer" 620 40
sleep 1.5
type_line 'clear; cd /mnt/grabfs/cam0; ls' 1.5
type_line 'cp latest.raw ~/shot.raw        # a frame is a file' 1.2
type_line 'grabfs-cli save -o ~/shot.png' 1.2
type_line 'cat events | head -n 2' 1.5
type_line '/usr/bin/python3 -q' 0.8
type_line 'import numpy as np' 0.3
type_line "np.memmap('latest.raw', mode='r').mean()   # the pages that the device wrote" 1.5
xdotool key ctrl+d
type_line 'clear; grabfs-cli monitor' 4
kill -INT $recorder
wait $recorder || true

# The window with its frame.
ffmpeg -v error -y -f x11grab -video_size 482x345 -draw_mouse 0 -i $DISPLAY+620,40 -frames:v 1 "$here/view.png"
img2webp -loop 0 -lossy -q 40 -m 4 -d $((1000 / rate)) "$work"/*.png -o "$here/tour.webp" >/dev/null
ls -l "$here/view.png" "$here/tour.webp"
