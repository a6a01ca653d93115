# SPDX-License-Identifier: Apache-2.0
# What is released: version, commit, changes. To be sourced after common.sh.
# shellcheck shell=bash disable=SC2154  # root is common.sh's

# Prints the version that the programs state of themselves.
grabfs_version() { sed -n 's/.*kVersion\[\] = "\(.*\)";/\1/p' "$root/fusefs/base/version.h"; }

# Prints the commit, marked when the checkout differs from it; nothing where there is no git.
grabfs_commit() { git -C "$root" describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || true; }

# Prints the date of the newest release in CHANGELOG.md.
release_date() { sed -n '0,/^## /s/^## .* (\(.*\))$/\1/p' "$root/CHANGELOG.md"; }

check_changelog() {
  local heading
  heading=$(grep -m 1 '^## ' "$root/CHANGELOG.md")
  [[ $heading == "## $(grabfs_version) ("????-??-??")" ]] ||
    die "CHANGELOG.md begins with '$heading', fusefs/base/version.h says $(grabfs_version)"
}

# Prints Debian's changelog of the packages, which refers to ours.
debian_changelog() {
  check_changelog
  printf 'grabfs (%s) bookworm; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' \
    "$(grabfs_version)" "$(sed -n 's/^Maintainer: //p' "$root/tools/debian/control")" \
    "$(date --utc --rfc-email --date "$(release_date)")"
}
