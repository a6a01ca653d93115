#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a test of an ordinary user's Bazel as root (bazel test --run_under=...), and leaves behind
# nothing that Bazel could not delete as that user.

status=0
sudo -n --preserve-env -- "$@" || status=$?
sudo -n chown -R -- "$(id -u):$(id -g)" "$TEST_TMPDIR" "$(dirname "$XML_OUTPUT_FILE")"
exit "$status"
