// SPDX-License-Identifier: Apache-2.0
//
// A stranger cannot take all buffers of a device: he may hold a part of them (-o hold_limit=),
// however he does it, and capture and others go on with the rest.
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"
#include "tests/mount/support/stream.h"
#include "tests/mount/support/users.h"

namespace grabfs::mount_test {
namespace {

constexpr unsigned kMayHold = kBuffers / 2;
constexpr size_t kFilesOfAUser = 1024;

class HoldLimitTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become other users";
    Start({{kDevice}, {"allow_other"}});
    device().Capture(kBuffers);
    frames_ = device().Frames();
    ASSERT_EQ(frames_.size(), kBuffers);
  }

  // What the first open that is refused says; 0: none is.
  [[nodiscard]] int OpenAll(std::vector<UniqueFd>& files) const {
    for (const uint64_t sequence : frames_) {
      const int fd = ::open(device().Frame(sequence).c_str(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) return errno;
      files.emplace_back(fd);
    }
    return 0;
  }

  std::vector<uint64_t> frames_;
};

TEST_F(HoldLimitTest, AStrangerHoldsHalfOfTheBuffersAndTheRestIsOthers) {
  const int status = RunAs(kStranger, [&] {
    std::vector<UniqueFd> files;
    return OpenAll(files) == EDQUOT && files.size() == kMayHold ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  std::vector<UniqueFd> files;
  EXPECT_EQ(OpenAll(files), 0) << "root is not limited";
}

TEST_F(HoldLimitTest, CaptureGoesOnWhileAStrangerHoldsWhatHeCan) {
  std::array<int, 2> line = {};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line.data()), 0);
  const UniqueFd ours(line[0]);
  const UniqueFd his(line[1]);
  char word = 0;
  int status = -1;
  std::thread stranger([&] {
    status = RunAs(kStranger, [&] {
      std::vector<UniqueFd> files;
      const bool refused = OpenAll(files) == EDQUOT;
      char answer = 0;
      // He holds them until he is told that the captures are over.
      if (::write(his.get(), &answer, 1) != 1 || ::read(his.get(), &answer, 1) != 1) return 1;
      return refused ? 0 : 2;
    });
  });
  ASSERT_EQ(::read(ours.get(), &word, 1), 1);
  device().Capture(3 * kBuffers);
  EXPECT_EQ(device().Status().at("counters").at("dropped"), 0);
  EXPECT_EQ(::write(ours.get(), &word, 1), 1);
  stranger.join();
  EXPECT_EQ(status, 0);
}

TEST_F(HoldLimitTest, MappingsCountAfterClose) {
  const int status = RunAs(kStranger, [&] {
    std::vector<Mapping> mappings;
    for (unsigned i = 0; i < kMayHold; ++i) {
      mappings.push_back(MapAndClose(device().Frame(frames_[i])));
    }
    const auto last = device().Frame(frames_.back());
    // With the cached path a mapping keeps the file open; either way it counts.
    if (OpenError(last, O_RDONLY) != EDQUOT) return 1;
    mappings.clear();
    return WaitUntil([&] { return OpenError(last, O_RDONLY) == 0; }) ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
}

TEST_F(HoldLimitTest, LocksCountToo) {
  const int status = RunAs(kStranger, [&] {
    std::vector<UniqueFd> buffers;
    for (unsigned i = 0; i < kMayHold; ++i) {
      buffers.push_back(Open(device().Buffer(i), O_RDONLY));
      if (::flock(buffers.back().get(), LOCK_SH) != 0) return 1;
    }
    const UniqueFd another = Open(device().Buffer(kMayHold), O_RDONLY);
    if (ErrorOf(::flock(another.get(), LOCK_SH)) != EDQUOT) return 2;
    // Converting a lock that he has takes nothing more.
    if (::flock(buffers.back().get(), LOCK_EX) != 0) return 3;
    ::flock(buffers.back().get(), LOCK_UN);
    return ::flock(another.get(), LOCK_SH) == 0 ? 0 : 4;
  });
  EXPECT_EQ(status, 0);
}

TEST_F(HoldLimitTest, TheReasonIsTheLastError) {
  const int status = RunAs(kStranger, [&] {
    std::vector<UniqueFd> files;
    return OpenAll(files);
  });
  EXPECT_EQ(status, EDQUOT);
  EXPECT_NE(device().LastError().find("-o hold_limit="), std::string::npos) << device().LastError();
}

// Whatever they are converted to: the daemon keeps what they hold.
TEST_F(HoldLimitTest, FramesThatAreReadInPartFromAStreamCountToo) {
  for (const char* name : {"stream.raw", "stream.y4m"}) {
    Child stranger([&](Child::Parent parent) {
      Become(kStranger);
      std::vector<std::unique_ptr<Stream>> streams;
      for (unsigned i = 0; i <= kMayHold; ++i) {
        streams.push_back(std::make_unique<Stream>(device(), name));
        parent.Tell();
        parent.Await();
        try {
          streams.back()->Read(100);
        } catch (const Error& error) {
          return error.code() == EDQUOT && i == kMayHold ? 0 : 1;
        }
      }
      return 2;
    });
    for (unsigned i = 0; i <= kMayHold; ++i) {
      stranger.Await();
      device().Capture(1);
      stranger.Tell();
    }
    EXPECT_EQ(stranger.Wait(), 0) << name;
  }
}

TEST_F(HoldLimitTest, FramesThatWaitForAStreamsReaderCountToo) {
  Child stranger([&](Child::Parent parent) {
    Become(kStranger);
    Stream stream(device(), "stream-lossless.raw");
    if (stream.IsReadable()) return 1;
    parent.Tell();
    parent.Await();
    if (OpenError(device().latest(), O_RDONLY) != EDQUOT) return 2;
    for (unsigned i = 0; i < kMayHold; ++i) stream.Read(picture_.bytes());
    // The daemon copies a frame out of its buffer, and lets go of it when that is done.
    return WaitUntil([&] { return OpenError(device().latest(), O_RDONLY) == 0; }) ? 0 : 3;
  });
  stranger.Await();
  device().Capture(kMayHold + kBuffers - 1);
  EXPECT_EQ(device().Status().at("buffers").at("held"), kMayHold);
  EXPECT_EQ(device().Status().at("counters").at("dropped"), 0);
  stranger.Tell();
  EXPECT_EQ(stranger.Wait(), 0);
}

TEST_F(HoldLimitTest, OpenStreamsEventsAndTextsAreCounted) {
  const int status = RunAs(kStranger, [&] {
    constexpr rlim_t kPlenty = 4000;
    const rlimit limit = {kPlenty, kPlenty};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    std::vector<UniqueFd> files;
    const char* const names[] = {"events", "stream.raw", "stream-lossless.y4m", "status.json",
                                 "width"};
    for (size_t i = 0; files.size() < kPlenty; ++i) {
      const int fd = ::open(device().Path(names[i % 5]).c_str(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) break;
      files.emplace_back(fd);
    }
    if (errno != EDQUOT || files.size() != kFilesOfAUser) return 2;
    files.pop_back();
    return OpenError(device().Path("events"), O_RDONLY);
  });
  EXPECT_EQ(status, 0);
  const auto reason = device().Status().at("last_error").get<std::string>();
  EXPECT_NE(reason.find("open already: close some"), std::string::npos) << reason;
  const UniqueFd other = Open(device().Path("events"), O_RDONLY);
}

TEST_F(HoldLimitTest, IsSetAtTheMount) {
  Start({{kDevice}, {"allow_other", "hold_limit=100%"}});
  device().Capture(kBuffers);
  frames_ = device().Frames();
  const int status = RunAs(kStranger, [&] {
    std::vector<UniqueFd> files;
    return OpenAll(files);
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace grabfs::mount_test
