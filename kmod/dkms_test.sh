#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# DKMS builds the modules from this folder, as README.md says, and they say about themselves what
# modinfo(8) is asked for. A board in a directory of its own finds what it needs.
#
# $1: the kernel's release; $2: its headers; $3: why it is not there, or nothing
set -euo pipefail
shopt -s inherit_errexit

PATH=$PATH:/usr/sbin:/sbin
readonly release=$1 headers=$2 missing=${3:-}

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# Everybody's own trees instead of /usr/src and /var/lib/dkms: neither root nor traces.
build() {
  mkdir -p "$work/src" "$work/tree"
  cp -rL kmod "$work/src/grabdma-$version"
  dkms build "grabdma/$version" -k "$release" --kernelsourcedir "$headers" \
    --sourcetree "$work/src" --dkmstree "$work/tree" || fail "dkms build"
}

# of NAME: what follows is asked of that module.
of() {
  module=$(find "$work/tree" -name "$1.ko*" -not -path '*/build/*')
  [ -f "$module" ] || fail "dkms built no $1"
}

says() { modinfo -F "$1" "$module" | grep -q -- "$2" || fail "modinfo: $1 is not '$2'"; }

# Of each module: every parameter of it has a description, and a place in the document.
parameters_are_described() {
  local parameters parameter
  mapfile -t parameters < <(modinfo -F parm "$module" | sed 's/:.*//')
  [ "${#parameters[@]}" -gt 0 ] || fail "no parameters found"
  for parameter in "${parameters[@]}"; do
    says parm "^$parameter:..* ("
    grep -q "^| \`$1$parameter\` |" docs/uapi.md || fail "docs/uapi.md has no parameter '$1$parameter'"
  done
}

# As its author would, beside what DKMS has installed; without warnings.
a_board_builds() {
  local log=$work/board.log
  cp -rL kmod/example/board "$work/board"
  make -C "$work/board" KDIR="$headers" GRABDMA="$work/src/grabdma-$version" \
    KBUILD_EXTRA_SYMBOLS="$work/tree/grabdma/$version/Module.symvers.$release" modules >"$log" 2>&1 ||
    { cat "$log"; fail "the board does not build"; }
  ! grep -i 'warning: ' "$log" | grep -v pahole || fail "the board builds with warnings"
  modinfo -F depends "$work/board/grabdma_example.ko" | grep -qx grabdma || fail "it does not need grabdma"
}

main() {
  if [ -z "$headers" ]; then
    printf '%s\n' "$missing"
    [[ $missing == GRABFS_SKIP_KERNELS* ]] && exit 0
    exit 1
  fi
  version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' kmod/dkms.conf)
  work=$(mktemp -d)
  trap 'rm -rf -- "$work"' EXIT
  build
  for name in grabdma grabdma_edu grabdma_virtual; do
    of $name
    says version "^$version\$"
    says license '^GPL$'
    says description .
    says author .
    says vermagic "^$release "
  done
  of grabdma_virtual
  says depends '^grabdma$'
  parameters_are_described virtual.
  of grabdma_edu
  says alias '^pci:v00001234d000011E8'
  parameters_are_described edu.
  of grabdma
  parameters_are_described ''
  a_board_builds
}

main
