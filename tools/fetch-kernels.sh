#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks Debian's stock kernels, with headers, for building the module and for the virtual
# machines that test it. Nothing is installed: they lie in ~/.cache/grabfs/kernels/SERIES.
#
#   tools/fetch-kernels.sh             whatever is missing
#   tools/fetch-kernels.sh --update    the newest of each series, also where one is there
#   tools/fetch-kernels.sh 6.12        this one, also where it is there
#
# GRABFS_SKIP_KERNELS="6.12" goes without the kernels it names; any other that cannot be had is an
# error.

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=lib/debian_archive.sh
. "$root/tools/lib/debian_archive.sh"
# shellcheck source=lib/bazelrc_local.sh
. "$root/tools/lib/bazelrc_local.sh"

# Where Debian 12 has each series.
declare -rA sources=(
  [6.1]="deb bookworm|deb bookworm-security"
  [6.12]="deb bookworm-backports"
)
readonly kernels=$cache/kernels

arch=$(dpkg --print-architecture)
readonly arch

is_skipped() { [[ " ${GRABFS_SKIP_KERNELS:-} " == *" $1 "* ]]; }

is_present() { [ -f "$kernels/$1/release" ]; }

# Prints the package that the always-current package $1 stands for.
current_package() {
  private_apt apt-cache depends "$1" | awk '/Depends:/ { print $2; exit }'
}

# Prints every package that makes up the kernel of the opened archive. Of what the headers depend
# on, only the kernel's own parts count: the compiler is tools/setup.sh's matter.
kernel_packages() {
  local image headers
  image=$(current_package "linux-image-$arch")
  headers=$(current_package "linux-headers-$arch")
  [ -n "$image" ] && [ -n "$headers" ] || return 1
  printf '%s\n' "$image" "$headers"
  private_apt apt-cache depends "$headers" |
    awk '/Depends:/ && $2 ~ /^linux-(headers|kbuild)-/ { print $2 }'
}

# The headers' Makefile names the common part by the path where the package would be installed. The
# kernel's type information beside it would make every module build ask for pahole; modules load
# without.
relocate_headers() {
  local tree=$1 final=$2
  rm -f "$tree"/usr/src/linux-headers-*/vmlinux
  sed -i "s|^include /usr/src/|include $final/usr/src/|" "$tree"/usr/src/linux-headers-*/Makefile
}

# Gives the parts of an unpacked kernel names that do not change with its version.
name_parts() {
  local tree=$1 release
  release=$(basename "$tree"/boot/vmlinuz-*)
  release=${release#vmlinuz-}
  ln -s "boot/vmlinuz-$release" "$tree/vmlinuz"
  ln -s "usr/src/linux-headers-$release" "$tree/headers"
  ln -s "lib/modules/$release" "$tree/modules"
  /sbin/depmod -b "$tree" "$release"
  printf '%s\n' "$release" >"$tree/release"
}

# Downloads and unpacks one series.
fetch() {
  local series=$1 package packages list
  mkdir -p "$kernels"
  work=$(mktemp -d "$kernels/.$series.XXXXXX")
  trap 'rm -rf -- "$work"' EXIT
  IFS='|' read -ra list <<<"${sources[$series]}"
  private_apt_open "$work/apt" "${list[@]}"
  packages=$(kernel_packages)
  mapfile -t packages <<<"$packages"
  say "kernel $series: ${packages[0]#linux-image-}"
  mkdir "$work/debs" "$work/tree"
  cd "$work/debs"
  private_apt apt-get download --quiet=2 "${packages[@]}"
  for package in *.deb; do
    dpkg-deb --extract "$package" "$work/tree"
  done
  relocate_headers "$work/tree" "$kernels/$series"
  name_parts "$work/tree"
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
