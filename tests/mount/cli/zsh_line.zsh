#!/usr/bin/zsh -f
# SPDX-License-Identifier: Apache-2.0
# Types a line and a tab into an interactive zsh and prints what has become of the line.
#
# $1: folder with the file _grabfs; $2: the line
zmodload zsh/zpty
result=$(mktemp)
trap 'rm -f -- $result $result.done' EXIT
zpty shell zsh -f -i
# Everything that zsh echoes has to be read, or it blocks.
say() { zpty -w "$@" && sleep 0.1 && while zpty -rt shell discarded; do :; done }
say shell "PS1= ; fpath=(${(q)1} \$fpath); autoload -U compinit; compinit -D -u; setopt NO_BEEP"
say shell "report() { print -r -- \$BUFFER >$result; : >$result.done }; zle -N report; bindkey '^X' report"
say -n shell "$2"$'\t\x18'
for _ in {1..100}; do
  while zpty -rt shell discarded; do :; done
  [[ -e $result.done ]] && break
  sleep 0.1
done
cat $result
zpty -d shell
