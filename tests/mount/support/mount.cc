// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/support/mount.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/mount/support/environment.h"
#include "tests/mount/support/file.h"
#include "tests/mount/support/wait.h"

namespace grabfs::mount_test {
namespace {

// Words that only the report of a sanitizer contains.
bool IsSanitizerReport(const std::string& text) {
  return text.find("Sanitizer") != std::string::npos ||
         text.find("runtime error:") != std::string::npos;
}

std::string JoinOptions(const std::vector<std::string>& options) {
  std::string joined;
  for (const std::string& option : options) joined += (joined.empty() ? "" : ",") + option;
  return joined;
}

}  // namespace

std::vector<std::string> MountCommand(const MountSpec& spec, const std::string& mountpoint) {
  std::vector<std::string> command = {DaemonPath()};
  for (const std::string& device : spec.devices) {
    command.insert(command.end(), {"--device", device});
  }
  std::vector<std::string> options = spec.options;
  if (ActiveDataPath() == DataPath::kCached) options.emplace_back("passthrough=off");
  if (!options.empty()) command.insert(command.end(), {"-o", JoinOptions(options)});
  command.insert(command.end(), {"-f", mountpoint});
  return command;
}

bool IsMounted(const std::string& mountpoint) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string skipped;
    std::string place;
    for (int i = 0; i < 4; i++) fields >> skipped;
    fields >> place;
    if (place == mountpoint) return true;
  }
  return false;
}

void ForceUnmount(const std::string& mountpoint) {
  while (IsMounted(mountpoint)) {
    const bool done = ::geteuid() == 0 ? ::umount2(mountpoint.c_str(), MNT_DETACH) == 0
                                       : RunCommand({"fusermount3", "-uz", mountpoint}).status == 0;
    // The sentinel of a killed daemon may have unmounted it already.
    if (!done && IsMounted(mountpoint)) throw std::runtime_error("cannot unmount " + mountpoint);
  }
}

Mount::Mount(const MountSpec& spec)
    : mountpoint_(MakeScratchDirectory("mount")),
      daemon_(std::make_unique<Process>(MountCommand(spec, mountpoint_))) {
  try {
    AwaitAnswer();
  } catch (...) {
    Abandon();
    throw;
  }
}

Mount::~Mount() {
  try {
    if (daemon_) Unmount();
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
    Abandon();
  }
}

// When the daemon reports that it is mounted, its own first accesses to the mount are done.
void Mount::AwaitAnswer() {
  const bool answers = WaitUntil([this] {
    return daemon_->Poll() || (OpenError(Path("status.json"), O_RDONLY) == 0 &&
                               daemon_->err().find("mounted on") != std::string::npos);
  });
  if (answers && !daemon_->Poll()) return;
  throw std::runtime_error("grabfs does not come up: " + daemon_->err());
}

nlohmann::json Mount::Status() const {
  return nlohmann::json::parse(ReadText(Path("status.json")));
}

void Mount::Unmount() {
  daemon_->Signal(SIGTERM);
  const int status = daemon_->Wait();
  const std::string said = daemon_->err();
  EXPECT_EQ(status, 0) << said;
  EXPECT_FALSE(IsSanitizerReport(said)) << said;
  EXPECT_FALSE(IsMounted(mountpoint_)) << said;
  if (::testing::Test::HasFailure() && !said.empty()) std::fprintf(stderr, "%s\n", said.c_str());
  Abandon();
}

void Mount::Abandon() {
  daemon_.reset();
  ForceUnmount(mountpoint_);
  std::filesystem::remove(mountpoint_);
}

}  // namespace grabfs::mount_test
