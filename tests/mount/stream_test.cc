// SPDX-License-Identifier: Apache-2.0
//
// The promise of streams: frame after frame, each whole, from the next one on, for every open by
// itself; what a reader misses is counted and told, and a lossless reader misses nothing unnoticed;
// the end of capturing is the end of the file.
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "tests/mount/support/fixture.h"
#include "tests/mount/support/stream.h"

namespace grabfs::mount_test {
namespace {

constexpr const char* kSkip = "stream.raw";
constexpr const char* kLossless = "stream-lossless.raw";
constexpr unsigned kMayBeReserved = kBuffers - 2;

class StreamTest : public MountTest {
 protected:
  [[nodiscard]] size_t bytes() const { return picture_.bytes(); }

  // The next frame; its number must be `sequence`.
  ::testing::AssertionResult NextIs(Stream& stream, uint64_t sequence) {
    return picture_.IsFrame(stream.Read(bytes()), sequence);
  }
  // errno of reading; 0 when something was there.
  static int ReadError(const Stream& stream) {
    char byte = 0;
    return ErrorOf(::read(stream.fd(), &byte, 1));
  }
  // errno of waiting for something to be read.
  static int FailureOf(Stream& stream) {
    try {
      stream.ReadSome(1);
      return 0;
    } catch (const Error& error) {
      return error.code();
    }
  }
  [[nodiscard]] bool BooksClose() const {
    return WaitUntil([this] {
      const nlohmann::json status = device().Status();
      const auto count = [&](const char* name) {
        return status.at("counters").at(name).get<uint64_t>();
      };
      return status.at("buffers").at("held") == 0 && status.at("streams").empty() &&
             count("captured") == count("delivered") + count("recycled") + count("dropped") +
                                      count("failed") + count("present");
    });
  }
};

TEST_F(StreamTest, BeginsWithTheNextFrame) {
  device().Capture(3);
  for (const char* name : {kSkip, kLossless}) {
    Stream stream(device(), name);
    EXPECT_EQ(ReadError(stream), EAGAIN);
    const uint64_t sequence = device().Capture(1);
    EXPECT_TRUE(NextIs(stream, sequence)) << name;
  }
}

TEST_F(StreamTest, IsFrameAfterFrame) {
  for (const char* name : {kSkip, kLossless}) {
    Stream stream(device(), name);
    for (int i = 0; i < 50; i++) {
      const uint64_t last = device().Capture(2);
      ASSERT_TRUE(NextIs(stream, last - 1)) << name;
      ASSERT_TRUE(NextIs(stream, last)) << name;
    }
  }
}

TEST_F(StreamTest, EveryOpenHasItsOwnPlace) {
  Stream slow(device(), kSkip);
  const uint64_t first = device().Capture(1);
  Stream late(device(), kSkip);
  device().Capture(1);
  EXPECT_TRUE(NextIs(late, first + 1));
  EXPECT_TRUE(NextIs(slow, first));
  EXPECT_TRUE(NextIs(slow, first + 1));
}

TEST_F(StreamTest, AReadEndsWithItsFrame) {
  Stream stream(device(), kSkip);
  device().Capture(2);
  EXPECT_EQ(stream.ReadSome(10 * bytes()).size(), bytes());
  EXPECT_EQ(stream.ReadSome(7).size(), 7U);
  EXPECT_EQ(stream.ReadSome(10 * bytes()).size(), bytes() - 7);
}

TEST_F(StreamTest, AFrameThatIsBeingReadStaysWhole) {
  Stream stream(device(), kSkip);
  const uint64_t sequence = device().Capture(1);
  std::vector<std::byte> frame = stream.Read(bytes() / 2);
  device().Capture(10 * kBuffers);
  const auto rest = stream.Read(bytes() - frame.size());
  frame.insert(frame.end(), rest.begin(), rest.end());
  EXPECT_TRUE(picture_.IsFrame(frame, sequence));
}

TEST_F(StreamTest, WhoIsTooSlowSkipsAndIsTold) {
  EventReader events(device());
  Stream stream(device(), kSkip);
  const uint64_t last = device().Capture(20);
  ASSERT_TRUE(NextIs(stream, last - kBuffers + 1));
  const nlohmann::json skip = events.NextOf("skip");
  EXPECT_EQ(skip.at("device"), "sim0");
  EXPECT_EQ(skip.at("file"), kSkip);
  EXPECT_EQ(skip.at("pid"), ::getpid());
  EXPECT_EQ(skip.at("count"), 20 - kBuffers);
  const nlohmann::json reader = device().Status().at("streams").at(0);
  EXPECT_EQ(reader.at("file"), kSkip);
  EXPECT_EQ(reader.at("pid"), ::getpid());
  EXPECT_EQ(reader.at("frames"), 1);
  EXPECT_EQ(reader.at("skipped"), 20 - kBuffers);
}

TEST_F(StreamTest, LosslessFramesWaitForTheirReader) {
  Stream stream(device(), kLossless);
  const uint64_t last = device().Capture(kBuffers);
  for (uint64_t sequence = last - kBuffers + 1; sequence <= last; sequence++) {
    EXPECT_TRUE(NextIs(stream, sequence));
  }
}

TEST_F(StreamTest, ALosslessReaderIsToldWhereFramesAreMissing) {
  EventReader events(device());
  Stream stream(device(), kLossless);
  EXPECT_FALSE(stream.IsReadable());
  const uint64_t first = device().NextSequence();
  const uint64_t last = device().Capture(kMayBeReserved + 3);  // the last in two buffers by turns
  for (uint64_t sequence = first; sequence < first + kMayBeReserved; sequence++) {
    EXPECT_TRUE(NextIs(stream, sequence));
  }
  EXPECT_EQ(FailureOf(stream), ENOBUFS);
  EXPECT_EQ(events.NextOf("skip").at("count"), 1);
  EXPECT_TRUE(NextIs(stream, last - 1));
  EXPECT_TRUE(NextIs(stream, last));
  EXPECT_EQ(ReadError(stream), EAGAIN);
  EXPECT_EQ(device().Status().at("counters").at("dropped"), 0) << "others have lost nothing";
}

TEST_F(StreamTest, ALosslessStreamThatIsOpenedAndNotReadHoldsNothing) {
  const Stream stream(device(), kLossless);
  const uint64_t last = device().Capture(5 * kBuffers);
  EXPECT_EQ(device().Status().at("buffers").at("held"), 0);
  EXPECT_EQ(device().Status().at("counters").at("dropped"), 0);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().latest()), last));
}

// A backup that hangs, say. There may be many of them.
TEST_F(StreamTest, LosslessReadersThatStopLeaveBuffersToCapture) {
  std::vector<std::unique_ptr<Stream>> streams;
  for (unsigned i = 0; i < 2 * kBuffers; i++) {
    streams.push_back(std::make_unique<Stream>(device(), kLossless));
    const uint64_t last = device().Capture(1);
    streams.back()->ReadSome(1);
    EXPECT_TRUE(picture_.IsFrame(ReadFile(device().latest()), last));
  }
  for (unsigned i = 0; i < 5 * kBuffers; i++) {
    const uint64_t last = device().Capture(1);
    ASSERT_TRUE(picture_.IsFrame(ReadFile(device().latest()), last));
  }
  EXPECT_EQ(device().Status().at("counters").at("dropped"), 0);
  EXPECT_LE(device().Status().at("buffers").at("held"), kMayBeReserved);
  EXPECT_EQ(FailureOf(*streams.front()), ENOBUFS) << "and is told";
}

TEST_F(StreamTest, ASlowLosslessReaderDoesNotMakeOthersWait) {
  Stream lossless(device(), kLossless);
  Stream other(device(), kSkip);
  const uint64_t last = device().Capture(kBuffers);
  for (uint64_t sequence = last - kBuffers + 1; sequence <= last; sequence++) {
    EXPECT_TRUE(NextIs(other, sequence));
  }
  EXPECT_TRUE(NextIs(lossless, last - kBuffers + 1));
}

TEST_F(StreamTest, EndsWhenTheDeviceStops) {
  device().Set("rate", "200");
  for (const char* name : {kSkip, kLossless}) {
    Stream stream(device(), name);
    device().Set("state", "start");
    const auto first = stream.Read(bytes());
    EXPECT_TRUE(picture_.IsFrame(first, Picture::Stamp(first)));
    device().Stop();
    size_t more = 0;
    for (;;) {
      try {
        const auto frame = stream.Read(bytes());
        if (frame.empty()) break;
        EXPECT_TRUE(picture_.IsFrame(frame, Picture::Stamp(frame)));
        more++;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ENOBUFS);  // this test was too slow for its device
      }
    }
    EXPECT_LE(more, kBuffers);
    EXPECT_TRUE(stream.ReadSome(1).empty()) << "the end is for ever";
    EXPECT_TRUE(stream.IsReadable());
  }
}

TEST_F(StreamTest, OutlastsTriggeredCaptures) {
  Stream stream(device(), kSkip);
  for (int i = 0; i < 3; i++) EXPECT_TRUE(NextIs(stream, device().Capture(1)));
  EXPECT_EQ(ReadError(stream), EAGAIN);
}

TEST_F(StreamTest, EndsWhereTheFormatChanges) {
  Stream stream(device(), kSkip);
  Stream unread(device(), kSkip);
  const uint64_t sequence = device().Capture(1);
  EXPECT_TRUE(NextIs(stream, sequence));
  device().Set("width", "64");
  device().Capture(1);
  EXPECT_TRUE(stream.ReadSome(1).empty());
  // It begins with the first frame that it takes.
  EXPECT_EQ(unread.ReadSome(10 * bytes()).size(), size_t{64} * kHeight);
}

TEST_F(StreamTest, EndsWithTheDaemon) {
  Child reader([&](Child::Parent parent) {
    const UniqueFd fd = Open(device().Path(kSkip), O_RDONLY);
    parent.Tell();
    char byte = 0;
    return ::read(fd.get(), &byte, 1) == 0 ? 0 : 1;
  });
  reader.Await();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // let it block; either way it passes
  mount().Unmount();
  EXPECT_EQ(reader.Wait(), 0);
}

TEST_F(StreamTest, PollWaitsForTheNextFrame) {
  for (const char* name : {kSkip, kLossless}) {
    Stream stream(device(), name);
    EXPECT_FALSE(stream.IsReadable());
    device().Capture(1);
    EXPECT_TRUE(stream.IsReadable(kPatience));
    stream.Read(bytes() - 1);
    EXPECT_TRUE(stream.IsReadable()) << "a byte is left";
    stream.Read(1);
    EXPECT_FALSE(stream.IsReadable());
    device().Capture(1);
    EXPECT_TRUE(stream.IsReadable(kPatience));
  }
}

TEST_F(StreamTest, ABlockedReaderIsWokenByTheFrame) {
  Child reader([&](Child::Parent parent) {
    const UniqueFd fd = Open(device().Path(kSkip), O_RDONLY);
    std::vector<std::byte> frame(bytes());
    parent.Tell();
    const ssize_t got = ::read(fd.get(), frame.data(), frame.size());
    return got == static_cast<ssize_t>(bytes()) && picture_.IsFrame(frame, 0) ? 0 : 1;
  });
  reader.Await();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // let it block; either way it passes
  device().Capture(1);
  EXPECT_EQ(reader.Wait(), 0);
}

TEST_F(StreamTest, ABlockedReaderIsInterrupted) {
  Child reader([&](Child::Parent parent) {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &action, nullptr);
    const UniqueFd fd = Open(device().Path(kSkip), O_RDONLY);
    parent.Tell();
    char byte = 0;
    return ErrorOf(::read(fd.get(), &byte, 1)) == EINTR ? 0 : 1;
  });
  reader.Await();
  // Until it has blocked: a signal before is lost.
  EXPECT_TRUE(WaitUntil([&] {
    ::kill(reader.pid(), SIGUSR1);
    return device().Status().at("streams").empty();
  }));
  EXPECT_EQ(reader.Wait(), 0);
}

TEST_F(StreamTest, AKilledReaderLetsGoOfItsFrames) {
  Child reader([&](Child::Parent parent) {
    const Stream lossless(device(), kLossless);
    if (lossless.IsReadable()) return 1;
    Stream half(device(), kSkip);
    parent.Tell();
    parent.Await();
    half.Read(1);
    parent.Tell();
    parent.Await();
    return 0;
  });
  reader.Await();
  device().Capture(kBuffers);
  reader.Tell();
  reader.Await();
  EXPECT_EQ(device().Status().at("buffers").at("held"), kMayBeReserved);
  reader.Kill();
  EXPECT_TRUE(BooksClose());
}

TEST_F(StreamTest, ManyReadersWhileItCapturesFlatOut) {
  device().Capture(1);  // number 0 is behind us
  std::vector<std::unique_ptr<Child>> readers;
  for (int i = 0; i < 6; i++) {
    readers.push_back(std::make_unique<Child>([&, i](Child::Parent parent) {
      Stream stream(device(), i % 3 == 0 ? kLossless : kSkip);
      parent.Tell();
      uint64_t previous = 0;
      for (;;) {
        try {
          const auto frame = stream.Read(bytes());
          if (frame.empty()) return 0;
          const uint64_t sequence = Picture::Stamp(frame);
          if (!picture_.IsFrame(frame, sequence) || sequence <= previous) return 1;
          previous = sequence;
        } catch (const Error& error) {
          if (error.code() != ENOBUFS || i % 3 != 0) return 2;
        }
      }
    }));
  }
  for (const auto& reader : readers) reader->Await();
  device().Set("state", "start");
  std::this_thread::sleep_for(SoakTime() / 3);
  device().Stop();
  for (const auto& reader : readers) EXPECT_EQ(reader->Wait(), 0);
  EXPECT_TRUE(BooksClose());
}

TEST_F(StreamTest, Y4mIsAHeaderAndFrames) {
  Stream stream(device(), "stream.y4m");
  device().Set("rate", "25");
  for (int i = 0; i < 3; i++) {
    const uint64_t sequence = device().Capture(1);
    std::string header = i == 0 ? "YUV4MPEG2 W130 H94 F25:1 Ip A1:1 Cmono\n" : "";
    header += "FRAME\n";
    const auto text = stream.Read(header.size());
    EXPECT_EQ(std::memcmp(text.data(), header.data(), header.size()), 0);
    EXPECT_TRUE(NextIs(stream, sequence));
  }
}

TEST_F(StreamTest, Y4mOfEveryFormatIsAsLongAsItsHeaderSays) {
  struct Case {
    const char* format;
    const char* colour_space;
    size_t bytes;
  };
  constexpr size_t kPixels = size_t{kWidth} * kHeight;
  for (const Case& c :
       {Case{"Y16", "Cmono16", 2 * kPixels}, Case{"Y10", "Cmono10", 2 * kPixels},
        Case{"Y12", "Cmono12", 2 * kPixels}, Case{"NV12", "C420jpeg", kPixels * 3 / 2},
        Case{"P010", "C420p10", kPixels * 3}, Case{"BG12", "C444", kPixels * 3},
        Case{"YUYV", "C422", 2 * kPixels}, Case{"RGB3", "C444", 3 * kPixels},
        Case{"BGR3", "C444", 3 * kPixels}, Case{"BGR4", "C444", 3 * kPixels},
        Case{"XR24", "C444", 3 * kPixels}}) {
    device().Set("format", c.format);
    Stream stream(device(), "stream-lossless.y4m");
    device().Capture(2);
    const auto header = stream.ReadSome(100 * kPixels);
    const std::string text(reinterpret_cast<const char*>(header.data()), header.size());
    EXPECT_TRUE(text.ends_with(std::string(c.colour_space) + "\n")) << text;
    for (int i = 0; i < 2; i++) {
      EXPECT_EQ(stream.ReadSome(100 * kPixels).size(), 6 + c.bytes) << c.format;
    }
  }
}

TEST_F(StreamTest, AnOutputDeviceHasNoStream) {
  const std::string directory = MakeScratchDirectory("display");
  Start({{"sim0=display:" + directory + "/out.raw,format=GREY,width=64,height=64"}, {}});
  EXPECT_EQ(OpenError(device().Path(kSkip), O_RDONLY), EOPNOTSUPP);
  EXPECT_TRUE(WaitUntil([&] { return device().LastError().find(kSkip) != std::string::npos; }));
}

TEST_F(StreamTest, IsReadOnlyAndHasNoSize) {
  for (const char* name : {kSkip, "stream.y4m", kLossless, "stream-lossless.y4m"}) {
    const struct stat status = Stat(device().Path(name));
    EXPECT_EQ(status.st_mode & 0222, 0U) << name;
    EXPECT_EQ(status.st_size, 0) << name;
    EXPECT_EQ(OpenError(device().Path(name), O_WRONLY), EACCES) << name;
    Stream stream(device(), name);
    EXPECT_EQ(ErrorOf(::lseek(stream.fd(), 0, SEEK_SET)), ESPIPE) << name;
  }
}

// Without O_DIRECT the kernel takes splice() for a read of its page cache, up to a size of 0.
TEST_F(StreamTest, IsSplicedIntoAPipeWhenOpenedDirectly) {
  Stream stream(device(), kSkip, O_DIRECT);
  const uint64_t sequence = device().Capture(1);
  int ends[2] = {};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  std::vector<std::byte> frame;
  while (frame.size() < bytes()) {
    const ssize_t moved = ::splice(stream.fd(), nullptr, in.get(), nullptr, bytes(), 0);
    ASSERT_GT(moved, 0) << std::strerror(errno);
    std::vector<std::byte> part(static_cast<size_t>(moved));
    ASSERT_EQ(::read(out.get(), part.data(), part.size()), moved);
    frame.insert(frame.end(), part.begin(), part.end());
  }
  EXPECT_TRUE(picture_.IsFrame(frame, sequence));
}

}  // namespace
}  // namespace grabfs::mount_test
