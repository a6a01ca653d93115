#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# grabfs on other Debians than this one: in a clean chroot of each, a copy of the checkout is built, toured
# by tools/demo.sh and tested (unit tests, and the mount), its packages are made, installed, used and removed.
# `tools/test.sh distributions` calls this; needs root, a network, and an hour for each.
#
#   tools/distributions.sh [SUITE]...        default: bookworm trixie sid
#
# GRABFS_DISTRIBUTION_TESTS="//tests/unit/..." tests these targets instead; empty: none.

# Scripts in single quotes are for shells in the chroot.
# shellcheck disable=SC2016
# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=lib/debian_archive.sh
. "$root/tools/lib/debian_archive.sh"
# shellcheck source=lib/chroot.sh
. "$root/tools/lib/chroot.sh"

readonly tests=${GRABFS_DISTRIBUTION_TESTS-//tests/unit/... //tests/mount/...}

# Copies the checkout, as it is, and the downloads that are the same everywhere.
copy_checkout() {
  mkdir -p "$system/src" "$system/root/.cache/grabfs"
  (cd "$root" && git ls-files -z --cached --others --exclude-standard |
    tar --create --null --files-from=- --ignore-failed-read) | tar --directory "$system/src" --extract
  [ ! -d "$cache/distdir" ] || cp -r "$cache/distdir" "$system/root/.cache/grabfs/"
  cp --dereference /etc/resolv.conf "$system/etc/"
}

# One step in the system: what it says is kept for the case that it fails.
step() {
  local what=$1 begin=$SECONDS
  shift
  if inside sh -e -c "cd /src && $*" >"$scratch/step.log" 2>&1; then
    printf 'ok      %s: %s (%d s)\n' "$suite" "$what" $((SECONDS - begin))
  else
    printf 'FAILED  %s: %s\n' "$suite" "$what"
    sed 's/^/        /' "$scratch/step.log"
    return 1
  fi
}

try_packages() {
  step "packages are made" 'tools/package.sh /tmp/packages' &&
    step "packages install" 'apt-get -q -y install /tmp/packages/grabfs_*.deb' &&
    step "packages work" 'grabfs --device sim0=pattern,width=640,height=480 /mnt
      frame=$(grabfs-cli capture sim0); cp "$frame" /tmp/kept.raw; cmp "$frame" /tmp/kept.raw
      grabfs-cli set sim0 rate=5; umount /mnt' &&
    step "packages go" 'dpkg --purge grabfs; ! command -v grabfs'
}

try_suite() {
  make_system "$scratch" "$suite"
  copy_checkout
  # Bazel's server ends with the step that it was started for; another would find it gone.
  inside sh -c 'printf "startup --max_idle_secs=5\n" >/root/.bazelrc'
  step "package lists" 'apt-get -q update' &&
    step "tools/demo.sh" tools/demo.sh &&
    { [ -z "$tests" ] || step "tests" "tools/setup.sh && bazel test --config=opt $tests"; } &&
    try_packages
}

clean_up() {
  remove_system
  rm -rf --one-file-system -- "${scratch:?}"
}

main() {
  [ "${1:-}" != --help ] || { usage && exit; }
  enter_namespace "$@"
  local failed=() suite
  trap clean_up EXIT
  [ "$#" -gt 0 ] || set -- bookworm trixie sid
  for suite in "$@"; do
    scratch=$(mktemp -d)
    try_suite || failed+=("$suite")
    clean_up
  done
  [ "${#failed[@]}" -eq 0 ] || die "not clean: ${failed[*]}"
}

main "$@"
