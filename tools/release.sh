#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes a release of the commit that is checked out: the sources as a tarball, the Debian packages, and the
# SHA-256 sums of all. Nothing is published. The same commit gives the same bytes.
#
#   tools/release.sh [DIRECTORY]       default: release, in the current folder
#
# It wants a clean checkout, and a first heading in CHANGELOG.md for the version in fusefs/base/version.h.
# Before: tools/test.sh, tools/test.sh package distributions. After: the tag, which it prints.

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=lib/version.sh
. "$root/tools/lib/version.sh"

main() {
  [ "${1:-}" != --help ] || { usage && exit; }
  local destination=${1:-release} version
  version=$(grabfs_version)
  [ -z "$(git -C "$root" status --porcelain)" ] || die "the checkout has changes: commit or remove them"
  check_changelog
  mkdir -p "$destination"
  destination=$(cd "$destination" && pwd)
  [ -z "$(ls -A "$destination")" ] || die "$destination is not empty"
  git -C "$root" archive --prefix="grabfs-$version/" HEAD | gzip --no-name --best >"$destination/grabfs-$version.tar.gz"
  "$root/tools/package.sh" "$destination"
  (cd "$destination" && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
  say "all of it is in $destination; to mark the commit: git tag -s -m 'grabfs $version' v$version"
}

main "$@"
