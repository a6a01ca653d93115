// SPDX-License-Identifier: Apache-2.0
//
// Where a mount test runs: which data path it is about, as whom, with which daemon.
//
// GRABFS_DATA_PATH chooses one of three (the Bazel macro makes a target for each):
//     passthrough   root; the kernel reads the daemon's pages itself
//     cached        root with -o passthrough=off
//     user          an ordinary user with fusermount3, who cannot have passthrough
// GRABFS_BIN and GRABFS_CLI_BIN name the programs under test where Bazel does not;
// GRABFS_TEST_SECONDS shortens or lengthens every soak.
//
// Started as root, a test program moves into a mount namespace of its own, so that whatever it
// mounts dies with it, and for `user` it becomes an ordinary user there, for good: nothing in such
// a test can lean on a privilege that its users do not have. Started by an ordinary user it stays
// that user, and tests of the root paths are skipped.
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
// A new empty directory that goes away with the test program.
std::string MakeScratchDirectory(const std::string& name);
// Lets an ordinary user write the report of this test program, which lies where only root may look.
// Call it before GoogleTest reads its flags.
void KeepReportWritable();
// Why the tests of this program cannot run here; empty when they can.
std::string SkipReason();
// How long one soak lasts.
std::chrono::milliseconds SoakTime();

// An ordinary account of every Debian machine, other than the one of the `user` data path.
inline constexpr unsigned kOtherUid = 1;  // daemon
inline constexpr unsigned kOtherGid = 1;

}  // namespace grabfs::mount_test
