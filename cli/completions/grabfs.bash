# SPDX-License-Identifier: Apache-2.0
# Completion in bash: `. cli/completions/grabfs.bash`, or installed as
# /usr/share/bash-completion/completions/{grabfs,grabfs-cli,grabfs-view}. The programs know what may
# stand at the cursor; no candidate means that the name of a file may.
# shellcheck shell=bash

_grabfs() {
  local words candidate head
  # The line up to the cursor, in words of our own: bash would break them at = and : as well. A blank
  # behind a backslash is part of its word.
  # shellcheck disable=SC2162
  read -a words <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} != *[!\\]' ' ]] || words+=('')
  head=${words[-1]%"${words[-1]##*[=:]}"}
  COMPREPLY=()
  while IFS=$'\t' read -r candidate _; do
    # Readline puts what it is given behind the last = or : of the word.
    candidate=${candidate#"$head"}
    # Entries of menus are a driver's words, and names may be those of another user's mount: nothing in
    # them may mean something to the shell. A comma does not.
    [[ -z $candidate ]] || printf -v candidate %q "$candidate"
    COMPREPLY+=("${candidate//\\,/,}")
  done < <("$1" --complete "${words[@]:1}" 2>/dev/null)
  # A word that goes on gets no blank.
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:,] ]]; then
    compopt -o nospace 2>/dev/null || :
  fi
}
complete -o bashdefault -o default -F _grabfs grabfs grabfs-cli grabfs-view
