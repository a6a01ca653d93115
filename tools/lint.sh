#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Checks layout and style: clang-format and clang-tidy for C++, shellcheck for scripts, links and quoted
# messages of documents. The kernel module follows the kernel's style and is checked by its own build
# (W=1, sparse).
#
#   tools/lint.sh            check
#   tools/lint.sh --quick    without clang-tidy: seconds instead of many minutes
#   tools/lint.sh --fix      the same as --quick, but clang-format changes the files

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

# Calls the command $3... with the files under the folders $1 whose names match one of the patterns $2.
with_files() {
  local folders=$1 patterns=$2 tests=() pattern -
  set -f
  shift 2
  for pattern in $patterns; do
    tests+=(-o -name "$pattern")
  done
  # shellcheck disable=SC2086  # the folders are a list
  find $folders -type f \( "${tests[@]:1}" \) -print0 | xargs -0 --no-run-if-empty "$@"
}

format() { with_files 'bazel cli fusefs tests' '*.cc *.h' clang-format "$@"; }

check_scripts() { with_files '.ci kmod tests tools' '*.sh run' shellcheck; }

check_cpp() {
  bazel build --keep_going --aspects=//bazel:lint.bzl%clang_tidy --output_groups=lint \
    //bazel/... //cli/... //fusefs/... //tests/...
}

main() {
  local failed=() tidy=yes
  cd "$root"
  case ${1:-} in
    '') format --dry-run -Werror || failed+=(clang-format) ;;
    --quick)
      tidy=no
      format --dry-run -Werror || failed+=(clang-format)
      ;;
    --fix)
      tidy=no
      format -i
      ;;
    --help) usage && exit ;;
    *) die "unknown argument '$1'" ;;
  esac
  check_scripts || failed+=(shellcheck)
  python3 "$root/tools/lib/check_docs.py" "$root" || failed+=(documents)
  [ "$tidy" = no ] || check_cpp || failed+=(clang-tidy)
  [ "${#failed[@]}" -eq 0 ] || die "not clean: ${failed[*]}"
}

main "$@"
