// SPDX-License-Identifier: Apache-2.0
//
// While memory is found for one file of alloc/, which takes for ever here, everybody else is
// served: that file's other users, other files, devices, and whoever wants to end it all. The
// processes that find memory for the daemon are stopped on purpose.
#include <linux/aio_abi.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "tests/mount/support/alloc.h"
#include "tests/mount/support/fixture.h"
#include "tests/mount/support/users.h"

namespace grabfs::mount_test {
namespace {

constexpr uint64_t kSmall = 8192;
constexpr uint64_t kLarge = uint64_t{128} << 20;

std::vector<pid_t> ChildrenOf(pid_t process) {
  std::vector<pid_t> children;
  const std::filesystem::path tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::ifstream list(task.path() / "children");
    for (pid_t child = 0; list >> child;) children.push_back(child);
  }
  return children;
}

bool IsStopped(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string pid;
  std::string name;
  char state = '-';
  file >> pid >> name >> state;
  return state == 'T';
}

// Who finds memory for the daemon, stopped while this lives.
class StoppedHelpers {
 public:
  StoppedHelpers() = default;
  ~StoppedHelpers() { Continue(); }
  StoppedHelpers(const StoppedHelpers&) = delete;
  StoppedHelpers& operator=(const StoppedHelpers&) = delete;

  void Continue() {
    for (const pid_t helper : helpers_) ::kill(helper, SIGCONT);
    helpers_.clear();
  }

  // `others`: children of the daemon that are none. False when there is none now.
  bool StopSome(pid_t daemon, const std::vector<pid_t>& others) {
    for (const pid_t child : ChildrenOf(daemon)) {
      if (std::ranges::count(others, child) > 0) continue;
      helpers_.push_back(child);
      ::kill(child, SIGSTOP);
    }
    for (int i = 0; i < 50 && !helpers_.empty(); ++i) {
      if (std::ranges::any_of(helpers_, IsStopped)) return true;
      ::usleep(1000);
    }
    Continue();  // they had done their work by then
    return false;
  }

 private:
  std::vector<pid_t> helpers_;
};

// Writes 8 bytes as libaio does; returns errno.
int WriteAsynchronously(int fd, uint64_t at) {
  aio_context_t context = 0;
  if (::syscall(SYS_io_setup, 1, &context) != 0) return errno;
  uint64_t data = 0;
  iocb write = {};
  write.aio_fildes = static_cast<uint32_t>(fd);
  write.aio_lio_opcode = IOCB_CMD_PWRITE;
  write.aio_buf = reinterpret_cast<uintptr_t>(&data);
  write.aio_nbytes = sizeof data;
  write.aio_offset = static_cast<int64_t>(at);
  iocb* const list[] = {&write};
  io_event event = {};
  if (::syscall(SYS_io_submit, context, 1, list) != 1) return errno;
  if (::syscall(SYS_io_getevents, context, 1, 1, &event, nullptr) != 1) return errno;
  return event.res < 0 ? static_cast<int>(-event.res) : 0;
}

// Requests that the kernel has sent to this mount, or has yet to send, and nobody has answered.
unsigned Waiting(const Mount& mount) {
  const std::string connection = std::to_string(minor(Stat(mount.path()).st_dev));
  return static_cast<unsigned>(
      std::stoul(ReadText("/sys/fs/fuse/connections/" + connection + "/waiting")));
}

class AllocWaitingTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    MountSpec spec{{kDevice}, {"alloc_size=512M", "alloc_quota=256M"}};
    if (::geteuid() == 0) spec.options.emplace_back("allow_other");
    Start(spec);
    before_ = ChildrenOf(mount().daemon().pid());
    file_ = Allocate(Path("large"), kSmall, 0666);
  }

  [[nodiscard]] std::string Path(const std::string& name) const {
    return mount().Path("alloc/" + name);
  }
  // Makes the file large in a process of its own; its exit status is errno. On a busy machine all
  // may be done before this process sees who does it: then it is asked for once more.
  void Ask() {
    const pid_t daemon = mount().daemon().pid();
    helpers_.emplace();
    for (bool stopped = false; !stopped;) {
      client_.emplace([this](Child::Parent) { return ErrorOf(::ftruncate(file_.get(), kLarge)); });
      bool missed = false;
      ASSERT_TRUE(WaitUntil([&] {
        stopped = helpers_->StopSome(daemon, before_);
        missed = StatFd(file_.get()).st_size == static_cast<off_t>(kLarge);
        return stopped || missed;
      })) << "nobody finds memory";
      if (stopped) continue;
      ASSERT_EQ(client_->Wait(), 0);
      ASSERT_EQ(::ftruncate(file_.get(), kSmall), 0);
    }
  }
  [[nodiscard]] uint64_t Taken() const { return mount().Status().at("alloc").at("bytes"); }

  std::vector<pid_t> before_;
  UniqueFd file_;
  std::optional<Child> client_;
  std::optional<StoppedHelpers> helpers_;
};

TEST_F(AllocWaitingTest, ItsOtherUsersAreServed) {
  Ask();
  EXPECT_EQ(StatFd(file_.get()).st_size, static_cast<off_t>(kSmall))
      << "as long as it is not there";
  EXPECT_EQ(Stat(Path("large")).st_size, static_cast<off_t>(kSmall));
  for (const int flags : {O_RDONLY, O_RDWR}) {
    const UniqueFd reader = Open(Path("large"), flags);
    std::array<std::byte, 100> data{};
    EXPECT_EQ(::pread(reader.get(), data.data(), data.size(), 0), 100);
  }
  EXPECT_EQ(ErrorOf(::getxattr(Path("large").c_str(), "user.grabfs.charged", nullptr, 0)), 0);
  EXPECT_EQ(device().TrySet("into", "large"), EBUSY);
  helpers_->Continue();
  EXPECT_EQ(client_->Wait(), 0);
  EXPECT_EQ(StatFd(file_.get()).st_size, static_cast<off_t>(kLarge));
}

TEST_F(AllocWaitingTest, ManyReadersOfItStandInNobodysWay) {
  Ask();
  std::vector<std::unique_ptr<Child>> readers;
  for (int i = 0; i < 20; ++i) {
    readers.push_back(std::make_unique<Child>([this](Child::Parent) {
      const UniqueFd reader = Open(Path("large"), O_RDWR);
      std::byte byte{};
      return ::pread(reader.get(), &byte, 1, 0) == 1 ? 0 : errno;
    }));
  }
  for (const auto& reader : readers) EXPECT_EQ(reader->Wait(), 0);
  EXPECT_EQ(device().Get("trigger"), "0");
  helpers_->Continue();
  EXPECT_EQ(client_->Wait(), 0);
}

TEST_F(AllocWaitingTest, DevicesAndTheTreeAreServed) {
  Ask();
  const uint64_t sequence = device().Capture(1);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
  EXPECT_EQ(List(mount().Path("alloc")), (std::vector<std::string>{"large", "sim0"}));
  EXPECT_EQ(mount().Status().at("alloc").at("files"), 1);
  helpers_->Continue();
  EXPECT_EQ(client_->Wait(), 0);
}

TEST_F(AllocWaitingTest, AnotherUserGetsHisMemory) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may become another user";
  Ask();
  EXPECT_EQ(RunAs(kStranger, [this] { return AllocateError(Path("small"), kSmall); }), 0);
  EXPECT_EQ(RunAs(kStranger, [this] { return ErrorOf(::unlink(Path("small").c_str())); }), 0);
  EXPECT_EQ(StatFd(file_.get()).st_size, static_cast<off_t>(kSmall));
  helpers_->Continue();
  EXPECT_EQ(client_->Wait(), 0);
}

TEST_F(AllocWaitingTest, WhoIsKilledGoesAndLeavesNothingBehind) {
  Ask();
  ASSERT_EQ(::kill(client_->pid(), SIGKILL), 0);
  EXPECT_EQ(client_->Wait(), 128 + SIGKILL) << "although nobody finds the memory";
  EXPECT_TRUE(WaitUntil([this] { return Taken() == kSmall; }));
  EXPECT_EQ(StatFd(file_.get()).st_size, static_cast<off_t>(kSmall));
  helpers_.reset();
  EXPECT_EQ(::ftruncate(file_.get(), 2 * kSmall), 0);
}

// The kernel has a certain number of asynchronous requests under way, closing among them.
TEST_F(AllocWaitingTest, AsynchronousWritesThatGrowLeaveRoomForClosing) {
  constexpr unsigned kWriters = 40;
  if (::geteuid() != 0) GTEST_SKIP() << "only root may see how many requests wait";
  // To one file they would come one after the other.
  std::vector<UniqueFd> files;
  for (unsigned i = 0; i < kWriters; ++i) {
    files.push_back(Allocate(Path("grows" + std::to_string(i)), 0));
  }
  Ask();
  std::vector<std::unique_ptr<Child>> writers;
  for (unsigned i = 0; i < kWriters; ++i) {
    writers.push_back(std::make_unique<Child>(
        [&files, i](Child::Parent) { return WriteAsynchronously(files[i].get(), kSmall); }));
  }
  EXPECT_TRUE(WaitUntil([this] { return Waiting(mount()) > kWriters; }));
  UniqueFd frame = Open(device().Frame(device().Capture(1)), O_RDONLY);
  EXPECT_EQ(device().Status().at("buffers").at("held"), 1);
  frame.reset();
  EXPECT_TRUE(WaitUntil([this] { return device().Status().at("buffers").at("held") == 0; }));
  const uint64_t sequence = device().Capture(1);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
  EXPECT_GT(Waiting(mount()), kWriters) << "all this while they wait";
  helpers_->Continue();
  EXPECT_EQ(client_->Wait(), 0);
  for (const auto& writer : writers) EXPECT_EQ(writer->Wait(), 0);
}

TEST_F(AllocWaitingTest, TheDaemonEnds) {
  Ask();
  mount().Unmount();
  const int status = client_->Wait();
  EXPECT_TRUE(status == ENODEV || status == ENOTCONN || status == ECONNABORTED) << status;
}

}  // namespace
}  // namespace grabfs::mount_test
