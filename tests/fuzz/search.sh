#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Lets libFuzzer search for an input that breaks a promise, for a while, from the committed corpus on.
#
#   search.sh PROGRAM CORPUS
#
# GRABFS_FUZZ_SECONDS is how long (15), GRABFS_FUZZ_SEED where to begin (anywhere; it is printed).
# What breaks a promise is kept: bazel-testlogs/tests/fuzz/NAME_search/test.outputs/outputs.zip

set -euo pipefail

program=$1
corpus=$2
readonly program corpus

main() {
  local seed=${GRABFS_FUZZ_SEED:-$((RANDOM << 15 | RANDOM))} words=()
  local found=$TEST_TMPDIR/found inputs=$TEST_TMPDIR/inputs
  mkdir "$found" "$inputs"
  # The dictionary is no input.
  find -L "$corpus" -type f ! -name dictionary -exec cp -t "$inputs" {} +
  [ ! -e "$corpus/dictionary" ] || words=(-dict="$corpus/dictionary")
  echo "repeat: bazel test --config=asan --nocache_test_results" \
    "--test_env=GRABFS_FUZZ_SEED=$seed ${TEST_TARGET:-$program}"
  "$program" -seed="$seed" -max_total_time="${GRABFS_FUZZ_SECONDS:-15}" -timeout=20 \
    -rss_limit_mb=2048 -print_final_stats=1 "${words[@]}" \
    -artifact_prefix="${TEST_UNDECLARED_OUTPUTS_DIR:-$TEST_TMPDIR}/" "$found" "$inputs"
}

main
