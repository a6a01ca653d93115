#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# DKMS builds the module from this folder, as README.md says, and the module says about itself what
# modinfo(8) is asked for.
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
  module=$(find "$work/tree" -name 'grabdma.ko*' -not -path '*/build/*')
  [ -f "$module" ] || fail "dkms built no module"
}

says() { modinfo -F "$1" "$module" | grep -q -- "$2" || fail "modinfo: $1 is not '$2'"; }

# Every parameter that the sources declare has a description.
parameters_are_described() {
  local parameters parameter
  mapfile -t parameters < <(sed -n 's/^module_param_named(\([a-z_]*\),.*/\1/p' kmod/*.c)
  [ "${#parameters[@]}" -gt 0 ] || fail "no parameters found"
  for parameter in "${parameters[@]}"; do
    says parm "^$parameter:..* ("
    grep -q "^| \`$parameter\` |" docs/uapi.md || fail "docs/uapi.md has no parameter '$parameter'"
  done
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
  says version "^$version\$"
  says license '^GPL$'
  says description .
  says author .
  says alias '^pci:v00001234d000011E8'
  says vermagic "^$release "
  parameters_are_described
}

main
