// SPDX-License-Identifier: Apache-2.0
//
// The source `exec:PROGRAM`: frames of a program that writes YUV4MPEG2 to its standard output
// (ffmpeg, rpicam-vid, a simulator). It runs while the device captures.
//
//     waiting ──launch──▶ running ──ended, failed──▶ ending ──gone──▶ waiting (restart=)
//
// The program is the administrator's choice and gets no rights of the daemon (keeper.h). What it
// writes is not trusted.
#pragma once

#include <memory>

#include "fusefs/source/source.h"

namespace grabfs {

// `spec.argument` is the program, an executable file without arguments. Takes user, restart,
// timeout, format, width and height out of the options. Unless the last three are all given, it
// runs the program once to see which frames it makes. Throws Error: EPERM for a file that others
// can change; EINVAL, ENOENT, EACCES, EIO with the last words of a program that makes no frames.
std::unique_ptr<Source> MakeExec(SourceSpec& spec);

}  // namespace grabfs
