#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the debug guest kernel, and runs the VM tests on it.
#
#   tools/debug-kernel.sh            builds it, if it is not there yet
#   tools/debug-kernel.sh --test     builds it, then runs all VM tests on it, for about an hour;
#                                    further arguments go to `bazel test`
#   tools/debug-kernel.sh --races [--test]
#                                    the same with KCSAN instead of KASAN: a kernel of its own, on which
#                                    the tests of the module run
#
# It is Debian's 6.12 source with the options of tests/vm/debug-kernel.config: KASAN, lockdep, DMA-API
# debugging, kmemleak and more. It lies beside the stock kernels and looks like one of them, so that
# the same tests run on it. Building takes 12 minutes of one core and 2.5 GB in ~/.cache/grabfs.
#
# JOBS=N builds with N processes (default: as many as there are processors).

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=lib/debian_archive.sh
. "$root/tools/lib/debian_archive.sh"
# shellcheck source=lib/bazelrc_local.sh
. "$root/tools/lib/bazelrc_local.sh"

readonly series=6.12
readonly config_dir=$root/tests/vm
name=debug # of the kernel

# Prints the options: those of debug-kernel.config, less those that the other kernel has otherwise.
options() {
  local changes=$config_dir/$name-kernel.config
  if [ "$name" != debug ]; then
    grep --invert-match --extended-regexp --word-regexp \
      "$(sed --quiet --regexp-extended 's/^(# )?(CONFIG_[A-Z0-9_]+)[ =].*/\2/p' "$changes" |
        paste --serial --delimiters='|')" "$config_dir/debug-kernel.config"
  fi
  cat "$changes"
}

# The kernel is up to date when it was built with this configuration.
is_present() { options | cmp --quiet - "$cache/kernels/$name/built-with.config"; }

# Unpacks the newest source of the series into the current directory.
fetch_source() {
  private_apt_open "$PWD/apt" "deb bookworm-backports" "deb bookworm-security"
  private_apt apt-get download --quiet=2 "linux-source-$series"
  dpkg-deb --extract linux-source-*.deb unpacked
  tar --extract --file="unpacked/usr/src/linux-source-$series.tar.xz" --strip-components=1 \
    --one-top-level=source
  rm -rf -- apt unpacked linux-source-*.deb
}

# Kconfig drops what it cannot grant without a word; here that is an error.
configure() {
  options >built-with.config
  KCONFIG_ALLCONFIG=$PWD/built-with.config make --silent -C source allnoconfig
  local dropped
  dropped=$(grep '^CONFIG' built-with.config | grep --invert-match --line-regexp --file=source/.config) ||
    return 0
  die "Kconfig did not grant: ${dropped//$'\n'/, }"
}

# `modules` is empty in this configuration, but writes the symbol versions that our module needs.
build() {
  nice make --silent -C source --jobs="${JOBS:-$(nproc)}" bzImage modules modules_prepare
}

# Lays it out as tools/fetch-kernels.sh does.
name_parts() {
  local release
  release=$(make --silent -C source kernelrelease)
  mkdir -p "lib/modules/$release" boot
  cp source/arch/x86/boot/bzImage "boot/vmlinuz-$release"
  cp source/modules.builtin source/modules.builtin.modinfo source/modules.order \
    "lib/modules/$release/"
  ln -s "boot/vmlinuz-$release" vmlinuz
  ln -s "lib/modules/$release" modules
  ln -s source headers
  /sbin/depmod -b . "$release"
  printf '%s\n' "$release" >release
}

# Built aside and moved when complete, so that an interrupted build leaves nothing that looks ready.
make_kernel() {
  mkdir -p "$cache/kernels"
  work=$(mktemp -d "$cache/kernels/.$name.XXXXXX")
  trap 'rm -rf -- "$work"' EXIT
  cd "$work"
  say "fetching the source of Linux $series"
  fetch_source
  say "building (12 minutes of one core)"
  configure
  build
  name_parts
  rm -rf -- "$cache/kernels/${name:?}"
  mv "$work" "$cache/kernels/$name"
  cd "$root"
}

# Tests for the debug kernel run on whichever kernel Bazel is told that is.
run_tests() {
  local all='tests(//tests/vm/... + //kmod/selftest/...)' targets kernel=$cache/kernels/$name
  local machine=()
  if [ "$name" != debug ]; then
    all='tests(//kmod/selftest/...) + set(//tests/vm:walk_debug //tests/vm:lifetime_debug //tests/vm:abi_debug)'
    machine=(--test_arg=--cpus=2) # one processor races with nobody
  fi
  cd "$root"
  mapfile -t targets < <(bazel query --noshow_progress \
    "attr(tags, kernel-debug, $all) except attr(tags, interactive, $all)")
  [ "${#targets[@]}" -gt 0 ] || die "there are no tests for the debug kernel"
  exec bazel test --config=opt --keep_going \
    "--repo_env=GRABFS_KERNEL_debug=$(<"$kernel/release"):$kernel" "${machine[@]}" "$@" "${targets[@]}"
}

main() {
  if [ "${1:-}" = --races ]; then
    name=kcsan
    shift
  fi
  case ${1:-} in
    '' | --test) ;;
    *) die "usage: tools/debug-kernel.sh [--races] [--test [BAZEL-OPTIONS]]" ;;
  esac
  "$root/tools/setup.sh" --for vm
  if ! is_present; then
    make_kernel
    write_bazelrc_local
  fi
  say "the kernel is in $cache/kernels/$name"
  if [ "${1:-}" = --test ]; then
    shift
    run_tests "$@"
  fi
}

main "$@"
