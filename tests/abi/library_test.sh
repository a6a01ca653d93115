#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# libgrabfs as programs link with it: its symbols are those of the list and of the header, it needs
# nothing but libc, and the static library has no name that a program could have.
#
#   library_test.sh SHARED STATIC SYMBOLS HEADER
set -euo pipefail
export LC_ALL=C

readonly shared=$1 static=$2 symbols=$3 header=$4
failed=no

# Standard input is to be empty.
none() {
  local what=$1 lines
  lines=$(cat)
  [ -n "$lines" ] || return 0
  printf 'FAILED: %s:\n%s\n' "$what" "$lines"
  failed=yes
}

exported() { nm --dynamic --defined-only "$shared" | awk '$2 != "A" { print $3 }' | sort; }
declared() { grep -oE '\bgrabfs_[a-z_]+\(' <(sed '/^ \*\|^\/\*/d' "$header") | tr -d '(' | sort -u; }
dynamic() { readelf --dynamic --wide "$shared" | sed -n "s/.*($1).*\[\(.*\)\]/\1/p"; }

names_in_static() { nm --extern-only --defined-only "$static" | awk 'NF == 3 { print $3 }'; }

none "exported symbols, other than listed" < <(diff "$symbols" <(exported))
none "exported symbols, other than declared" < <(diff <(exported | sed 's/@@.*//') <(declared))
none "its name" < <(diff <(dynamic SONAME) <(echo libgrabfs.so.0))
none "libraries that it needs" < <(dynamic NEEDED | grep -vxE 'libc\.so\.6|ld-linux-.*')
none "names in the static library" < <(names_in_static | grep -v '^grabfsi\?_')
[ "$(names_in_static | wc -l)" -gt 0 ]
[ "$failed" = no ]
