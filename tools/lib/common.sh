# SPDX-License-Identifier: Apache-2.0
# What every script of this folder shares: where things are, and how to speak. To be sourced.
# shellcheck shell=bash

set -euo pipefail
shopt -s inherit_errexit

# The checkout.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Downloads, kept between runs and shared between checkouts of the same user.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/grabfs
# shellcheck disable=SC2034  # they are for the script that sources this
readonly root cache

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

# Prints what a script says about itself at its top.
usage() { sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; }

# Runs a command as root: as it is, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "need root for '$*': run as root or install sudo"
  fi
}

# Builds targets as they are installed. The first time takes minutes: a terminal sees Bazel's progress on a
# line that it removes; a log gets a line a minute.
build_opt() {
  local progress=(--curses=no --show_progress_rate_limit=60)
  [ ! -t 2 ] || progress=(--curses=yes)
  say "building; the first time takes some minutes"
  (cd "$root" && bazel build --config=opt --ui_event_filters=-info --noshow_loading_progress \
    --show_result=0 "${progress[@]}" "$@") >&2 || die "the build failed"
}

# Prints the folder with what build_opt has built.
opt_bin() { (cd "$root" && bazel info --config=opt bazel-bin 2>/dev/null); }

# Prints the value of a `NAME = "value"` line of a .bzl file, so that a version is written once.
bzl_value() {
  local name=$1 file=$2 value
  value=$(sed -n "s/^$name = \"\(.*\)\"\$/\1/p" "$file")
  [ -n "$value" ] || die "$file defines no $name"
  printf '%s\n' "$value"
}
