#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Calls go downward: no file of the core calls a function of one above it in the picture in grabdma.h.
# The order here is that picture's, row by row and from left to right.
set -euo pipefail

readonly order=(main board session ioctl command_device command_buffer observe
  capture queue frame output buffer file fault hold engine adapter memory account dma pages event trace)

fail() {
  printf 'FAILED: %s\n' "$*"
  failed=yes
}

# What a file defines for others, one name a line.
defines() { sed -nE 's/^([a-z_]+ )*[a-z_]+[ *]+(grabdma_[a-z_]+)\(.*/\2/p' "kmod/$1.c" | grep -v ';$' || :; }

# What it calls, or mentions outside of comments.
calls() { perl -0pe 's{/\*.*?\*/}{}gs' "kmod/$1.c" | grep -oE '\bgrabdma_[a-z_]+\(' | tr -d '(' | sort -u || :; }

failed=
declare -A rank=() owner=()
for i in "${!order[@]}"; do
  rank[${order[i]}]=$i
  while read -r name; do owner[$name]=${order[i]}; done < <(defines "${order[i]}" | sort -u)
done
for file in kmod/*.c; do
  name=$(basename "$file" .c)
  case $name in grabdma_*) continue ;; esac
  [ -n "${rank[$name]:-}" ] || fail "$name.c has no place in the picture"
done
[ "${#owner[@]}" -gt 60 ] || fail "only ${#owner[@]} functions found"

for name in "${order[@]}"; do
  while read -r called; do
    of=${owner[$called]:-}
    [ -z "$of" ] || [ "${rank[$of]}" -ge "${rank[$name]}" ] || fail "$name.c calls $called() of $of.c"
  done < <(calls "$name")
done
[ -z "$failed" ]
