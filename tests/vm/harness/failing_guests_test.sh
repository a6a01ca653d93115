#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boots guests that misbehave, and insists that each run fails for the right reasons.
# $1: the launcher of a vm_test that passes by itself.
set -u

# The launchers below must not write over this test's own results.
unset XML_OUTPUT_FILE TEST_UNDECLARED_OUTPUTS_DIR TEST_TARGET
# They hang on purpose: nobody is to be patient with them.
unset VM_PATIENCE
log=$(mktemp)
trap 'rm -f "$log" "$log.guest"' EXIT

give_up() {
  cat "$log"
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# run_badly OPTION...: the run must fail, and tell how to repeat it.
run_badly() {
  ! "$launcher" --log "$log.guest" "$@" >"$log" 2>&1 || give_up "passed: $*"
  grep -q '^repeat: ' "$log" || give_up "did not tell how to repeat the run: $*"
}

failed_because_of() { grep -q "^failed: .*$1" "$log" || give_up "not a reason: '$1'"; }

launcher=$1

run_badly --step-timeout 10 \
  --step 'status=exit 3' --step 'signal=kill -SEGV $$' --step 'plan=echo 1..2; echo ok 1 - lonely' \
  --step 'splat=echo BUG: made up >/dev/kmsg' --step 'endless=sleep 1000'
failed_because_of 'status: status exit status 3'
failed_because_of 'signal: signal killed by signal 11'
failed_because_of 'plan: plan TAP plan of 2, but 1 results'
failed_because_of 'kernel: .*BUG: made up'
failed_because_of 'endless: endless the step ran into its time limit'

run_badly --step 'panic=echo c >/proc/sysrq-trigger'
failed_because_of 'kernel: .*Kernel panic'
failed_because_of 'silent in step panic'

run_badly --step 'quiet=reboot -f'
failed_because_of 'silent in step quiet'

run_badly --timeout 8 --step 'hang=sleep 1000'
failed_because_of 'no end after'
