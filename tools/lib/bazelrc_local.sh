# SPDX-License-Identifier: Apache-2.0
# Tells Bazel where this machine keeps what was fetched for it. To be sourced after common.sh.
# shellcheck shell=bash disable=SC2154  # root and cache are common.sh's

# Prints an option for every command that loads repositories; `common` would reach commands that
# do not know the option and fail.
_for_loading_commands() {
  local command
  for command in build fetch query; do
    printf '%s %s\n' "$command" "$1"
  done
}

# Prints the options: the downloads, the busybox of the virtual machines, and each kernel with its release, so that Bazel looks again
# when the kernel is another one.
_local_options() {
  local kernel
  _for_loading_commands "--distdir=$cache/distdir"
  _for_loading_commands "--repo_env=GRABFS_BUSYBOX=$cache/busybox"
  for kernel in "$cache"/kernels/*/; do
    [ -f "$kernel/release" ] || continue
    kernel=${kernel%/}
    _for_loading_commands \
      "--repo_env=GRABFS_KERNEL_$(basename "$kernel" | tr . _)=$(<"$kernel/release"):$kernel"
  done
}

# Modules that Bazel's own tools name, that Debian does not package, and that nothing of ours uses.
readonly _unpackaged_modules="apple_support buildozer protobuf zlib"

# Prints the options by which Debian's Bazel 7 and later read MODULE.bazel without a network: /etc/bazel/bazelrc
# tells them where the packaged modules are, empty ones stand in for the rest. Another Bazel asks its registry.
_module_options() {
  local module stub
  [ -f /etc/bazel/bazelrc ] && grep -q override_module /etc/bazel/bazelrc || return 0
  printf 'common --enable_bzlmod --noenable_workspace --lockfile_mode=off\n'
  for module in $_unpackaged_modules; do
    stub=$cache/modules/$module
    mkdir -p "$stub"
    printf 'module(name = "%s")\n' "$module" >"$stub/MODULE.bazel"
    : >"$stub/BUILD.bazel"
    printf 'common --override_module=%s=%s\n' "$module" "$stub"
  done
}

# Writes .bazelrc.local, which .bazelrc imports.
write_bazelrc_local() {
  {
    printf '# Written by tools/setup.sh; lost at its next run.\n'
    _local_options
    _module_options
  } >"$root/.bazelrc.local"
}
