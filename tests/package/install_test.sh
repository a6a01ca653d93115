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
# shellcheck source=../../tools/lib/chroot.sh
. "$root/tools/lib/chroot.sh"

# Beyond the least that Debian is: what the packages depend on (dpkg refuses when that is not all), and
# what they are tried with.
readonly needed=attr,dkms,fuse3,gstreamer1.0-tools,libaravis-0.8-0,libc6-dev,libgstreamer-plugins-base1.0-0,libncursesw6,libpng16-16,libtiff6,libturbojpeg0,libxcb-keysyms1,libxcb-render0,libxcb-shm0,libyuv0,linux-headers-amd64,man-db,pkg-config,python3-numpy,systemd

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
  inside sh -c 'dpkg --install /tmp/*.deb' || {
    tail --lines=20 "$system"/var/lib/dkms/grabdma/*/build/make.log
    return 1
  }
}

module_is_built() {
  inside sh -c 'dkms status grabdma | grep installed && modinfo /lib/modules/*/updates/dkms/grabdma.ko'
}

pages_are_there() {
  inside sh -c 'for page in "8 grabfs" "5 grabfs" "1 grabfs-cli" "3 libgrabfs" "4 grabdma" "8 mount.fuse.grabfs"; do
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

# As the first lines of the example say.
a_program_builds_with_the_library() {
  inside sh -e -c 'cc -o /root/brightness /usr/share/doc/grabfs/examples/brightness.c \
      $(pkg-config --cflags --libs libgrabfs)
    grabfs --device cam0=pattern,width=64,height=64,state=streaming /mnt
    /root/brightness cam0 3 | grep -c missed | grep -x 3
    umount /mnt
    rm /root/brightness'
}

# With Debian's Python and numpy.
python_has_frames() {
  inside sh -e -c 'grabfs --device cam0=pattern,format=GREY,width=64,height=48,state=streaming /mnt
    python3 -W error -c "
import grabfs
with grabfs.Camera() as cam:
    frame = cam.newest()
    assert frame.shape == (48, 64) and cam.next().sequence > frame.sequence"
    umount /mnt'
}

# A pipeline finds the element where the package has put it.
gstreamer_has_the_element() {
  inside sh -e -c 'grabfs --device cam0=pattern,width=64,height=64 /mnt
    HOME=/tmp gst-launch-1.0 grabfssrc device=cam0 num-buffers=3 ! fakesink
    umount /mnt'
}

# The source is loaded from where the package has put it; Aravis brings a camera without hardware.
aravis_is_loaded() {
  inside sh -e -c 'grabfs --device ind0=aravis:Fake_1,rate=100 /mnt
    test "$(stat -c %s "$(grabfs-cli capture ind0)")" -eq $((512 * 512))
    umount /mnt'
}

bash_completes() {
  inside bash -c '. /usr/share/bash-completion/completions/grabfs-cli
    COMP_LINE="grabfs-cli doc" COMP_POINT=14; _grabfs grabfs-cli
    test "${COMPREPLY[*]}" = doctor'
}

remove_packages() { inside dpkg --purge grabfs-doc grabfs-aravis gstreamer1.0-grabfs python3-grabfs libgrabfs-dev libgrabfs0 grabfs grabfs-dkms; }

nothing_is_left() { diff "$scratch/before" <(files); }

main() {
  enter_namespace "$@"
  failed=no
  scratch=$(mktemp -d)
  packages=$scratch/packages
  trap 'remove_system; rm -rf --one-file-system -- "$scratch"' EXIT
  check "the packages build" "$root/tools/package.sh" "$packages"
  [ "$failed" = no ] || exit 1
  check "lintian finds no error and no warning" lintian_is_content
  check "a second build gives the same packages" builds_are_the_same
  make_system "$scratch" bookworm "$needed"
  files >"$scratch/before"
  check "the packages install" install_packages
  check "DKMS has built the module" module_is_built
  check "the manual pages are there" pages_are_there
  check "systemd understands the unit" unit_is_sound
  check "mount, capture, cp, umount" mount_captures_and_unmounts
  check "a program builds with the library, and runs" a_program_builds_with_the_library
  check "Python has frames" python_has_frames
  check "GStreamer has the element" gstreamer_has_the_element
  check "the source aravis is loaded, and captures" aravis_is_loaded
  check "bash completes" bash_completes
  check "the packages go" remove_packages
  check "nothing is left" nothing_is_left
  [ "$failed" = no ]
}

main "$@"
