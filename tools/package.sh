#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian packages grabfs, grabfs-aravis, libgrabfs0, libgrabfs-dev, python3-grabfs, gstreamer1.0-grabfs, grabfs-dkms and grabfs-doc. Needs no
# network once tools/setup.sh has run; the same sources give the same packages, byte for byte.
#
#   tools/package.sh [DIRECTORY]       default: packages, in the current folder
#
#   sudo apt install ./packages/grabfs_*.deb ./packages/grabfs-dkms_*.deb

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=lib/version.sh
. "$root/tools/lib/version.sh"

readonly programs="//cli:grabfs-cli //cli/view:grabfs-view //fusefs/main:grabfs"
readonly library="//cli/lib:libgrabfs.so.0 //cli/lib:grabfs"
readonly plugin=//cli/gst:libgstgrabfs.so
readonly aravis=//fusefs/source/aravis:source-aravis.so
readonly pages=//docs/man:pages

# The programs say which commit they are.
build() {
  # shellcheck disable=SC2086  # a list
  build_opt --stamp --embed_label="$(grabfs_commit)" $programs $library "$plugin" "$aravis" "$pages"
  bin=$(opt_bin)
}

# Lays out in the current folder what the lists in tools/debian install.
lay_out() {
  cp -r "$root/tools/debian" debian
  debian_changelog >debian/changelog
  mv debian/service .
  mkdir bin include lib man udev kmod docs
  local program
  for program in $programs; do
    program=${program#//}
    install "$bin/${program/://}" bin/
  done
  install -m 644 "$bin"/cli/lib/libgrabfs.{so.0,a} "$bin/cli/gst/libgstgrabfs.so" "$bin/fusefs/source/aravis/source-aravis.so" lib/
  sed "s|@version@|$(grabfs_version)|; s|@multiarch@|$(dpkg-architecture -qDEB_HOST_MULTIARCH)|" \
    "$root/cli/lib/libgrabfs.pc.in" >lib/libgrabfs.pc
  cp -r "$root/cli/lib/include/grabfs" include/
  mkdir -p python/grabfs
  install -m 644 "$root"/cli/python/grabfs/{*.py,py.typed} python/grabfs/
  install -m 644 "$bin"/docs/man/*.[1-8] man/
  cp -r "$root/cli/completions" .
  cp "$root/kmod/udev/60-grabdma.rules" udev/
  cp "$root"/kmod/{Kbuild,Makefile,board.mk,dkms.conf,keep_symbols.sh,*.c,*.h} kmod/
  cp -r "$root/kmod/include" "$root/kmod/uapi" kmod/
  mkdir -p kmod/example
  cp -r "$root/kmod/example/board" kmod/example/
  rm kmod/example/board/BUILD.bazel
  cp "$root/CHANGELOG.md" docs/
  cp -r "$root"/docs/*.md "$root"/docs/{decisions,examples,img} docs/
  rm docs/examples/BUILD.bazel
  # Among the other documents, whose index has its name, and not above them.
  sed 's|(docs/|(|g' "$root/README.md" >docs/overview.md
  # Permissions are those of the checkout's owner, who may have any umask.
  chmod -R u=rwX,go=rX .
}

main() {
  [ "${1:-}" != --help ] || { usage && exit; }
  local destination=${1:-packages}
  "$root/tools/setup.sh" --for package
  mkdir -p "$destination"
  destination=$(cd "$destination" && pwd)
  scratch=$(mktemp -d)
  trap 'rm -rf -- "$scratch"' EXIT
  build
  mkdir "$scratch/grabfs-$(grabfs_version)"
  cd "$scratch/grabfs-$(grabfs_version)"
  lay_out
  say "packaging"
  DEB_BUILD_OPTIONS="noautodbgsym nocheck" dpkg-buildpackage --build=binary --no-sign \
    >"$scratch/package.log" 2>&1 || {
    cat "$scratch/package.log" >&2
    die "packaging failed"
  }
  cp "$scratch"/*.deb "$destination/"
  (cd "$scratch" && printf "$destination/%s\n" *.deb)
}

main "$@"
