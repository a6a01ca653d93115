#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Prints a document of docs/ as a manual page. The document is the one truth; what a manual page has
# and a document has not (NAME, SYNOPSIS, SEE ALSO, no links) is added here.
#
#   docs/man/render.sh DOCUMENT NAME SECTION "DESCRIPTION" "SYNOPSIS" DATE "SEE ALSO"
set -euo pipefail

readonly document=$1 name=$2 section=$3 description=$4 synopsis=$5 date=$6 see_also=$7

# Other documents that are manual pages, too.
readonly pages='s/\(mount\.md\)/ (grabfs(5))/g
  s/\(cli\.md\)/ (grabfs-cli(1))/g
  s/\(grabfs\.md\)/ (grabfs(8))/g
  s/\(libgrabfs\.md\)/ (libgrabfs(3))/g
  s/\(uapi\.md\)/ (grabdma(4))/g'

# The document without comments and title, its sections one level up; links to documents that are
# pages name those, all other links are their text.
body() {
  sed -E "/^<!--.*-->\$/d; /^!\[/d; /^# /d; s/^#(#+ )/\1/
    s/\[([^][]*)\](\([^)]*\.md\))/\1\2/g; $pages
    s/([^ ]) ?\(\.\.?\/[^)]*\.md\)/\1/g; s/([^ ])\([a-z-]+\.md\)/\1/g
    s/\[([^][]*)\]\([^)]*\)/\1/g" "$document"
}

source_text() {
  printf '# Name\n\n%s - %s\n\n# Synopsis\n\n' "$name" "$description"
  printf '    %s\n' "${synopsis//$'\n'/$'\n    '}"
  printf '\n# Description\n\n'
  body
  printf '\n# See also\n\n%s\n' "$see_also"
}

# lowdown leaves headings as they are written, sets tables for a wide screen and names a font that
# manual pages have not. .LP behind a heading does nothing.
polish() {
  awk '
    FNR == 1 { print "'"'"'\\\" t"; next }
    heading { print toupper_if($0); heading = ""; skip = 1; next }
    /^\.S[HS]$/ { printf "%s ", $0; heading = $0; next }
    skip && /^\.LP$/ { skip = 0; next }
    { skip = 0; gsub(/\\fC/, "\\fB"); sub(/^tab\(\|\) expand allbox;$/, "tab(|) allbox;") }
    /^\.TH / { print; print ".ad l"; next }
    { print }
    function toupper_if(text) { return heading == ".SH" ? toupper(text) : text }
  '
}

source_text | lowdown -s -tman --out-no-smarty -M "title=$name" -M "section=$section" \
  -M "date=$date" | polish
