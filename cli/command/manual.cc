// SPDX-License-Identifier: Apache-2.0
#include "cli/command/manual.h"

#include <sstream>

#include "cli/command/run.h"
#include "cli/command/verb.h"

namespace grabfs::cli {
namespace {

constexpr const char* kIntroduction = R"(<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `bazel run //cli/command:manual > docs/cli.md`; a test compares the two. -->
# grabfs-cli

All that `grabfs-cli` does, it does through the files of the mount ([the mount contract](mount.md)):
a shell script can do the same. What scripts may rely on:

- **Data goes to standard output, messages to standard error.** A message is one line. With `--quiet` there are none but
  errors, and no progress bars; data is printed as ever. `--quiet` and `--mount` may stand before the verb, too.
- **`--json`** gives JSON in place of text. `list`, `info`, `get`, `umount` and `doctor` print one document;
  verbs that report as things happen (`capture`, `wait`, `each`, `save`, `record`, `hold`, `alloc`, `free`,
  `stats`, `monitor`) print one object a line. `stream` prints frames and nothing else.
- **The mount** is the one named with `--mount`, else the one in `$GRABFS_MOUNT`, else the only one
  there is. **The device** may be left out when the mount has only one. A name is looked for in all mounts; those of
  root and your own come before those of other users. A mount that does not answer within three seconds is left out.
  Files are opened within the mount only, wherever links of its daemon lead; and root works on another user's mount only
  if it is named.
- **Lost frames** are reported on standard error and make the exit status 5 when `--no-drop` or
  `stream --lossless` is asked. Without it the exit status is 1 only if not a single frame came.
- **Files are saved complete or not at all**: a saved file takes its name when it has been written. A recording
  grows under its name, and is usable however it ends: by Ctrl-C, a full disk, a device that goes. Data and index end at
  the same whole frame. Only a recording that was killed (SIGKILL) may have bytes behind the last frame of its index.

Pictures: grey formats become grey files, all others RGB; where a format has more than 8 bits a sample
the file has 16 (`bmp` and `jpg` have 8). A camera's JPEG is saved as `jpg` as it is.
YCbCr is taken as ITU-R BT.601 in studio swing and every sample is rounded to the nearest integer;
chroma samples are repeated, not interpolated. `pgm` and `ppm` force grey and RGB, `raw` is the frame
byte for byte.

## Verbs
)";

constexpr const char* kRest = R"(
## Exit status

| status | meaning |
|---|---|
| 0 | done |
| 1 | failed; the message says what, on what, and what to do |
| 2 | the command line makes no sense |
| 3 | no such device or mount, or its daemon is gone |
| 4 | time-out |
| 5 | frames were lost, and `--no-drop` or `stream --lossless` was asked |

## Environment

| variable | meaning |
|---|---|
| `GRABFS_MOUNT` | the mount point, where `--mount` does not name it |
| `NO_COLOR` | not empty: `monitor` uses no colours |
| `TERM` | the terminal that `monitor` draws on |
| `PATH` | where `grabfs` (if it is not beside grabfs-cli), `fusermount3`, web servers and the command of `each` are looked for |

## Examples

A picture of the only camera; a hundred frames, none lost; what is wrong here:

    grabfs-cli save -o picture.png
    grabfs-cli record cam0 -o run.raw -n 100 --no-drop || echo "exit status $?"
    grabfs-cli doctor
)";

}  // namespace

std::string Manual() {
  std::ostringstream text;
  text << kIntroduction;
  for (const VerbEntry* entry : Verbs()) {
    text << "\n### " << entry->name << "\n\n```\n" << VerbHelp(*entry) << "```\n";
  }
  text << kRest;
  return text.str();
}

}  // namespace grabfs::cli
