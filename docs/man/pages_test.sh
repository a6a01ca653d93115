#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Manual pages are ones to man(1) and mandoc(1) alike: no warning, a line for whatis(1), the sections
# that readers look for, and nothing left of the document's own markup.
#
# $@: the pages
set -euo pipefail

fail() {
  printf 'FAILED: %s\n' "$*"
  failed=yes
}

# Commands have an exit status and an environment, too.
sections_of() {
  printf '%s\n' NAME SYNOPSIS DESCRIPTION EXAMPLES "SEE ALSO"
  [[ $1 != *.[18] ]] || printf '%s\n' "EXIT STATUS" ENVIRONMENT
}

check() {
  local page=$1 warnings text section
  warnings=$(mandoc -T lint -W warning "$page") || fail "$page: mandoc: $warnings"
  warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings --local-file "$page" 2>&1 >/dev/null)
  [ -z "$warnings" ] || fail "$page: man: $warnings"
  lexgrog "$page" >/dev/null || fail "$page: whatis has nothing to show"
  text=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --local-file "$page")
  grep -E '\]\(|^ *```|<!--|\.md\b' <<<"$text" && fail "$page: markup is left"
  while read -r section; do
    grep --quiet --line-regexp "$section" <<<"$text" || fail "$page: no section $section"
  done < <(sections_of "$page")
  [ "$(wc -l <<<"$text")" -gt 50 ] || fail "$page: hardly anything in it"
}

failed=no
[ "$#" -gt 0 ] || fail "no pages"
for page in "$@"; do check "$page"; done
[ "$failed" = no ]
