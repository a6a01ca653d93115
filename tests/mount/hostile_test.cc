// SPDX-License-Identifier: Apache-2.0
//
// Clients that mean harm: for a while several processes open, map, lock, write, fork, pass on and
// abandon whatever they can, at random, interrupted by signals and killed at any moment. Capture
// goes on, another device is not disturbed, an honest reader sees whole frames only, and when they
// are gone everything is as before.
#include <dirent.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <random>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"
#include "tests/mount/support/users.h"

namespace grabfs::mount_test {
namespace {

constexpr int kClients = 4;
constexpr size_t kMaxFiles = 100;
constexpr size_t kMaxMappings = 100;
constexpr size_t kMaxChildren = 2;

// One process at its work.
class HostileClient {
 public:
  HostileClient(std::string device, uint64_t seed) : device_(std::move(device)), random_(seed) {}

  // Until it is killed.
  [[noreturn]] void Run() {
    DieWithParent();
    InterruptWhatBlocks();
    // The daemon is under test here, not the machine.
    (void)!::nice(10);
    for (;;) Act();
  }

 private:
  using Action = void (HostileClient::*)();

  // Orphans would outlive the test.
  static void DieWithParent() { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

  static void InterruptWhatBlocks() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval often{{0, 20000}, {0, 20000}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    ::signal(SIGBUS, SIG_DFL);
    ::signal(SIGPIPE, SIG_IGN);
  }

  void Act() {
    static constexpr std::array kActions = {
        &HostileClient::OpenSomething, &HostileClient::OpenSomething, &HostileClient::MapSomething,
        &HostileClient::MapSomething,  &HostileClient::CloseOne,      &HostileClient::UnmapOne,
        &HostileClient::ReadOne,       &HostileClient::WriteOne,      &HostileClient::LockOne,
        &HostileClient::ResizeOne,     &HostileClient::PassOneOn,     &HostileClient::Walk,
        &HostileClient::AskAttributes, &HostileClient::RemoveFrames,  &HostileClient::Fork,
        &HostileClient::PollOne,       &HostileClient::Order,
    };
    (this->*kActions[Below(kActions.size())])();
  }

  size_t Below(size_t limit) { return random_() % limit; }
  bool Chance(size_t one_in) { return Below(one_in) == 0; }

  std::string AnyPath() {
    static const std::array<const char*, 12> kNames = {
        "latest.raw", "events", "status.json", "state",   "trigger",        "width",
        "policy",     "frames", "buffers",     "../junk", "frames/../rate", "buffers_count"};
    if (Chance(3)) return device_ + "/buffers/00" + std::to_string(Below(10)) + ".raw";
    if (Chance(3)) return AnyFrame();
    return device_ + "/" + kNames[Below(kNames.size())];
  }

  std::string AnyFrame() {
    const auto names = ListQuietly(device_ + "/frames");
    return device_ + "/frames/" + (names.empty() ? "00000000.raw" : names[Below(names.size())]);
  }

  static std::vector<std::string> ListQuietly(const std::string& path) {
    std::vector<std::string> names;
    DIR* const directory = ::opendir(path.c_str());
    if (directory == nullptr) return names;
    while (const dirent* entry = ::readdir(directory)) names.emplace_back(entry->d_name);
    ::closedir(directory);
    return names;
  }

  // -1 when there is none.
  int AnyFile() { return files_.empty() ? -1 : files_[Below(files_.size())].get(); }

  void OpenSomething() {
    static constexpr std::array kFlags = {O_RDONLY,
                                          O_RDONLY,
                                          O_RDONLY,
                                          O_RDWR,
                                          O_WRONLY,
                                          O_PATH,
                                          O_RDONLY | O_TRUNC,
                                          O_RDWR | O_DIRECT,
                                          O_RDONLY | O_NONBLOCK};
    const int fd = ::open(AnyPath().c_str(), kFlags[Below(kFlags.size())] | O_CLOEXEC);
    if (fd < 0) return;
    if (files_.size() == kMaxFiles) CloseOne();
    files_.emplace_back(fd);
  }

  void CloseOne() {
    if (!files_.empty()) files_.erase(files_.begin() + static_cast<long>(Below(files_.size())));
  }

  void MapSomething() {
    const int protection = static_cast<int>(Below(4));
    const int flags = Chance(2) ? MAP_SHARED : MAP_PRIVATE;
    if (mappings_.size() == kMaxMappings) UnmapOne();
    try {
      mappings_.emplace_back(AnyFile(), size_t{1} + Below(100000), protection, flags,
                             static_cast<off_t>(4096 * Below(3)));
    } catch (const Error&) {
      return;  // as it should be, most of the time
    }
    // Through the kernel, which returns EFAULT where a look of our own would end in SIGBUS.
    const UniqueFd memory(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    (void)!::read(memory.get(), mappings_.back().data(), std::min<size_t>(64, 1 + Below(64)));
    ::madvise(mappings_.back().data(), mappings_.back().size(), static_cast<int>(Below(26)));
  }

  void UnmapOne() {
    if (!mappings_.empty()) {
      mappings_.erase(mappings_.begin() + static_cast<long>(Below(mappings_.size())));
    }
  }

  void ReadOne() {
    (void)!::pread(AnyFile(), scratch_.data(), Below(scratch_.size()),
                   static_cast<off_t>(Below(20000)));
    (void)!::read(AnyFile(), scratch_.data(), Below(scratch_.size()));
  }

  void WriteOne() {
    (void)!::pwrite(AnyFile(), scratch_.data(), Below(scratch_.size()),
                    static_cast<off_t>(random_() >> Below(64)));
  }

  void Order() {
    static constexpr std::array<const char*, 9> kFiles = {"state",  "trigger",       "width",
                                                          "height", "format",        "rate",
                                                          "policy", "buffers_count", "stride"};
    static constexpr std::array<const char*, 12> kValues = {
        "start", "stop", "0", "1", "3", "64", "130", "500", "GREY", "BGR4", "keep-oldest", "\n"};
    const std::string path = device_ + "/" + kFiles[Below(kFiles.size())];
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    const std::string_view value = kValues[Below(kValues.size())];
    (void)!::write(fd.get(), value.data(), value.size());
  }

  void LockOne() {
    static constexpr std::array kKinds = {LOCK_SH,           LOCK_EX,           LOCK_UN,
                                          LOCK_SH | LOCK_NB, LOCK_EX | LOCK_NB, 99};
    ::flock(AnyFile(), kKinds[Below(kKinds.size())]);
  }

  void ResizeOne() {
    (void)!::ftruncate(AnyFile(), static_cast<off_t>(random_() >> Below(64)));
    ::fallocate(AnyFile(), static_cast<int>(Below(128)), static_cast<off_t>(Below(1 << 20)),
                static_cast<off_t>(Below(1 << 20)));
    ::fsync(AnyFile());
  }

  // Into a socket that nobody reads, and away with the sockets: the kernel has to find out.
  void PassOneOn() {
    std::array<int, 2> ends{};
    if (files_.empty() || ::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      return;
    }
    const UniqueFd near(ends[0]);
    UniqueFd far(ends[1]);
    try {
      SendFd(near.get(), AnyFile());
    } catch (const Error&) {
      return;  // of O_PATH, or a full socket
    }
    if (Chance(4)) files_.push_back(std::move(far));
  }

  void Walk() {
    DIR* const directory = ::opendir((device_ + (Chance(2) ? "/frames" : "/buffers")).c_str());
    if (directory == nullptr) return;
    for (size_t i = Below(8); i > 0; --i) {
      ::readdir(directory);
      if (Chance(3)) ::seekdir(directory, static_cast<long>(random_() >> Below(64)));
    }
    ::closedir(directory);
  }

  void AskAttributes() {
    const std::string path = AnyPath();
    struct stat ignored {};
    ::stat(path.c_str(), &ignored);
    (void)!::listxattr(path.c_str(), scratch_.data(), Below(300));
    (void)!::getxattr(path.c_str(), "user.grabfs.sequence", scratch_.data(), Below(30));
    ::setxattr(path.c_str(), "user.x", "y", 1, 0);
    ::chmod(path.c_str(), 0777);
  }

  void RemoveFrames() {
    ::unlink(AnyFrame().c_str());
    ::rename(AnyFrame().c_str(), AnyPath().c_str());
    (void)!::link(AnyFrame().c_str(), (device_ + "/frames/x").c_str());
  }

  void PollOne() {
    pollfd waiting{AnyFile(), POLLIN | POLLOUT, 0};
    ::poll(&waiting, 1, static_cast<int>(Below(3)));
  }

  // A child goes on alone, and is killed some time later, wherever it is then.
  void Fork() {
    if (is_child_) return;
    if (children_.size() == kMaxChildren) {
      ::kill(children_.front(), SIGKILL);
      while (::waitpid(children_.front(), nullptr, 0) < 0 && errno == EINTR) {
      }
      children_.erase(children_.begin());
    }
    const uint64_t seed = random_();
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child > 0) children_.push_back(child);
    if (child != 0) return;
    DieWithParent();
    if (::getppid() != parent) ::_exit(0);  // he was killed before we asked to be told
    is_child_ = true;
    random_.seed(seed);
    Run();
  }

  const std::string device_;
  std::mt19937_64 random_;
  std::vector<UniqueFd> files_;
  std::vector<Mapping> mappings_;
  std::vector<pid_t> children_;
  bool is_child_ = false;
  std::array<char, 20000> scratch_{};
};

class HostileTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    MountSpec spec{{"sim0=pattern,format=GREY,width=130,height=94,rate=500,buffers=8,"
                    "state=streaming",
                    "calm=pattern,format=GREY,width=130,height=94,rate=0,buffers=4,state=stopped"},
                   {}};
    if (::geteuid() == 0) spec.options.emplace_back("allow_other");
    Start(spec);
    RecordProperty("seed", std::to_string(seed_));
    std::fprintf(stderr, "hostile clients' seed: %llu\n", static_cast<unsigned long long>(seed_));
  }

  // `body` while the clients do their worst; then they are killed.
  void Besieged(const std::optional<User>& user, const std::function<void()>& body) {
    std::vector<std::unique_ptr<Child>> clients;
    for (uint64_t i = 0; i < kClients; i++) {
      clients.push_back(std::make_unique<Child>([this, user, i](Child::Parent) -> int {
        if (user) Become(*user);
        HostileClient(mount().Path("sim0"), seed_ + i).Run();
      }));
    }
    body();
  }

  // The other device works and, unless its owner has it in hand, so does this one: frames keep
  // being counted, and a reader gets whole ones.
  void ExpectServiceUntil(std::chrono::steady_clock::time_point end, bool by_owner) {
    const Device calm = mount().GetDevice("calm");
    while (std::chrono::steady_clock::now() < end) {
      const uint64_t before = device().NextSequence();
      if (!by_owner) {
        ASSERT_TRUE(WaitUntil([&] { return device().NextSequence() > before; }));
        ExpectAWholeFrame();
      }
      const uint64_t sequence = calm.Capture(1);
      ASSERT_TRUE(picture_.IsFrame(ReadFile(calm.Frame(sequence)), sequence));
    }
    EXPECT_EQ(calm.Status().at("counters").at("dropped"), 0U) << calm.Status().dump();
  }

  // Of whatever format its owner has chosen.
  void ExpectAWholeFrame() {
    const UniqueFd fd(::open(device().latest().c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return;
    const auto number = [&fd](const char* name) { return std::stoull(XattrFd(fd.get(), name)); };
    const Picture picture(XattrFd(fd.get(), "format"), static_cast<uint32_t>(number("width")),
                          static_cast<uint32_t>(number("height")));
    EXPECT_TRUE(picture.IsFrame(ReadAll(fd.get()), number("sequence")));
  }

  void ExpectEverythingIsBack() {
    EXPECT_TRUE(WaitUntil([this] { return device().Status().at("buffers").at("held") == 0; }))
        << device().Status().dump();
    const nlohmann::json counters = device().Status().at("counters");
    EXPECT_EQ(counters.at("captured").get<uint64_t>(),
              counters.at("delivered").get<uint64_t>() + counters.at("recycled").get<uint64_t>() +
                  counters.at("dropped").get<uint64_t>() + counters.at("failed").get<uint64_t>() +
                  counters.at("present").get<uint64_t>())
        << counters.dump();
  }

  const uint64_t seed_ = std::random_device()();
};

TEST_F(HostileTest, StrangersStopNeitherCaptureNorOthers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become a stranger";
  Besieged(kStranger, [this] {
    ExpectServiceUntil(std::chrono::steady_clock::now() + SoakTime() / 2, false);
    EXPECT_EQ(device().Get("state"), "streaming");
  });
  ExpectEverythingIsBack();
}

// Who may write may also stop the device; the daemon and the other device must stand it.
TEST_F(HostileTest, TheOwnerHimselfCrashesNothing) {
  Besieged(std::nullopt,
           [this] { ExpectServiceUntil(std::chrono::steady_clock::now() + SoakTime() / 2, true); });
  ExpectEverythingIsBack();
  device().Stop();
  device().Set("policy", "keep-newest");
  const uint64_t sequence = device().Capture(1);
  EXPECT_TRUE(Exists(device().Frame(sequence)));
  ExpectAWholeFrame();
}

}  // namespace
}  // namespace grabfs::mount_test
