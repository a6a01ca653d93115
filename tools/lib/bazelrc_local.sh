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

# Prints the options: the downloads, and each kernel with its release, so that Bazel looks again
# when the kernel is another one.
_local_options() {
  local kernel
  _for_loading_commands "--distdir=$cache/distdir"
  for kernel in "$cache"/kernels/*/; do
    [ -f "$kernel/release" ] || continue
    kernel=${kernel%/}
    _for_loading_commands \
      "--repo_env=GRABFS_KERNEL_$(basename "$kernel" | tr . _)=$(<"$kernel/release"):$kernel"
  done
}

# Writes .bazelrc.local, which .bazelrc imports.
write_bazelrc_local() {
  {
    printf '# Written by tools/setup.sh; lost at its next run.\n'
    _local_options
  } >"$root/.bazelrc.local"
}
