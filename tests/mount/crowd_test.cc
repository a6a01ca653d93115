// SPDX-License-Identifier: Apache-2.0
//
// Many at once: processes, open frames, names, starts and stops, mounts that come and go while they
// are used. What is promised to one reader is kept to all of them.
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <memory>
#include <set>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr unsigned kProcesses = 64;
constexpr unsigned kOpenFrames = 4096;
constexpr unsigned kNames = 10000;
constexpr unsigned kFewNames = 2000;  // many calls of getdents() all the same
constexpr const char* kFewDescriptors = "too few open files are allowed here";
constexpr int kStarts = 1000;
// A page each.
constexpr uint32_t kSide = 64;
constexpr const char* kLiveDevice =
    "sim0=pattern,format=GREY,width=130,height=94,rate=500,buffers=16,state=streaming";

// As many descriptors as one may have, for this process and those that it starts.
rlim_t RaiseDescriptorLimit() {
  rlimit limit{};
  CheckSyscall(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  CheckSyscall(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_max;
}

// How many buffers a daemon may have here, `wanted` at most: it takes two descriptors for each.
unsigned AffordableBuffers(unsigned wanted) {
  constexpr rlim_t kOthers = 200;
  const rlim_t limit = RaiseDescriptorLimit();
  return limit < kOthers ? 0
                         : static_cast<unsigned>(std::min<rlim_t>(wanted, (limit - kOthers) / 2));
}

std::string DeviceOfPages(unsigned buffers) {
  return "sim0=pattern,format=GREY,width=" + std::to_string(kSide) +
         ",height=" + std::to_string(kSide) + ",rate=0,buffers=" + std::to_string(buffers) +
         ",policy=keep-oldest,state=stopped";
}

// Of an open frame. Throws when it cannot be asked any more.
uint64_t SequenceOf(int fd) {
  const std::string text = XattrFd(fd, "sequence");
  if (text.empty()) ThrowErrno("fgetxattr");
  return std::stoull(text);
}

class CrowdTest : public MountTest {
 protected:
  [[nodiscard]] bool BooksClose() const {
    const nlohmann::json counters = device().Status().at("counters");
    uint64_t sum = 0;
    for (const char* part : {"delivered", "recycled", "dropped", "failed", "present"}) {
      sum += counters.at(part).get<uint64_t>();
    }
    return counters.at("captured").get<uint64_t>() == sum;
  }

  // Opens the newest frame and checks every byte; false when something was wrong with it.
  [[nodiscard]] static bool NewestIsWhole(const Device& device, const Picture& picture) {
    const UniqueFd fd = Open(device.latest(), O_RDONLY);
    const uint64_t sequence = SequenceOf(fd.get());
    if (!picture.IsFrame(ReadAll(fd.get()), sequence)) return false;
    const Mapping mapping(fd.get(), picture.bytes());
    return static_cast<bool>(picture.IsFrame(mapping.bytes(), sequence));
  }

  const Picture page_{"GREY", kSide, kSide};
};

TEST_F(CrowdTest, SixtyFourProcessesReadOneDevice) {
  Start({{kLiveDevice}, {}});
  ASSERT_TRUE(WaitUntil([this] { return Exists(device().latest()); }));
  const auto end = std::chrono::steady_clock::now() + SoakTime();
  std::vector<std::unique_ptr<Child>> readers;
  for (unsigned i = 0; i < kProcesses; i++) {
    readers.push_back(std::make_unique<Child>([&](Child::Parent) {
      do {
        if (!NewestIsWhole(device(), picture_)) return 1;
      } while (std::chrono::steady_clock::now() < end);
      return 0;
    }));
  }
  for (const auto& reader : readers) EXPECT_EQ(reader->Wait(), 0);
  EXPECT_EQ(device().Get("state"), "streaming");
  EXPECT_TRUE(BooksClose()) << device().Status().dump();
  EXPECT_TRUE(WaitUntil([this] { return device().Status().at("buffers").at("held") == 0; }));
}

TEST_F(CrowdTest, FourThousandFramesAreOpenAtOnceAndStayWhatTheyAre) {
  constexpr unsigned kBuffersNeeded = kOpenFrames + 4;
  if (AffordableBuffers(kBuffersNeeded) < kBuffersNeeded) GTEST_SKIP() << kFewDescriptors;
  Start({{DeviceOfPages(kBuffersNeeded)}, {}});
  device().Capture(kOpenFrames);
  std::map<uint64_t, UniqueFd> held;
  for (const uint64_t sequence : device().Frames()) {
    held.emplace(sequence, Open(device().Frame(sequence), O_RDONLY));
  }
  ASSERT_EQ(held.size(), kOpenFrames);
  EXPECT_EQ(device().Status().at("buffers").at("held"), kOpenFrames);
  device().Set("policy", "keep-newest");
  device().Capture(100);
  for (const auto& [sequence, fd] : held) {
    ASSERT_TRUE(page_.IsFrame(ReadAll(fd.get()), sequence));
  }
  held.clear();
  EXPECT_TRUE(WaitUntil([this] { return device().Status().at("buffers").at("held") == 0; }));
  EXPECT_TRUE(BooksClose()) << device().Status().dump();
}

TEST_F(CrowdTest, AThousandStartsAndStopsAreAsGoodAsOne) {
  Child reader([this](Child::Parent parent) {
    parent.Tell();
    for (;;) {
      const UniqueFd fd(::open(device().latest().c_str(), O_RDONLY | O_CLOEXEC));
      if (fd.valid() && !picture_.IsFrame(ReadAll(fd.get()), SequenceOf(fd.get()))) return 1;
    }
  });
  reader.Await();
  for (int i = 0; i < kStarts; i++) {
    ASSERT_EQ(device().TrySet("state", "start"), 0);
    ASSERT_EQ(device().TrySet("state", "stop"), 0);
  }
  EXPECT_EQ(::kill(reader.pid(), 0), 0) << "the reader has seen a broken frame";
  reader.Kill();
  EXPECT_EQ(device().Get("state"), "stopped");
  EXPECT_TRUE(BooksClose()) << device().Status().dump();
  const uint64_t sequence = device().Capture(1);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
}

// What the readers see when the mount goes away under them is an error, never another frame.
TEST_F(CrowdTest, MountsComeAndGoWhileTheyAreUsed) {
  const auto end = std::chrono::steady_clock::now() + SoakTime();
  do {
    Start({{kLiveDevice}, {}});
    ASSERT_TRUE(WaitUntil([this] { return Exists(device().latest()); }));
    std::vector<std::unique_ptr<Child>> readers;
    for (int i = 0; i < 4; i++) {
      readers.push_back(std::make_unique<Child>([this](Child::Parent parent) {
        parent.Tell();
        try {
          while (NewestIsWhole(device(), picture_)) {
          }
        } catch (const Error&) {
          return 0;
        }
        return 1;
      }));
    }
    for (const auto& reader : readers) reader->Await();
    mount().Unmount();
    for (const auto& reader : readers) EXPECT_EQ(reader->Wait(), 0);
  } while (std::chrono::steady_clock::now() < end);
}

class TenThousandNamesTest : public CrowdTest {
 protected:
  void SetUp() override {
    CrowdTest::SetUp();
    if (IsSkipped()) return;
    names_ = AffordableBuffers(kNames);
    if (names_ < kFewNames) GTEST_SKIP() << kFewDescriptors;
    Start({{DeviceOfPages(names_)}, {}});
    device().Capture(names_);
  }

  // A directory that is being read.
  class Reading {
   public:
    explicit Reading(const std::string& path) : directory_(::opendir(path.c_str())) {
      if (directory_ == nullptr) ThrowErrno("opendir " + path);
    }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    ~Reading() { ::closedir(directory_); }

    // The next name but "." and ".."; empty at the end.
    std::string Next() {
      while (const dirent* entry = ::readdir(directory_)) {
        if (entry->d_name[0] != '.') return entry->d_name;
      }
      return "";
    }
    [[nodiscard]] long Place() const { return ::telldir(directory_); }
    void GoTo(long place) { ::seekdir(directory_, place); }

   private:
    DIR* directory_;
  };

  unsigned names_ = 0;
};

TEST_F(TenThousandNamesTest, AreListedOnceEach) {
  EXPECT_EQ(device().Frames().size(), names_);
  EXPECT_EQ(List(device().Path("buffers")).size(), names_);
}

TEST_F(TenThousandNamesTest, SeekdirFindsEveryPlaceAgain) {
  Reading frames(device().Path("frames"));
  std::vector<std::pair<long, std::string>> places;
  for (;;) {
    const long place = frames.Place();
    const std::string name = frames.Next();
    if (name.empty()) break;
    places.emplace_back(place, name);
  }
  ASSERT_EQ(places.size(), names_);
  for (size_t i = 0; i < names_; i += 37) {
    const auto& [place, name] = places[(i * 7919) % names_];
    frames.GoTo(place);
    ASSERT_EQ(frames.Next(), name);
  }
}

TEST_F(TenThousandNamesTest, AListingWhileNamesGoAndComeKeepsTheOthers) {
  Reading frames(device().Path("frames"));
  std::multiset<uint64_t> seen;
  uint64_t count = 0;
  for (std::string name = frames.Next(); !name.empty(); name = frames.Next()) {
    seen.insert(std::stoull(name));
    // Of those before and behind, every third goes, and new ones come.
    if (++count % 10 == 0) {
      ::unlink(device().Frame(count).c_str());
      ::unlink(device().Frame((count + names_ / 2) / 3 * 3).c_str());
      if (count % 1000 == 0) device().Capture(3);
    }
  }
  for (const uint64_t sequence : device().Frames()) {
    if (sequence < names_) {
      EXPECT_EQ(seen.count(sequence), 1U) << sequence;
    }
  }
  for (const uint64_t sequence : seen) EXPECT_EQ(seen.count(sequence), 1U) << sequence;
}

TEST_F(TenThousandNamesTest, FindLsDuAndDfMakeSense) {
  const std::string frames = device().Path("frames");
  EXPECT_EQ(
      RunShell("find " + frames + " -type f -size " + std::to_string(kSide * kSide) + "c | wc -l")
          .out,
      std::to_string(names_) + "\n");
  EXPECT_EQ(RunShell("ls -l " + frames + " | grep -c '^-r--r--r--'").out,
            std::to_string(names_) + "\n");
  // A frame of one page is 4 KiB on the disk that does not exist.
  EXPECT_EQ(RunShell("du -s --block-size=1K " + frames + " | cut -f1").out,
            std::to_string(names_ * 4) + "\n");
  // What is free is that of alloc/.
  EXPECT_EQ(RunShell("df --block-size=1K --output=used " + frames + " | tail -1 | xargs").out,
            std::to_string(names_ * 4) + "\n");
}

}  // namespace
}  // namespace grabfs::mount_test
