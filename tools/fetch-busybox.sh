#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks the static busybox of the virtual machines into ~/.cache/grabfs. It is not the one that is
# installed: Debian's busybox and busybox-static exclude each other, and whatever wants the one takes the
# other away.

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=lib/debian_archive.sh
. "$root/tools/lib/debian_archive.sh"

# The guests are Debian 12's, whatever this machine is.
readonly guest_suite=bookworm
readonly target=$cache/busybox

main() {
  if [ -x "$target" ]; then
    return
  fi
  local work
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the directory of now, not of then
  trap "rm -rf -- '$work'" EXIT
  cd "$work"
  private_apt_open "$work/apt" "deb $guest_suite" || die "there is no busybox to be had"
  private_apt apt-get download --quiet=2 busybox-static
  dpkg-deb --extract busybox-static_*.deb unpacked
  mkdir -p "$cache"
  # Moved when complete, so that what is there is whole.
  cp unpacked/bin/busybox "$target.$$"
  mv "$target.$$" "$target"
  say "the busybox of the virtual machines: $target"
}

main "$@"
