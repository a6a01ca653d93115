#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tour of grabfs in under a minute: installs what is missing, builds, mounts a camera that needs no
# hardware, and shows each command before its result. Unmounts and cleans up, whatever happens.
#
#   tools/demo.sh          on this machine, with the built-in test picture
#   tools/demo.sh --vm     in a virtual machine, with the kernel module and real DMA

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

# The one thing that stays, to be looked at.
picture=${TMPDIR:-/tmp}/grabfs-demo.png
readonly picture

bold() { if [ -t 1 ]; then printf '\033[1m%s\033[0m\n' "$*"; else printf '%s\n' "$*"; fi; }
chapter() { printf '\n' && bold "# $*"; }

# Shows a command as one would type it, then runs it.
typed() {
  bold "\$ $1"
  eval "$1"
}

# Mounting as root gives FUSE passthrough; without sudo it works too, by the cached path.
privileged() {
  [ "$(id -u)" -ne 0 ] && type -P sudo >/dev/null && command sudo -n true 2>/dev/null
}

# sudo has a path of its own; what was just built is not in it.
sudo() { command sudo env "PATH=$PATH" "$@"; }

build() {
  "$root/tools/setup.sh" --for demo
  build_opt //fusefs:grabfs //cli:grabfs-cli
  # What was just built, first in the path, so that commands look as they do once installed.
  mkdir "$scratch/bin"
  local program bin
  bin=$(opt_bin)
  for program in fusefs/main/grabfs cli/grabfs-cli; do
    ln -s "$bin/$program" "$scratch/bin/"
  done
  PATH=$scratch/bin:$PATH
}

clean_up() {
  local status=$?
  cd /
  if mountpoint --quiet "$scratch/mnt" 2>/dev/null; then
    $as umount "$scratch/mnt" 2>/dev/null || fusermount3 -uz "$scratch/mnt"
  fi
  rm -rf -- "$scratch"
  exit "$status"
}

# Follows a live buffer from a process of its own: one mmap(), no further system call on the file.
write_follower() {
  cat >follow.py <<'PYTHON'
import mmap, os, time
with open("mnt/cam0/buffers/000.raw", "rb") as f:
    picture = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
for _ in range(5):
    print(f"process {os.getpid()} sees frame {int.from_bytes(picture[:8], 'little')} in its memory")
    time.sleep(0.4)
PYTHON
}

tour() {
  chapter "Mount a camera: 1080p, 30 frames a second (a test picture, no hardware needed)"
  local options=""
  [ -z "$as" ] || options="-o allow_other,uid=$(id -u),gid=$(id -g) "
  typed "mkdir mnt"
  typed "${as}grabfs ${options}--device cam0=pattern,width=1920,height=1080,rate=30 mnt"
  typed "ls -F mnt/cam0"

  chapter "Capture: write to a file, and frames are files"
  typed "echo 4 > mnt/cam0/trigger"
  typed "grabfs-cli wait cam0 --sequence 3 --timeout 10"
  typed "ls -l mnt/cam0/frames"
  typed "getfattr -d mnt/cam0/latest.raw"

  chapter "cp is all it takes to keep one; a frame file is that frame, for ever"
  typed "cp mnt/cam0/frames/00000002.raw kept.raw && cmp kept.raw mnt/cam0/frames/00000002.raw && echo identical"

  chapter "Map a buffer once and watch frames arrive in memory, from another process"
  typed "grabfs-cli start cam0"
  typed "cat follow.py"
  typed "python3 follow.py"
  typed "grabfs-cli stop cam0"

  chapter "Nothing is lost silently: every frame is accounted for"
  typed "grabfs-cli stats cam0"

  chapter "A picture to look at"
  typed "grabfs-cli save cam0 -o frame.png"
  mv frame.png "$picture"

  chapter "Which way do the pixels go?"
  typed "grep -m 2 data_path mnt/status.json"
  typed "grabfs-cli doctor" || true

  chapter "Unmount"
  typed "${as}umount mnt"
  printf '\nThe picture is kept as %s; nothing else is left.\n' "$picture"
}

main() {
  case ${1:-} in
    '') ;;
    --help) usage && exit ;;
    --vm) exec "$root/tools/demo-vm.sh" ;;
    *) die "unknown argument '$1'; --help tells" ;;
  esac
  as=""
  scratch=$(mktemp -d)
  trap clean_up EXIT
  build
  if privileged; then as="sudo "; fi
  cd "$scratch"
  write_follower
  tour
}

main "$@"
