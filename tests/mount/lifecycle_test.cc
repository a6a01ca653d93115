// SPDX-License-Identifier: Apache-2.0
//
// The life of a daemon and its mount: how it starts in the background, how it ends by signal, by
// umount and by force, and what its readers see of that.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class LifecycleTest : public MountTest {
 protected:
  void ExpectEnds(int signal) {
    mount().daemon().Signal(signal);
    EXPECT_EQ(mount().daemon().Wait(), 0) << mount().daemon().err();
    EXPECT_FALSE(IsMounted(mount().path()));
    mount().Abandon();
    Start({{kDevice}, {}});
  }

  // What a person would type; the exit status of it.
  [[nodiscard]] static CommandResult Umount(const std::string& mountpoint) {
    if (::geteuid() == 0) return RunCommand({"umount", mountpoint});
    return RunCommand({"fusermount3", "-u", mountpoint});
  }
};

bool IsAlive(pid_t pid) { return ::kill(pid, 0) == 0; }

// A mount whose command has returned, as without -f.
class BackgroundMount {
 public:
  BackgroundMount() : mountpoint_(MakeScratchDirectory("mount")) {
    std::vector<std::string> command = MountCommand({{kDevice}, {}}, mountpoint_);
    std::erase(command, "-f");
    result_ = RunCommand(command);
  }
  ~BackgroundMount() { ForceUnmount(mountpoint_); }
  BackgroundMount(const BackgroundMount&) = delete;
  BackgroundMount& operator=(const BackgroundMount&) = delete;

  [[nodiscard]] const CommandResult& result() const { return result_; }
  [[nodiscard]] const std::string& path() const { return mountpoint_; }
  [[nodiscard]] pid_t Pid() const {
    return nlohmann::json::parse(ReadText(mountpoint_ + "/status.json")).at("pid");
  }

 private:
  std::string mountpoint_;
  CommandResult result_;
};

TEST_F(LifecycleTest, InTheBackgroundTheCommandReturnsWhenTheMountAnswers) {
  const BackgroundMount background;
  ASSERT_EQ(background.result().status, 0) << background.result().err;
  const pid_t pid = background.Pid();
  EXPECT_TRUE(IsAlive(pid));
  Device(background.path() + "/sim0").Capture(1);
  ASSERT_EQ(::kill(pid, SIGTERM), 0);
  EXPECT_TRUE(WaitUntil([pid] { return !IsAlive(pid); }));
  EXPECT_FALSE(IsMounted(background.path()));
}

TEST_F(LifecycleTest, InTheBackgroundItHoldsNoPipeOfItsCaller) {
  const std::string mountpoint = MakeScratchDirectory("mount");
  const CommandResult result = RunShell("said=$(" + DaemonPath() + " --device " + kDevice + " " +
                                        mountpoint + " 2>&1); echo status $?");
  EXPECT_EQ(result.out, "status 0\n") << result.err;
  EXPECT_TRUE(IsMounted(mountpoint));
  EXPECT_EQ(Umount(mountpoint).status, 0);
}

TEST_F(LifecycleTest, InTheBackgroundPathsAreThoseOfTheCommand) {
  const std::filesystem::path directory = MakeScratchDirectory("here");
  const std::string mountpoint = MakeScratchDirectory("mount");
  std::ofstream(directory / "clip.raw") << std::string(size_t{64} * 48, 'x');
  std::vector<std::string> command = MountCommand(
      {{"clip=replay:clip.raw,format=GREY,width=64,height=48", "shown=display:shown.y4m"}, {}},
      mountpoint);
  std::erase(command, "-f");
  command.insert(command.begin(), {"env", "-C", directory.string()});
  const CommandResult result = RunCommand(command);
  ASSERT_EQ(result.status, 0) << result.err;
  Device(mountpoint + "/clip").Capture(1);
  EXPECT_EQ(ReadText(mountpoint + "/clip/latest.raw").substr(0, 2), "xx");
  EXPECT_TRUE(std::filesystem::exists(directory / "shown.y4m"));
  ForceUnmount(mountpoint);
}

TEST_F(LifecycleTest, InTheBackgroundItDoesNotKeepItsDirectoryBusy) {
  const BackgroundMount background;
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(background.Pid()) + "/cwd"),
            "/");
}

TEST_F(LifecycleTest, SignalsEndItCleanly) {
  ExpectEnds(SIGTERM);
  ExpectEnds(SIGINT);
  ExpectEnds(SIGHUP);
}

TEST_F(LifecycleTest, UnmountingEndsItCleanly) {
  device().Set("state", "start");
  const CommandResult result = Umount(mount().path());
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(mount().daemon().Wait(), 0) << mount().daemon().err();
  mount().Abandon();
  Start({{kDevice}, {}});
}

TEST_F(LifecycleTest, ABusyMountRefusesToGoAndWorksOn) {
  const uint64_t sequence = device().Capture(1);
  UniqueFd fd = Open(device().Frame(sequence), O_RDONLY);
  EXPECT_NE(Umount(mount().path()).status, 0);
  EXPECT_TRUE(IsMounted(mount().path()));
  EXPECT_TRUE(picture_.IsFrame(ReadAll(fd.get()), sequence));
  EXPECT_EQ(device().Capture(1), sequence + 1);
}

TEST_F(LifecycleTest, ASignalEndsABusyMountToo) {
  device().Set("state", "start");
  ASSERT_TRUE(WaitUntil([this] { return Exists(device().latest()); }));
  const UniqueFd frame = Open(device().latest(), O_RDONLY);
  const UniqueFd buffer = Open(device().Buffer(0), O_RDWR);
  const Mapping mapping(frame.get(), picture_.bytes());
  ASSERT_TRUE(picture_.IsFrame(mapping.bytes(), Picture::Stamp(mapping.bytes())));
  mount().Unmount();
  EXPECT_NE(OpenError(device().latest(), O_RDONLY), 0);
  EXPECT_EQ(XattrFd(frame.get(), "sequence"), "");
  // Pages that are mapped stay what they were.
  EXPECT_TRUE(picture_.IsFrame(mapping.bytes(), Picture::Stamp(mapping.bytes())));
  Start({{kDevice}, {}});
}

TEST_F(LifecycleTest, BlockedReadersDoNotDelayTheEndAndAreWoken) {
  Child reader([&](Child::Parent parent) {
    const UniqueFd fd = Open(device().Path("events"), O_RDONLY);
    char byte = 0;
    parent.Tell();
    return ::read(fd.get(), &byte, 1) > 0 ? 1 : 0;
  });
  reader.Await();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  mount().Unmount();
  EXPECT_EQ(reader.Wait(), 0);
  Start({{kDevice}, {}});
}

// A reader who is between two reads when the daemon is told to end is told of the end when he comes
// back.
TEST_F(LifecycleTest, WhoIsBetweenTwoReadsIsToldOfTheEnd) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    for (const char* const name :
         {"events", "stream.raw", "stream.y4m", "stream-lossless.raw", "stream-lossless.y4m"}) {
      Child reader([&](const Child::Parent& parent) {
        const UniqueFd fd = Open(device().Path(name), O_RDONLY);
        std::array<char, 65536> chunk{};
        // Lossless ones tell of a loss, which may be what they begin with.
        const auto read = [&] {
          ssize_t got = 0;
          do {
            got = ::read(fd.get(), chunk.data(), chunk.size());
          } while (got < 0 && errno == ENOBUFS);
          return got;
        };
        if (read() <= 0) return 1;
        parent.Tell();
        // The devices have ended, and the daemon waits.
        if (!WaitUntil([&] { return !Exists(device().Path("state")); })) return 2;
        for (;;) {
          const ssize_t got = read();
          if (got <= 0) return got == 0 ? 0 : errno;
        }
      });
      device().Set("state", "start");
      reader.Await();
      mount().daemon().Signal(signal);
      EXPECT_EQ(reader.Wait(), 0) << name << ", signal " << signal;
      EXPECT_EQ(mount().daemon().Wait(), 0) << mount().daemon().err();
      mount().Abandon();
      Start({{kDevice}, {}});
    }
  }
}

TEST_F(LifecycleTest, ACopyInAnotherMountNamespaceKeepsItAndIsTold) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has mount namespaces";
  Child other([&](const Child::Parent& parent) {
    if (::unshare(CLONE_NEWNS) != 0) return errno;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
    parent.Tell();
    parent.Await();
    return Exists(device().Path("state")) ? 0 : 1;
  });
  other.Await();
  EXPECT_EQ(Umount(mount().path()).status, 0);
  EXPECT_TRUE(WaitUntil([this] {
    return mount().daemon().err().find("another mount namespace has " + mount().path()) !=
           std::string::npos;
  })) << mount().daemon().err();
  EXPECT_FALSE(mount().daemon().Poll());
  other.Tell();
  EXPECT_EQ(other.Wait(), 0);
  EXPECT_EQ(mount().daemon().Wait(), 0);
  mount().Abandon();
  Start({{kDevice}, {}});
}

TEST_F(LifecycleTest, ReadersOfAKilledDaemonGetENOTCONN) {
  const uint64_t sequence = device().Capture(1);
  const UniqueFd fd = Open(device().Frame(sequence), O_RDONLY);
  const UniqueFd events = Open(device().Path("events"), O_RDONLY);
  mount().daemon().Signal(SIGKILL);
  mount().daemon().Wait();
  char byte = 0;
  EXPECT_EQ(OpenError(device().latest(), O_RDONLY), ENOTCONN);
  EXPECT_EQ(ErrorOf(::read(events.get(), &byte, 1)), ENOTCONN);
  mount().Abandon();
  Start({{kDevice}, {}});
}

// Reads and maps buffers for as long as there is a daemon.
int ReadUntilDisconnected(const Device& device, const Child::Parent& parent) {
  ::signal(SIGBUS, SIG_DFL);  // a sanitizer would make a report of it
  const UniqueFd fd = Open(device.Buffer(0), O_RDONLY);
  const Mapping mapping = MapAndClose(device.Buffer(1));
  std::array<char, 65536> chunk{};
  parent.Tell();
  for (;;) {
    static_cast<void>(Picture::Stamp(mapping.bytes()));
    if (::pread(fd.get(), chunk.data(), chunk.size(), 0) < 0) return errno;
    const int error = OpenError(device.latest(), O_RDONLY);
    if (error != 0 && error != ENOENT && error != ESTALE) return error;
  }
}

TEST_F(LifecycleTest, AKillInFullFlightHangsNobody) {
  for (int round = 0; round < 5; round++) {
    device().Set("state", "start");
    std::vector<std::unique_ptr<Child>> readers;
    for (int i = 0; i < 3; i++) {
      readers.push_back(std::make_unique<Child>(
          [&](Child::Parent parent) { return ReadUntilDisconnected(device(), parent); }));
      readers.back()->Await();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20 * round));
    mount().daemon().Signal(SIGKILL);
    mount().daemon().Wait();
    for (const auto& reader : readers) {
      // A page of the mapping that has to be read again cannot be: that is SIGBUS.
      const int outcome = reader->Wait();
      EXPECT_TRUE(outcome == ENOTCONN || outcome == ECONNABORTED || outcome == 128 + SIGBUS)
          << outcome;
    }
    mount().Abandon();
    Start({{kDevice}, {}});
  }
}

// Either it cleans up by itself, or it says with which command to do so, and that command works.
TEST_F(LifecycleTest, AfterAKillTheNextMountKnowsWhatToDo) {
  List(mount().path());  // what the kernel remembers of it must not make it look alive
  mount().daemon().Signal(SIGKILL);
  mount().daemon().Wait();
  const std::string mountpoint = mount().path();
  ASSERT_TRUE(IsMounted(mountpoint));
  std::vector<std::string> command = MountCommand({{kDevice}, {}}, mountpoint);
  std::erase(command, "-f");
  CommandResult next = RunCommand(command);
  if (next.status != 0) {
    EXPECT_NE(next.err.find("umount"), std::string::npos) << next.err;
    ASSERT_EQ(Umount(mountpoint).status, 0);
    next = RunCommand(command);
  }
  ASSERT_EQ(next.status, 0) << next.err;
  Device(mountpoint + "/sim0").Capture(1);
  ForceUnmount(mountpoint);
  mount().Abandon();
  Start({{kDevice}, {}});
}

TEST_F(LifecycleTest, TenThousandDescriptorsAreNoBurden) {
  constexpr rlim_t kDescriptors = 10000;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < kDescriptors + 100) {
    GTEST_SKIP() << "the limit of open files here is " << limit.rlim_max;
  }
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  const uint64_t sequence = device().Capture(2);
  std::vector<UniqueFd> held;
  for (rlim_t i = 0; i < kDescriptors; i++) {
    held.push_back(Open(device().Frame(sequence - i % 2), O_RDONLY));
  }
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(picture_.IsFrame(ReadAll(held.front().get()), sequence));
  EXPECT_TRUE(picture_.IsFrame(ReadAll(held.back().get()), sequence - 1));
  EXPECT_EQ(device().Status().at("buffers").at("held"), 2);
  held.clear();
  EXPECT_TRUE(device().IsRecycled(sequence));
  EXPECT_TRUE(device().IsRecycled(sequence - 1));
}

TEST_F(LifecycleTest, MountingAndUnmountingAgainAndAgainLeavesNothing) {
  for (int i = 0; i < 20; i++) {
    Start({{kDevice}, {}});
    device().Capture(1);
  }
}

// mount(8) and fstab call `mount.fuse.grabfs SOURCE MOUNTPOINT -o OPTIONS`.
TEST_F(LifecycleTest, TheMountHelperTakesWhatFstabSays) {
  const std::string program = MakeScratchDirectory("sbin") + "/mount.fuse.grabfs";
  std::filesystem::create_symlink(DaemonPath(), program);
  const std::string mountpoint = MakeScratchDirectory("mount");
  const CommandResult result = RunCommand({program, "cam9=pattern,width=64,height=32,buffers=2",
                                           mountpoint, "-o", "rw,noatime,nofail,umask=027"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Device(mountpoint + "/cam9").Get("width"), "64");
  EXPECT_EQ(Stat(mountpoint + "/cam9/format").st_mode & 0777, 0640U);
  ForceUnmount(mountpoint);
}

// mount(8) adds the options of fstab and those that the mount has.
TEST_F(LifecycleTest, ARemountChangesWhatTheKernelChangesAndRefusesTheRest) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can remount";
  Start({{kDevice}, {"allow_other", "gid=1"}});
  const auto remount = [this](const std::string& options) {
    return RunCommand({DaemonPath(), "-o", options, mount().path()});
  };
  const auto refused_to_write = [this] { return OpenError(device().Path("rate"), O_WRONLY); };
  const CommandResult read_only = remount("rw,nofail,gid=1,allow_other,remount,ro");
  EXPECT_EQ(read_only.status, 0) << read_only.err;
  EXPECT_EQ(refused_to_write(), EROFS);
  EXPECT_EQ(remount("remount,rw,nosuid,relatime,user_id=0,group_id=0,allow_other").status, 0);
  EXPECT_EQ(refused_to_write(), 0);
  for (const char* other : {"gid=2", "frame_mode=440", "max_read=1"}) {
    const CommandResult result = remount(std::string("remount,ro,") + other);
    EXPECT_EQ(result.status, 2) << other;
    EXPECT_NE(result.err.find(std::string(other) + ": " + mount().path()), std::string::npos)
        << result.err;
  }
  const UniqueFd writer = Open(device().Buffer(0), O_RDWR);
  EXPECT_NE(remount("remount,ro").err.find("open for writing"), std::string::npos);
  EXPECT_EQ(refused_to_write(), 0);
  const CommandResult elsewhere =
      RunCommand({DaemonPath(), "-o", "remount,ro", MakeScratchDirectory("empty")});
  EXPECT_EQ(elsewhere.status, 2);
  EXPECT_NE(elsewhere.err.find("no grabfs is mounted"), std::string::npos) << elsewhere.err;
}

}  // namespace
}  // namespace grabfs::mount_test
