#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The packages as a user meets them: built, looked at by lintian, installed in a clean Debian 12,
# tried, removed, purged, and nothing is left. `tools/test.sh package` runs it; needs root.
#
# The clean Debian is a chroot made once by debootstrap and kept in ~/.cache/grabfs; DKMS builds the
# module there for the kernel whose headers it has. No module is loaded.

# Scripts in single quotes are for shells in the chroot.
# shellcheck disable=SC2016
# shellcheck source=../../tools/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../tools/lib/common.sh"
# shellcheck source=../../tools/lib/debian_archive.sh
. "$root/tools/lib/debian_archive.sh"

# Beyond the least that Debian is: what the packages depend on (dpkg refuses when that is not all), and
# what they are tried with.
readonly include=attr,dkms,fuse3,libncursesw6,libpng16-16,libtiff6,libxcb-keysyms1,libxcb-render0,libxcb-shm0,libyuv0,linux-headers-amd64,man-db,systemd

chroot_archive=$cache/chroot-bookworm-$(cksum <<<"$include" | cut -d ' ' -f 1).tar
readonly chroot_archive

# --- The clean Debian

make_chroot_archive() {
  [ ! -e "$chroot_archive" ] || return 0
  say "making a clean Debian 12, once"
  local fresh=$scratch/fresh
  debootstrap --variant=minbase --include="$include" bookworm "$fresh" "$(debian_mirror main)" >"$scratch/debootstrap.log" 2>&1 || {
    cat "$scratch/debootstrap.log" >&2
    die "no clean Debian 12 could be made"
  }
  chroot "$fresh" apt-get clean
  # As on a system that has a kernel; DKMS brings these up to date.
  chroot "$fresh" sh -c 'cd /lib/modules && for release in *; do depmod "$release"; done'
  rm -f "$fresh/etc/fstab"
  mkdir -p "$cache"
  tar --directory "$fresh" --create --file "$chroot_archive.part" .
  mv "$chroot_archive.part" "$chroot_archive"
  rm -rf -- "$fresh"
}

# The chroot in a mount namespace of its own: what is mounted in it dies with this script.
enter_namespace() {
  [ -z "${GRABFS_IN_NAMESPACE:-}" ] || return 0
  GRABFS_IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
}

unpack_chroot() {
  system=$scratch/system
  mkdir "$system"
  tar --directory "$system" --extract --file "$chroot_archive"
  mount -t proc proc "$system/proc"
  mount -t sysfs sysfs "$system/sys"
  mount --rbind /dev "$system/dev"
}

inside() { chroot "$system" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

# Every file of the system but those of dpkg, apt, caches, logs and what others' triggers rebuild.
files() {
  (cd "$system" && find . -xdev \( -path './var/lib/dpkg' -o -path './var/cache' -o -path './var/log' \
    -o -path './var/lib/apt' -o -path './tmp' -o -path './dev' -o -path './proc' -o -path './sys' \
    -o -path './run' -o -path './etc/ld.so.cache' \) -prune -o -print | sort)
}

# --- What is checked

check() {
  local what=$1
  shift
  if "$@" >"$scratch/output" 2>&1; then
    printf 'ok      %s\n' "$what"
  else
    printf 'FAILED  %s\n' "$what"
    sed 's/^/        /' "$scratch/output"
    failed=yes
  fi
}

lintian_is_content() {
  lintian --allow-root --no-cfg --fail-on error,warning --tag-display-limit 0 "$packages"/*.deb
}

builds_are_the_same() {
  "$root/tools/package.sh" "$scratch/again" && diff --recursive "$packages" "$scratch/again"
}

install_packages() {
  cp "$packages"/*.deb "$system/tmp/"
  inside sh -c 'dpkg --install /tmp/*.deb'
}

module_is_built() {
  inside sh -c 'dkms status grabdma | grep installed && modinfo /lib/modules/*/updates/dkms/grabdma.ko'
}

pages_are_there() {
  inside sh -c 'for page in "8 grabfs" "5 grabfs" "1 grabfs-cli" "4 grabdma" "8 mount.fuse.grabfs"; do
    man --where $page || exit 1; done'
}

unit_is_sound() {
  inside systemd-analyze verify grabfs@lab.service
}

# What a user does first. The path of the frame goes through the mount helper and fstab.
mount_captures_and_unmounts() {
  echo 'sim0=pattern,width=640,height=480 /mnt fuse.grabfs noauto 0 0' >"$system/etc/fstab"
  inside sh -e -c 'mount /mnt
    grabfs-cli list
    frame=$(grabfs-cli capture sim0)
    cp "$frame" /root/kept.raw
    cmp "$frame" /root/kept.raw
    test "$(stat -c %s /root/kept.raw)" -eq $((640 * 480 * 4))
    grabfs-cli save sim0 -o /root/picture.png
    umount /mnt
    ! mountpoint --quiet /mnt
    rm /root/kept.raw /root/picture.png /etc/fstab'
}

bash_completes() {
  inside bash -c '. /usr/share/bash-completion/completions/grabfs-cli
    COMP_LINE="grabfs-cli doc" COMP_POINT=14; _grabfs grabfs-cli
    test "${COMPREPLY[*]}" = doctor'
}

remove_packages() { inside dpkg --purge grabfs-doc grabfs grabfs-dkms; }

nothing_is_left() { diff "$scratch/before" <(files); }

main() {
  [ "$(id -u)" -eq 0 ] || die "needs root, for a chroot with mounts: sudo $0"
  enter_namespace "$@"
  failed=no
  scratch=$(mktemp -d)
  packages=$scratch/packages
  trap 'umount --recursive --lazy "$scratch/system"/{mnt,proc,sys,dev} 2>/dev/null || :; rm -rf --one-file-system -- "$scratch"' EXIT
  make_chroot_archive
  check "the packages build" "$root/tools/package.sh" "$packages"
  [ "$failed" = no ] || exit 1
  check "lintian finds no error and no warning" lintian_is_content
  check "a second build gives the same packages" builds_are_the_same
  unpack_chroot
  files >"$scratch/before"
  check "the packages install" install_packages
  check "DKMS has built the module" module_is_built
  check "the manual pages are there" pages_are_there
  check "systemd understands the unit" unit_is_sound
  check "mount, capture, cp, umount" mount_captures_and_unmounts
  check "bash completes" bash_completes
  check "the packages go" remove_packages
  check "nothing is left" nothing_is_left
  [ "$failed" = no ]
}

main "$@"
