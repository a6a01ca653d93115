# SPDX-License-Identifier: Apache-2.0
# Completion in fish: installed as vendor_completions.d/{grabfs,grabfs-cli,grabfs-view}.fish. The
# programs know what may stand at the cursor; no candidate means that the name of a file may.

function __grabfs_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l candidates ($words[1] --complete $words[2..-1] "$current" 2>/dev/null)
    if test (count $candidates) -gt 0
        printf '%s\n' $candidates
    else
        __fish_complete_path "$current"
    end
end

for program in grabfs grabfs-cli grabfs-view
    complete --command $program --no-files --arguments '(__grabfs_complete)'
end
