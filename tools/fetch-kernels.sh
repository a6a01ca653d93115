#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks Debian's kernels, with headers, for building the module and for the virtual machines that test
# it. Nothing is installed: they lie in ~/.cache/grabfs/kernels/SERIES.
#
#   tools/fetch-kernels.sh             whatever is missing
#   tools/fetch-kernels.sh --update    the newest of each series, also where one is there
#   tools/fetch-kernels.sh 6.12        this one, also where it is there
#
# 6.1 and 6.12 are those of Debian 12; `newest` is the newest that Debian has in any suite.
# GRABFS_SKIP_KERNELS="6.12" goes without the kernels it names; any other that cannot be had is an
# error.

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=lib/debian_archive.sh
. "$root/tools/lib/debian_archive.sh"
# shellcheck source=lib/bazelrc_local.sh
. "$root/tools/lib/bazelrc_local.sh"
# shellcheck source=lib/kernel_tree.sh
. "$root/tools/lib/kernel_tree.sh"

# Where Debian has each series; of several places, separated by /, the one with the newer kernel counts.
declare -rA sources=(
  [6.1]="deb bookworm|deb bookworm-security"
  [6.12]="deb bookworm-backports"
  [newest]="deb trixie-backports/deb sid"
)
# Where compilers and checkers are that this machine has not, when a kernel wants them.
readonly tools_suite=sid
readonly kernels=$cache/kernels

arch=$(dpkg --print-architecture)
readonly arch

is_skipped() { [[ " ${GRABFS_SKIP_KERNELS:-} " == *" $1 "* ]]; }

is_present() { [ -f "$kernels/$1/release" ]; }

# Opens the sources "deb SUITE|deb SUITE".
open_place() {
  local list
  IFS='|' read -ra list <<<"$1"
  private_apt_open "$work/apt-${1//[^a-z0-9-]/_}" "${list[@]}"
}

# Prints the version of the kernel that the opened sources have.
kernel_version() {
  private_apt apt-cache policy "linux-image-$arch" | awk '/Candidate:/ && $2 != "(none)" { print $2 }'
}

# Opens, of the places of series $1, the one with the newest kernel.
open_newest_place() {
  local places place version best="" best_version=""
  IFS=/ read -ra places <<<"${sources[$1]}"
  for place in "${places[@]}"; do
    open_place "$place" || continue
    version=$(kernel_version)
    [ -n "$version" ] || continue
    if [ -z "$best" ] || dpkg --compare-versions "$version" gt "$best_version"; then
      best=$place best_version=$version
    fi
  done
  [ -n "$best" ] || die "no suite has kernel $1"
  open_place "$best"
}

# Prints every package that makes up the kernel of the opened sources: whatever the two that are always
# current depend on and that has the kernel's version in its name. Compilers are no part of it.
kernel_packages() {
  private_apt apt-cache depends --recurse --important "linux-image-$arch" "linux-headers-$arch" |
    grep -E '^linux-(base|binary|headers|image|kbuild|modules)-[0-9]'
}

# Downloads packages of the opened sources and unpacks them into the directory $1.
unpack() {
  local tree=$1 debs package
  shift
  debs=$(mktemp -d "$work/debs.XXXXXX")
  (cd "$debs" && private_apt apt-get download --quiet=2 "$@")
  for package in "$debs"/*.deb; do
    dpkg-deb --extract "$package" "$tree"
  done
  rm -rf -- "$debs"
}

# Adds the programs that the kernel in $1 wants and this machine has not, with the libraries of their own
# suite. Their folder stands first in PATH when a module is built.
add_tools() {
  local tree=$1 wanted packages compiler
  wanted=$(tools_wanted "$tree")
  [ -n "$wanted" ] || return 0
  # shellcheck disable=SC2086  # a list
  say "with its own" $wanted
  open_place "deb $tools_suite"
  # Of compilers only the one that is wanted: sparse depends on any.
  compiler=$(sed -n 's/.*\(gcc-[0-9]*\).*/\1/p' <<<"$wanted")
  # shellcheck disable=SC2086
  packages=$(private_apt apt-cache depends --recurse --important $wanted libc6 libelf1t64 |
    grep -E "^(lib|binutils|sparse|zlib|${compiler:-none}|cpp-${compiler#gcc-})" | grep -vE -- '-dev$|san[0-9]+$')
  mapfile -t packages <<<"$packages"
  unpack "$tree" "${packages[@]}"
}

# Downloads and unpacks one series.
fetch() {
  local series=$1 packages
  mkdir -p "$kernels"
  work=$(mktemp -d "$kernels/.$series.XXXXXX")
  trap 'rm -rf -- "$work"' EXIT
  open_newest_place "$series"
  packages=$(kernel_packages)
  mapfile -t packages <<<"$packages"
  say "kernel $series: $(kernel_version)"
  mkdir "$work/tree"
  unpack "$work/tree" "${packages[@]}"
  add_tools "$work/tree"
  finish_kernel_tree "$work/tree" "$kernels/$series"
  rm -rf -- "${kernels:?}/$series"
  mv "$work/tree" "$kernels/$series"
  write_bazelrc_local
}

# Each series has a process of its own, so that one that fails does not stop the others.
fetch_each() {
  local series failed=()
  for series in "${!sources[@]}"; do
    if is_skipped "$series"; then
      say "kernel $series: skipped, as GRABFS_SKIP_KERNELS asks"
    elif ! is_present "$series" || [ "$1" = --update ]; then
      "${BASH_SOURCE[0]}" "$series" || failed+=("$series")
    fi
  done
  [ "${#failed[@]}" -eq 0 ] ||
    die "cannot get kernel ${failed[*]}; to go without: GRABFS_SKIP_KERNELS=\"${failed[*]}\""
}

main() {
  case ${1:-} in
    --help) usage ;;
    '' | --update) fetch_each "${1:-}" ;;
    *)
      [ -n "${sources[$1]:-}" ] || die "no kernel $1; there are: ${!sources[*]}"
      fetch "$1"
      ;;
  esac
}

main "$@"
