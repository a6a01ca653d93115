#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Puts the pinned release archive of libfuse where Bazel looks for downloads (--distdir).
#
# Debian's source package fuse3 carries upstream's archive unchanged, with upstream's signature, so
# the distribution's own mirror is asked first and upstream's site only when no suite has this
# version any more. Whoever delivers it, three things must agree: apt's signed package lists (or
# TLS), upstream's signature, and the SHA-256 in bazel/libfuse_version.bzl.

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=lib/debian_archive.sh
. "$root/tools/lib/debian_archive.sh"

# Debian's suites that may carry the pinned version, most likely first.
readonly suites=(sid testing)

version=$(bzl_value LIBFUSE_VERSION "$root/bazel/libfuse_version.bzl")
sha256=$(bzl_value LIBFUSE_SHA256 "$root/bazel/libfuse_version.bzl")
readonly version sha256
readonly target=$cache/distdir/fuse-$version.tar.gz

has_pinned_sha256() { [ -f "$1" ] && sha256sum --status --check <<<"$sha256  $1"; }

# Prints the Debian version of fuse3 in the opened private archive that packages our release.
debian_version() {
  private_apt apt-cache showsrc --only-source fuse3 2>/dev/null |
    sed -n "s/^Version: \(${version//./\\.}-.*\)/\1/p" | head -n 1
}

# Downloads archive and signature into the current directory from one of Debian's suites.
fetch_from_debian() {
  local suite found
  # A mirror that lags or is a snapshot will do: the release is pinned and signed by upstream.
  private_apt_options=(-o Acquire::Check-Valid-Until=false)
  for suite in "${suites[@]}"; do
    private_apt_open "$PWD/apt" "deb-src $suite" || continue
    found=$(debian_version)
    [ -n "$found" ] || continue
    say "fuse3 $found from Debian $suite"
    private_apt apt-get source --quiet=2 --download-only --only-source "fuse3=$found" >/dev/null ||
      continue
    mv "fuse3_$version.orig.tar.gz" archive
    # Debian wraps upstream's signature in OpenPGP armour.
    sed -n '/^$/,/^=/{/^$/d;/^=/d;p}' "fuse3_$version.orig.tar.gz.asc" | base64 -d >signature
    return
  done
  return 1
}

# The same from upstream, by apt's own downloader: it is always there and knows the proxies.
fetch_from_upstream() {
  local release=https://github.com/libfuse/libfuse/releases/download/fuse-$version
  say "no suite of Debian has fuse3 $version: asking upstream"
  /usr/lib/apt/apt-helper download-file "$release/fuse-$version.tar.gz" archive "SHA256:$sha256" &&
    /usr/lib/apt/apt-helper download-file "$release/fuse-$version.tar.gz.sig" signature
}

verify() {
  has_pinned_sha256 archive || die "the archive of libfuse $version has another SHA-256 than pinned"
  signify-openbsd -V -q -p "$root/bazel/third_party/libfuse.pub" -x signature -m archive ||
    die "the archive of libfuse $version does not carry upstream's signature"
}

main() {
  if has_pinned_sha256 "$target"; then
    return
  fi
  local work
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the directory of now, not of then
  trap "rm -rf -- '$work'" EXIT
  cd "$work"
  fetch_from_debian || fetch_from_upstream ||
    die "libfuse $version is nowhere to be had: put any copy of it into $target (its SHA-256 is checked)"
  verify
  mkdir -p "${target%/*}"
  mv archive "$target"
  say "libfuse $version verified: $target"
}

main "$@"
