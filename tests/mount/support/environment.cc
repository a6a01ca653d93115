// SPDX-License-Identifier: Apache-2.0
//
// Sets up the namespace and the user before the first test; linked into every mount test, with
// GoogleTest's own main().
#include "tests/mount/support/environment.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::mount_test {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kUserUid = 65534;  // nobody
constexpr gid_t kUserGid = 65534;
constexpr mode_t kEverybody = 0666;
// A directory of every Debian machine; the test mounts over it, in its own namespace only.
constexpr const char* kScratchRoot = "/mnt";

struct State {
  std::string daemon;
  std::string cli;
  std::string view;
  std::string scratch;
  std::string skip_reason;
  bool started = false;
};

State& TheState() {
  static State state;
  return state;
}

std::string EnvironmentOr(const char* name, const std::string& fallback) {
  const char* value = std::getenv(name);
  return value ? value : fallback;
}

void Mount(const char* source, const std::string& target, const char* type, unsigned long flags) {
  CheckSyscall(::mount(source, target.c_str(), type, flags, nullptr), "mount " + target);
}

// An empty file to bind something on.
void Touch(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  CheckSyscall(fd.get(), "create " + path);
}

void EnterMountNamespace() {
  CheckSyscall(::unshare(CLONE_NEWNS), "unshare");
  Mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE);
  Mount("scratch", kScratchRoot, "tmpfs", MS_NOSUID);
  CheckSyscall(::chmod(kScratchRoot, 01777), "chmod scratch");
  // systemd mounts it on every machine, containers go without. Only with it can the connection of
  // an ordinary user's killed daemon be ended that hangs in the kernel.
  (void)::mount("fusectl", "/sys/fs/fuse/connections", "fusectl", 0, nullptr);
}

// A program of the build: named by the environment, else where Bazel puts it.
std::string FindProgram(const char* variable, const std::string& runfile) {
  if (const char* named = std::getenv(variable)) return fs::absolute(named);
  const char* runfiles = std::getenv("TEST_SRCDIR");
  if (!runfiles) return fs::absolute("bazel-bin/" + runfile);
  return fs::path(runfiles) / EnvironmentOr("TEST_WORKSPACE", "grabfs") / runfile;
}

// A program may lie where an ordinary user cannot look (/root); a bind mount brings it here.
std::string BindProgram(const std::string& program) {
  if (!fs::exists(program)) return program;
  const std::string place = std::string(kScratchRoot) + "/" + fs::path(program).filename().string();
  Touch(place);
  Mount(program.c_str(), place, nullptr, MS_BIND);
  return place;
}

// Many machines open /dev/fuse to everybody, some to root only. Users are entitled to it here.
void OpenFuseDeviceToEverybody() {
  const std::string node = std::string(kScratchRoot) + "/fuse";
  CheckSyscall(::mknod(node.c_str(), S_IFCHR | kEverybody, makedev(10, 229)), "mknod fuse");
  CheckSyscall(::chmod(node.c_str(), kEverybody), "chmod fuse");
  Mount(node.c_str(), "/dev/fuse", nullptr, MS_BIND);
}

void BecomeOrdinaryUser() {
  CheckSyscall(::setgroups(0, nullptr), "setgroups");
  CheckSyscall(::setresgid(kUserGid, kUserGid, kUserGid), "setresgid");
  CheckSyscall(::setresuid(kUserUid, kUserUid, kUserUid), "setresuid");
  // A change of user hides /proc/self from its owner; tests look at their own mappings there.
  CheckSyscall(::prctl(PR_SET_DUMPABLE, 1), "prctl");
  CheckSyscall(::setenv("HOME", kScratchRoot, 1), "setenv");
}

std::string KernelLacks(DataPath path) {
  utsname name{};
  CheckSyscall(::uname(&name), "uname");
  int major = 0;
  int minor = 0;
  if (std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return "";
  const bool has_passthrough = major > 6 || (major == 6 && minor >= 9);
  if (path != DataPath::kPassthrough || has_passthrough) return "";
  return std::string("kernel ") + name.release + " has no FUSE passthrough (needs 6.9)";
}

class MountEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    // --gtest_repeat sets up again; the namespace and the user are still right.
    State& state = TheState();
    if (std::exchange(state.started, true)) return;
    state.daemon = FindProgram("GRABFS_BIN", "fusefs/main/grabfs");
    state.cli = FindProgram("GRABFS_CLI_BIN", "cli/grabfs-cli");
    state.view = FindProgram("GRABFS_VIEW_BIN", "cli/view/grabfs-view");
    if (::access("/dev/fuse", F_OK) != 0) throw std::runtime_error("there is no /dev/fuse");
    if (::geteuid() == 0) {
      SetUpAsRoot(state);
    } else {
      SetUpAsUser(state);
    }
  }

  void TearDown() override {
    if (::geteuid() != 0 && !TheState().scratch.empty()) {
      std::error_code ignored;
      fs::remove_all(TheState().scratch, ignored);
    }
  }

 private:
  static void SetUpAsRoot(State& state) {
    EnterMountNamespace();
    state.daemon = BindProgram(state.daemon);
    state.cli = BindProgram(state.cli);
    state.view = BindProgram(state.view);
    OpenFuseDeviceToEverybody();
    state.scratch = kScratchRoot;
    state.skip_reason = KernelLacks(ActiveDataPath());
    if (ActiveDataPath() == DataPath::kUser) BecomeOrdinaryUser();
  }

  static void SetUpAsUser(State& state) {
    std::string place = (fs::temp_directory_path() / "grabfs-test-XXXXXX").string();
    if (!::mkdtemp(place.data())) ThrowErrno("mkdtemp " + place);
    state.scratch = place;
    if (ActiveDataPath() != DataPath::kUser) state.skip_reason = "needs root";
  }
};

[[maybe_unused]] const ::testing::Environment* const kRegistered =
    ::testing::AddGlobalTestEnvironment(new MountEnvironment);

}  // namespace

DataPath ActiveDataPath() {
  const std::string name = EnvironmentOr("GRABFS_DATA_PATH", "user");
  if (name == "passthrough") return DataPath::kPassthrough;
  if (name == "cached") return DataPath::kCached;
  if (name == "user") return DataPath::kUser;
  throw std::runtime_error("GRABFS_DATA_PATH=" + name + ": not passthrough, cached or user");
}

std::string DataPathName(DataPath path) {
  return path == DataPath::kPassthrough ? "passthrough" : "cached";
}

std::string DaemonPath() { return TheState().daemon; }

std::string CliPath() { return TheState().cli; }

std::string ViewPath() { return TheState().view; }

std::string GstPluginPath() { return FindProgram("GRABFS_GST_PLUGIN", "cli/gst/libgstgrabfs.so"); }

std::string BusyboxPath() { return FindProgram("GRABFS_BUSYBOX", "../busybox/bin/busybox"); }

std::string MakeScratchDirectory(const std::string& name) {
  static int count = 0;
  const std::string path = TheState().scratch + "/" + name + "-" + std::to_string(::getpid()) +
                           "-" + std::to_string(count++);
  fs::create_directory(path);
  return path;
}

void KeepReportWritable() {
  const char* report = std::getenv("XML_OUTPUT_FILE");
  if (!report || ::geteuid() != 0 || ActiveDataPath() != DataPath::kUser) return;
  // Kept open for the life of the process: an open file can be found without its directories.
  const int fd = ::open(report, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  CheckSyscall(fd, std::string("create ") + report);
  CheckSyscall(::fchown(fd, kUserUid, kUserGid), std::string("chown ") + report);
  GTEST_FLAG_SET(output, "xml:/proc/self/fd/" + std::to_string(fd));
  // The mark of a test that ended too early could not be removed again.
  ::unsetenv("TEST_PREMATURE_EXIT_FILE");
}

std::string SkipReason() { return TheState().skip_reason; }

std::chrono::milliseconds SoakTime() {
  return std::chrono::seconds(std::stoi(EnvironmentOr("GRABFS_TEST_SECONDS", "10")));
}

}  // namespace grabfs::mount_test
