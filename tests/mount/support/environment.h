// SPDX-License-Identifier: Apache-2.0
//
// The environment of a mount test: the data path, the user, the programs under test.
//
// GRABFS_DATA_PATH chooses one of three (the Bazel macro makes a target for each):
//     passthrough   root; the kernel reads the daemon's pages itself
//     cached        root with -o passthrough=off
//     user          an ordinary user with fusermount3, who cannot have passthrough
// GRABFS_BIN, GRABFS_CLI_BIN and GRABFS_BUSYBOX name the programs outside Bazel.
// GRABFS_TEST_SECONDS sets the length of soak tests.
//
// Started as root, a test program enters a mount namespace of its own, so that its mounts end with
// it. For `user` it then becomes an ordinary user for good, so that no test depends on root.
// Started by an ordinary user it stays that user, and skips the tests of the root data paths.
#pragma once

#include <chrono>
#include <string>

namespace grabfs::mount_test {

enum class DataPath { kPassthrough, kCached, kUser };

DataPath ActiveDataPath();
// What status.json must say: "passthrough" or "cached".
std::string DataPathName(DataPath path);

// The programs under test, readable and executable by whoever runs the test.
std::string DaemonPath();
std::string CliPath();
std::string ViewPath();
// The element of GStreamer, for tests that have it in their `data`.
std::string GstPluginPath();
// The static busybox, for tests that have it in their `data`.
std::string BusyboxPath();
// Makes an empty directory, which is removed with the test program.
std::string MakeScratchDirectory(const std::string& name);
// Lets an ordinary user write the report of this test program, which is in a directory of root.
// Call it before GoogleTest reads its flags.
void KeepReportWritable();
// Why the tests of this program cannot run here; empty: they can.
std::string SkipReason();
// How long one soak lasts.
std::chrono::milliseconds SoakTime();

// An ordinary account of every Debian machine, other than the one of the `user` data path.
inline constexpr unsigned kOtherUid = 1;  // daemon
inline constexpr unsigned kOtherGid = 1;

}  // namespace grabfs::mount_test
