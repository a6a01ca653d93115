#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Checks layout and style: clang-format and clang-tidy for C++, shellcheck for scripts. The kernel
# module follows the kernel's style and is checked by its own build (W=1, sparse).
#
#   tools/lint.sh          check
#   tools/lint.sh --fix    let clang-format change the files

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

# Prints, NUL-terminated, the files of the project that match the patterns, new ones included.
project_files() {
  git ls-files -z --cached --others --exclude-standard -- "$@" |
    while IFS= read -r -d '' file; do
      [ ! -f "$file" ] || printf '%s\0' "$file"
    done
}

format() {
  project_files 'bazel/*.cc' 'cli/*.cc' 'cli/*.h' 'fusefs/*.cc' 'fusefs/*.h' 'tests/*.cc' 'tests/*.h' |
    xargs -0 --no-run-if-empty clang-format "$@"
}

check_scripts() { project_files '*.sh' .ci/run | xargs -0 shellcheck; }

check_cpp() {
  bazel build --keep_going --aspects=//bazel:lint.bzl%clang_tidy --output_groups=lint \
    //bazel/... //cli/... //fusefs/... //tests/...
}

main() {
  local failed=()
  cd "$root"
  case ${1:-} in
    '') format --dry-run -Werror || failed+=(clang-format) ;;
    --fix) format -i ;;
    --help) usage && exit ;;
    *) die "unknown argument '$1'" ;;
  esac
  check_scripts || failed+=(shellcheck)
  check_cpp || failed+=(clang-tidy)
  [ "${#failed[@]}" -eq 0 ] || die "not clean: ${failed[*]}"
}

main "$@"
