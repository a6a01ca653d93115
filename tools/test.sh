#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One command on a bare machine: installs what is missing, builds, runs every test, and ends with the
# sum of all of it. Exits with 1 when anything failed.
#
#   tools/test.sh                         every test: opt, and root for an ordinary user
#   tools/test.sh [lint|opt|root|asan|tsan]...    these; the second configuration is: lint asan tsan
#
#   lint   clang-format, clang-tidy, shellcheck
#   opt    all tests, virtual machines included, as they are installed
#   root   the tests that mount, once more through sudo, for an ordinary user: with FUSE passthrough
#   asan   unit and mount tests with AddressSanitizer and UndefinedBehaviorSanitizer
#   tsan   the same with ThreadSanitizer
#
# GRABFS_SKIP_KERNELS="6.12" goes without the virtual machines of the kernels it names.

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs the tests $2 in the configuration $1 with Bazel's options $3 and following, and remembers where
# the outcome is told.
run_tests() {
  local name=$1 tests=$2
  shift 2
  say "tests: $name"
  runs+=("$name=$events/$name.json")
  bazel test --keep_going "$@" --build_event_json_file="$events/$name.json" "$tests" ||
    failed+=("$name")
}

# The outcome is never taken from a run without privilege. Tests have no terminal on which sudo
# could ask for a password.
run_tests_as_root() {
  if is_root; then
    say "root: the other configurations are root's already"
  elif sudo -n true; then
    run_tests root //tests/mount/... --config=opt --build_tests_only --nocache_test_results \
      --run_under="$root/tools/lib/run_as_root.sh"
  else
    say "root: not run, because sudo wants a password; 'sudo tools/test.sh opt' does the same"
  fi
}

run() {
  local name
  for name in "$@"; do
    case $name in
      lint) "$root/tools/lint.sh" || failed+=(lint) ;;
      opt | asan | tsan) run_tests "$name" //... "--config=$name" ;;
      root) run_tests_as_root ;;
      *) die "no configuration '$name'; --help tells them" ;;
    esac
  done
}

main() {
  local failed=() runs=()
  [ "${1:-}" != --help ] || { usage && exit; }
  "$root/tools/setup.sh"
  cd "$root"
  events=$(mktemp -d)
  trap 'rm -rf -- "$events"' EXIT
  if [ "$#" -gt 0 ]; then
    run "$@"
  else
    if is_root; then run opt; else run opt root; fi
    say "beyond these there are style and sanitizers: tools/test.sh lint asan tsan"
  fi
  # The summary stands last, whatever went before it.
  [ "${#failed[@]}" -eq 0 ] || say "not clean: ${failed[*]}"
  if [ "${#runs[@]}" -gt 0 ]; then
    python3 "$root/tools/lib/test_summary.py" "${runs[@]}" || exit 1
  fi
  [ "${#failed[@]}" -eq 0 ]
}

main "$@"
