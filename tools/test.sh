#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One command on a bare machine: installs what is missing, builds, runs every test, and ends with the
# sum of all of it. Exits with 1 when anything failed.
#
#   tools/test.sh                                       what CI runs: style opt root sanitizers
#   tools/test.sh CONFIGURATION...                      these:
#
#   style  clang-format and shellcheck
#   lint   the same and clang-tidy, which takes long
#   opt    all tests, virtual machines included, of what is installed, but for those that the next repeats
#   paths  the tests that mount, on the data paths on which they differ in nothing of ours
#   root   the tests that mount, once more through sudo, for an ordinary user: with FUSE passthrough
#   sanitizers  with AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer: the unit tests, and of
#          those that mount where threads meet; the next two are everything and take an hour
#   asan   unit and mount tests with AddressSanitizer and UndefinedBehaviorSanitizer, and a search
#          with libFuzzer on every parser, GRABFS_FUZZ_SECONDS each (15)
#   tsan   unit and mount tests with ThreadSanitizer
#   soak   a crowd of processes at random, half an hour on each data path, and an hour of readers by NFS
#   suites  fio and fsx on a buffer and in alloc/, beside a tmpfs; needs root, and GRABFS_XFSTESTS for fsx
#   newest  the tests in virtual machines on the newest kernel that Debian has in any suite
#   package  the .deb packages installed, tried and removed in a clean Debian 12; needs root
#   distributions  build, demo, tests and packages in clean chroots of Debian 12, 13 and sid; needs root
#
# How long each takes, and when it was last run with which outcome: docs/testing.md.
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
# What has no threads gains nothing from ThreadSanitizer.
readonly without_threads=(
  -//tests/unit/{cli,command,picture}/...
  //tests/unit/cli/{base:worker_pool,save:output_file,verbs:capture,verbs:look,verbs:save}_test
)

is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs tests in the configuration $1, with Bazel's options and targets $2 and following, and remembers
# where the outcome is told.
run_tests() {
  local name=$1 begin=$SECONDS
  shift
  say "tests: $name"
  # A second attempt, for which the summary names the test, until ten runs in a row have needed none.
  bazel test --keep_going --flaky_test_attempts=2 --build_event_json_file="$events/$name.json" "$@" ||
    failed+=("$name")
  runs+=("$name=$((SECONDS - begin))=$events/$name.json")
}

# Calls a script, $2 and following, as the configuration $1.
run_script() {
  local name=$1 begin=$SECONDS outcome=passed
  shift
  say "$name"
  "$@" || outcome=failed
  [ "$outcome" = passed ] || failed+=("$name")
  runs+=("$name=$((SECONDS - begin))=$outcome")
}

# Who is not root has no other data path than the one that repeats.
run_tests_of_each_run() {
  local left_out=()
  ! is_root || left_out=(--{build,test}_tag_filters=-not-each-run)
  run_tests opt --config=opt "${left_out[@]}" //...
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

# `manual` keeps these tests out of patterns, so they are named.
run_tests_on_newest() {
  local targets
  mapfile -t targets < <(bazel query --noshow_progress \
    'attr(tags, kernel-newest, tests(//tests/vm/... + //kmod/selftest/...)) except attr(tags, interactive, //tests/vm/...)')
  [ "${#targets[@]}" -gt 0 ] || die "there are no tests for the newest kernel"
  run_tests newest --config=opt "${targets[@]}"
}

run() {
  local name
  for name in "$@"; do
    case $name in
      style) run_script style "$root/tools/lint.sh" --quick ;;
      lint) run_script lint "$root/tools/lint.sh" ;;
      opt) run_tests_of_each_run ;;
      tsan) run_tests tsan --config=tsan //... ;;
      asan) run_tests asan --config=asan //... //tests/fuzz:search ;;
      root) run_tests_as_root ;;
      sanitizers)
        run_tests asan-part --config=asan "${sanitized[@]}"
        run_tests tsan-part --config=tsan -- "${sanitized[@]}" "${without_threads[@]}"
        ;;
      soak)
        run_tests soak --config=opt --nocache_test_results --flaky_test_attempts=1 --local_test_jobs=1 \
          --test_timeout=7200 --test_env=GRABFS_TEST_SECONDS=600 //tests/mount:soak_test
        run_tests soak-nfs --config=opt --nocache_test_results --flaky_test_attempts=1 \
          --test_timeout=7200 --test_env=GRABFS_TEST_SECONDS=3600 //tests/vm:nfs_6_12
        ;;
      newest) run_tests_on_newest ;;
      paths) run_tests paths --config=opt --build_tests_only --test_tag_filters=not-each-run //tests/mount/... ;;
      distributions) run_script distributions as_root "$root/tools/distributions.sh" ;;
      suites)
        run_script suites as_root env "GRABFS_XFSTESTS=${GRABFS_XFSTESTS:-}" "$root/tests/suites/run.sh"
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
