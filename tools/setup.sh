#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes a bare Debian 12 ready: installs what is missing, fetches the pinned libfuse and the kernels,
# and tells Bazel about them. Asks nothing, may run at any time, is quick when nothing is missing.
#
#   tools/setup.sh [--for build|demo|package|vm|test]      default: test, which is everything

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=lib/bazelrc_local.sh
. "$root/tools/lib/bazelrc_local.sh"

# Prints which lists of tools/packages.txt the purpose $1 takes.
lists_for() {
  case $1 in
    build) echo build ;;
    demo) echo build demo ;;
    package) echo build package ;;
    vm) echo build demo vm ;;
    test) echo build demo package vm test ;;
    *) die "--for takes build, demo, package, vm or test, not '$1'" ;;
  esac
}

# Prints the packages of the lists $@.
packages_of() {
  local list
  for list in "$@"; do
    awk -v list="$list" '$1 == list { print $2 }' "$root/tools/packages.txt"
  done
}

# Prints the programs of the lists $@, one with its package a line.
programs_of() {
  local list
  for list in "$@"; do
    awk -v list="$list" '$1 == list { for (i = 3; i <= NF; i++) print $i, $2 }' \
      "$root/tools/packages.txt"
  done
}

is_installed() {
  dpkg-query --show --showformat='${db:Status-Status}\n' "$1" 2>/dev/null | grep -q '^installed$'
}

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get --quiet=2 --yes -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

install_missing() {
  local package missing=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "installing ${missing[*]}"
  apt_get update
  apt_get install --no-install-recommends "${missing[@]}"
}

# Looks for programs where packages have them: it may be there no more though dpkg knows the package, as
# when an alternative was removed, and what the user's own PATH finds is not what tests call.
check_programs() {
  local program package missing=()
  while read -r program package; do
    PATH=/usr/bin:/bin:/usr/sbin:/sbin type -P "$program" >/dev/null && continue
    say "the program $program of the package $package is missing"
    missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] || die "to mend: apt-get install --reinstall ${missing[*]}"
}

main() {
  local purpose=test lists packages
  case ${1:-} in
    '') ;;
    --help) usage && exit ;;
    --for) purpose=${2:-} ;;
    *) die "unknown argument '$1'" ;;
  esac
  lists=$(lists_for "$purpose")
  command -v apt-get >/dev/null || die "this needs Debian 12 or a system made from it"
  # shellcheck disable=SC2086  # words are lists, lines are packages
  packages=$(packages_of $lists)
  mapfile -t packages <<<"$packages"
  install_missing "${packages[@]}"
  # shellcheck disable=SC2086  # words are lists
  check_programs < <(programs_of $lists)
  "$root/tools/fetch-libfuse.sh"
  if [[ " $lists " == *" vm "* ]]; then
    "$root/tools/fetch-busybox.sh"
    "$root/tools/fetch-kernels.sh"
  fi
  write_bazelrc_local
}

main "$@"
