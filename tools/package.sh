#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian packages grabfs, grabfs-dkms and grabfs-doc. Needs no network once tools/setup.sh
# has run; the same sources give the same packages, byte for byte.
#
#   tools/package.sh [DIRECTORY]       default: packages, in the current folder
#
#   sudo apt install ./packages/grabfs_*.deb ./packages/grabfs-dkms_*.deb

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

readonly programs="//cli:grabfs-cli //cli/view:grabfs-view //fusefs/main:grabfs"
readonly pages=//docs/man:pages

# Prints the version that the program states of itself.
version() { sed -n 's/.*kVersion\[\] = "\(.*\)";/\1/p' "$root/fusefs/base/version.h"; }

build() {
  # shellcheck disable=SC2086  # a list
  (cd "$root" && bazel build --config=opt --noshow_progress $programs "$pages") >"$scratch/build.log" 2>&1 || {
    cat "$scratch/build.log" >&2
    die "the build failed"
  }
  bin=$(cd "$root" && bazel info --config=opt bazel-bin 2>/dev/null)
}

# Lays out in the current folder what the lists in tools/debian install.
lay_out() {
  cp -r "$root/tools/debian" debian
  mv debian/service .
  mkdir bin man udev kmod docs
  local program
  for program in $programs; do
    program=${program#//}
    install "$bin/${program/://}" bin/
  done
  install -m 644 "$bin"/docs/man/*.[1-8] man/
  cp -r "$root/cli/completions" .
  cp "$root/kmod/udev/60-grabdma.rules" udev/
  cp "$root"/kmod/{Kbuild,Makefile,dkms.conf,*.c,*.h} kmod/
  cp -r "$root/kmod/uapi" kmod/
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
  mkdir "$scratch/grabfs-$(version)"
  cd "$scratch/grabfs-$(version)"
  lay_out
  [ "$(dpkg-parsechangelog --show-field Version)" = "$(version)" ] ||
    die "tools/debian/changelog and fusefs/base/version.h disagree about the version"
  DEB_BUILD_OPTIONS="noautodbgsym nocheck" dpkg-buildpackage --build=binary --no-sign \
    >"$scratch/package.log" 2>&1 || {
    cat "$scratch/package.log" >&2
    die "packaging failed"
  }
  cp "$scratch"/*.deb "$destination/"
  (cd "$scratch" && printf "$destination/%s\n" *.deb)
}

main "$@"
