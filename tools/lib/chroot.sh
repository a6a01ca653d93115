# SPDX-License-Identifier: Apache-2.0
# Clean Debian systems to try things in, as chroots in a mount namespace of the script's own. To be sourced
# after common.sh and debian_archive.sh; needs root.
# shellcheck shell=bash disable=SC2016,SC2154  # scripts are for shells in the chroot; cache is common.sh's

# The system that make_system has made, and its path.
system=

# Goes on in a mount namespace: what is mounted in a chroot dies with the script. Takes the script's
# arguments.
enter_namespace() {
  [ "$(id -u)" -eq 0 ] || die "needs root, for a chroot with mounts: sudo $0"
  [ -z "${GRABFS_IN_NAMESPACE:-}" ] || return 0
  GRABFS_IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
}

# Makes the archive $1: the least that suite $2 is, and the packages $3, separated by commas. $4 is a
# scratch directory.
_make_archive() {
  local archive=$1 suite=$2 include=$3 fresh=$4/fresh
  say "making a clean Debian $suite, once"
  debootstrap --variant=minbase ${include:+--include="$include"} "$suite" "$fresh" \
    "$(debian_mirror main)" >"$4/debootstrap.log" 2>&1 || {
    cat "$4/debootstrap.log" >&2
    die "no clean Debian $suite could be made"
  }
  # Mirrors that lag are none of the chroot's business, if they are none of this machine's.
  apt-config dump | grep '^Acquire::Check-Valid-Until' >"$fresh/etc/apt/apt.conf.d/99grabfs" || :
  chroot "$fresh" apt-get clean
  # As on a system that has a kernel; DKMS brings these up to date.
  chroot "$fresh" sh -c 'cd /lib/modules 2>/dev/null && for release in *; do depmod "$release"; done' || :
  rm -f "$fresh/etc/fstab"
  mkdir -p "${archive%/*}"
  tar --directory "$fresh" --create --file "$archive.$$" .
  mv "$archive.$$" "$archive"
  rm -rf -- "$fresh"
}

# Makes the folder `system` in the scratch directory $1: a clean Debian, suite $2 with the packages $3. Its
# archive is kept in ~/.cache/grabfs.
make_system() {
  local scratch=$1 suite=$2 include=${3:-} archive
  archive=$cache/chroot-$suite-$(cksum <<<"$include" | cut -d ' ' -f 1).tar
  [ -e "$archive" ] || _make_archive "$archive" "$suite" "$include" "$scratch"
  system=$scratch/system
  mkdir "$system"
  tar --directory "$system" --extract --file "$archive"
  mount -t proc proc "$system/proc"
  mount -t sysfs sysfs "$system/sys"
  mount --rbind /dev "$system/dev"
}

# Ends what make_system began.
remove_system() {
  [ -n "$system" ] || return 0
  umount --recursive --lazy "$system"/{mnt,proc,sys,dev} 2>/dev/null || :
  rm -rf --one-file-system -- "$system"
}

# Calls a command in the system, with nothing of this machine's environment.
inside() {
  chroot "$system" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"
}
