#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Has spin prove a model, and refute it with each of the defects that its first comment names: a proof
# that holds whatever the protocol does proves nothing.
#
#   model_test.sh MODEL.pml
set -euo pipefail

model=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Searches all states; with one argument: of the model with this defect. Prints the number of errors.
errors() {
  local folder="$work/${1:-sound}"
  mkdir "$folder"
  cp "$model" "$folder/model.pml"
  (
    cd "$folder"
    spin ${1:+"-D$1"} -a model.pml >spin.out || { cat spin.out >&2 && exit 1; }
    cc -O2 -w -DSAFETY -o search pan.c
    ./search -m1000000 >search.out
    if grep -q 'search depth too small\|out of memory\|not completed' search.out; then
      [ $# -eq 1 ] || { cat search.out >&2 && exit 1; }
    fi
    sed -n 's/^State-vector.*errors: \([0-9]*\)$/\1/p' search.out
  )
}

fail() {
  echo "$model: $1" >&2
  exit 1
}

[ "$(errors)" = 0 ] || fail 'the model is refuted'
echo "$model: proved"
defects=$(sed -n '/^ \*\/$/q; s/^ \*   \([A-Z_]*\)  .*/\1/p' "$model")
[ -n "$defects" ] || fail 'no defects are named'
for defect in $defects; do
  [ "$(errors "$defect")" = 1 ] || fail "with $defect it is not refuted"
  echo "$model: refuted with $defect"
done
