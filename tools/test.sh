#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One command on a bare machine: installs what is missing, builds, runs every test, and ends with the
# sum of all of it. Exits with 1 when anything failed.
#
#   tools/test.sh                                       what CI runs: style opt root sanitizers
#   tools/test.sh [style|lint|opt|root|sanitizers|asan|tsan|package]...  these
#
#   style  clang-format and shellcheck
#   lint   the same and clang-tidy, which takes long
#   opt    all tests, virtual machines included, of what is installed
#   root   the tests that mount, once more through sudo, for an ordinary user: with FUSE passthrough
#   sanitizers  with AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer: the unit tests, and of
#          those that mount where threads meet; the next two are everything and take an hour
#   asan   unit and mount tests with AddressSanitizer and UndefinedBehaviorSanitizer, and a search
#          with libFuzzer on every parser, GRABFS_FUZZ_SECONDS each (15)
#   tsan   unit and mount tests with ThreadSanitizer
#   package  the .deb packages installed, tried and removed in a clean Debian 12; needs root
#
# GRABFS_SKIP_KERNELS="6.12" goes without the virtual machines of the kernels it names.

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

# What each run sees under sanitizers: of the mount tests where threads meet, and memory that others may
# hold.
readonly sanitized=(
  //tests/unit/...
  //tests/mount:{alloc_capture,buffers,crowd,events,hold,hostile,output,pictures,stream}_test
)

is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs tests in the configuration $1, with Bazel's options and targets $2 and following, and remembers
# where the outcome is told.
run_tests() {
  local name=$1
  shift
  say "tests: $name"
  runs+=("$name=$events/$name.json")
  # A second attempt, for which the summary names the test: machines that are shared stall at times.
  bazel test --keep_going --flaky_test_attempts=2 --build_event_json_file="$events/$name.json" "$@" ||
    failed+=("$name")
}

# Calls a script, $2 and following, as the configuration $1.
run_script() {
  local name=$1
  shift
  say "$name"
  if "$@"; then
    runs+=("$name=passed")
  else
    runs+=("$name=failed")
    failed+=("$name")
  fi
}

# The outcome is never taken from a run without privilege. Tests have no terminal on which sudo
# could ask for a password.
run_tests_as_root() {
  if is_root; then
    say "root: the other configurations are root's already"
  elif sudo -n true; then
    run_tests root --config=opt --build_tests_only --nocache_test_results \
      --run_under="$root/tools/lib/run_as_root.sh" //tests/mount/...
  else
    say "root: not run, because sudo wants a password; 'sudo tools/test.sh opt' does the same"
  fi
}

run() {
  local name
  for name in "$@"; do
    case $name in
      style) run_script style "$root/tools/lint.sh" --quick ;;
      lint) run_script lint "$root/tools/lint.sh" ;;
      opt | tsan) run_tests "$name" "--config=$name" //... ;;
      asan) run_tests asan --config=asan //... //tests/fuzz:search ;;
      root) run_tests_as_root ;;
      sanitizers)
        run_tests asan-part --config=asan "${sanitized[@]}"
        run_tests tsan-part --config=tsan "${sanitized[@]}"
        ;;
      package) run_script package as_root "$root/tests/package/install_test.sh" ;;
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
  [ "$#" -gt 0 ] || set -- style opt root sanitizers
  run "$@"
  # The summary stands last, whatever went before it.
  [ "${#failed[@]}" -eq 0 ] || say "not clean: ${failed[*]}"
  [ "${#runs[@]}" -eq 0 ] || python3 "$root/tools/lib/test_summary.py" "${runs[@]}"
  [ "${#failed[@]}" -eq 0 ]
}

main "$@"
