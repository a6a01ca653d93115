#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the harness's own tests with the machine's Python: the harness needs nothing but that.
exec python3 -B -W error "$(dirname "$0")/harness_test.py"
