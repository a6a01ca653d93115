// SPDX-License-Identifier: Apache-2.0
//
// Every example of docs/examples, run as its first lines say.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "fusefs/base/error.h"
#include "kmod/test_picture.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr const char* kExamples = "docs/examples/";

class ExamplesTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    Start({{"sim0=pattern,format=GREY,width=320,height=240,rate=0"}, {}});
    folder_ = MakeScratchDirectory("examples");
    // As if the Python module were installed.
    ::setenv("GRABFS_LIBRARY", std::filesystem::absolute("cli/lib/libgrabfs.so.0").c_str(), 1);
    ::setenv("PYTHONPATH", std::filesystem::absolute("cli/python").c_str(), 1);
    ::setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    ::setenv("MPLBACKEND", "Agg", 1);
    ::setenv("MPLCONFIGDIR", folder_.c_str(), 1);
  }

  // Starts an example on the device, with grabfs-cli in the path.
  [[nodiscard]] std::unique_ptr<Process> StartExample(const std::string& command) const {
    const std::string tools = std::filesystem::path(CliPath()).parent_path().string();
    return std::make_unique<Process>(std::vector<std::string>{
        "sh", "-c", "D=$1 F=$2 PATH=$3:$PATH; " + std::string(kExamples) + command, "sh",
        mount().Path("sim0"), folder_, tools});
  }

  // Leaves the processor to the example.
  void CaptureAtLeisure() const {
    device().Capture(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }

  // Captures a frame at a time until the example has come to its end.
  void CaptureUntilItEnds(Process& example) {
    EXPECT_TRUE(WaitUntil([&] {
      if (example.Poll()) return true;
      CaptureAtLeisure();
      return false;
    }));
    EXPECT_EQ(example.Wait(), 0) << example.err();
  }

  // What a line of Python prints, in the folder of the examples' results.
  [[nodiscard]] std::string Python(const std::string& line) const {
    const CommandResult result =
        RunShell("cd " + folder_ + " && /usr/bin/python3 -c \"import numpy; " + line + "\"");
    EXPECT_EQ(result.status, 0) << result.err;
    return result.out;
  }

  // What around-trigger.sh has kept; each file is the frame of its name.
  [[nodiscard]] std::vector<std::string> Kept() const {
    const auto names = List(folder_ + "/kept");
    for (const std::string& name : names) {
      const auto bytes = ReadFile(folder_ + "/kept/" + name);
      EXPECT_TRUE(picture_of_device_.IsFrame(bytes, std::stoull(name))) << name;
    }
    return names;
  }

  static std::vector<std::string> Lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }

  const Picture picture_of_device_{"GREY", 320, 240};
  std::string folder_;
};

TEST_F(ExamplesTest, TimelapseTakesPictures) {
  const auto example = StartExample("timelapse.sh $D 0.1 3 $F/lapse");
  EXPECT_EQ(example->Wait(), 0) << example->err();
  EXPECT_EQ(List(folder_ + "/lapse").size(), 3U);
  for (const std::string& name : List(folder_ + "/lapse")) EXPECT_TRUE(name.ends_with(".png"));
}

TEST_F(ExamplesTest, OnFrameRunsACommandForEachFrame) {
  const auto example = StartExample("on-frame.sh $D wc -c");
  EXPECT_TRUE(WaitUntil([&] {
    CaptureAtLeisure();
    return Lines(example->out()).size() >= 5;
  }));
  device().Set("state", "start");  // it leaves when the device stops
  device().Stop();
  EXPECT_EQ(example->Wait(), 0) << example->err();
  for (const std::string& line : Lines(example->out())) {
    EXPECT_TRUE(line.starts_with("76800 ")) << line;
  }
}

// The device makes four frames while the example is busy with one.
TEST_F(ExamplesTest, OnFrameCatchesUpWithADeviceThatIsFourTimesAsFast) {
  const std::string step = folder_ + "/step.sh";
  std::ofstream(step) << "#!/bin/sh\nwc -c \"$1\"\ncd " << mount().Path("sim0")
                      << " && echo 4 >trigger\nuntil [ $(cat trigger) = 0 ]; do :; done\n";
  std::filesystem::permissions(step, std::filesystem::perms::owner_all);
  const auto example = StartExample("on-frame.sh $D $F/step.sh");
  EXPECT_TRUE(WaitUntil([&] {
    if (Lines(example->out()).empty()) CaptureAtLeisure();  // until it listens
    return Lines(example->out()).size() >= 30;
  }));
  device().Set("state", "start");
  device().Stop();
  EXPECT_EQ(example->Wait(), 0) << example->err();
  for (const std::string& line : Lines(example->out())) {
    EXPECT_TRUE(line.starts_with("76800 ")) << line;
  }
  EXPECT_NE(example->err().find("\"event\":\"lost\""), std::string::npos) << "it tells";
  EXPECT_EQ(example->err().find("gone"), std::string::npos) << example->err();
}

TEST_F(ExamplesTest, AroundTriggerKeepsWhatWasBeforeAndAfter) {
  device().Capture(6);
  std::ofstream(folder_ + "/button") << "pressed\n";
  const auto example = StartExample("around-trigger.sh $D 3 $F/kept <$F/button");
  // The history is copied before anything goes on.
  ASSERT_TRUE(
      WaitUntil([&] { return Exists(folder_ + "/kept") && List(folder_ + "/kept").size() == 6; }));
  CaptureUntilItEnds(*example);
  EXPECT_EQ(Kept().size(), 6U + 3U);
  EXPECT_EQ(Kept().front(), "00000000.raw") << "the history is there";
}

// The device would recycle all that is only about to be copied.
TEST_F(ExamplesTest, AroundTriggerKeepsTheHistoryHoweverLongItsCopyTakes) {
  const std::string programs = folder_ + "/programs";
  std::filesystem::create_directory(programs);
  std::ofstream(programs + "/cp")
      << "#!/bin/sh\n[ -e $0.begun ] || { : >$0.begun; until [ -e $0.go ]; "
         "do sleep 0.01; done; }\nexec /bin/cp \"$@\"\n";
  std::filesystem::permissions(programs + "/cp", std::filesystem::perms::owner_all);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (programs + ":" + path).c_str(), 1);
  device().Capture(6);
  std::ofstream(folder_ + "/button") << "pressed\n";
  const auto example = StartExample("around-trigger.sh $D 3 $F/kept <$F/button");
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_TRUE(WaitUntil([&] { return Exists(programs + "/cp.begun"); })) << example->err();
  device().Capture(30);
  std::ofstream(programs + "/cp.go").put('\n');
  CaptureUntilItEnds(*example);
  const auto names = Kept();
  for (int i = 0; i < 6; i++) {
    EXPECT_TRUE(std::ranges::count(names, "0000000" + std::to_string(i) + ".raw")) << i;
  }
  EXPECT_NE(example->err().find("6 of 6 frames from before"), std::string::npos) << example->err();
}

TEST_F(ExamplesTest, MotionIsSeenWhereThereIsSome) {
  const auto example = StartExample("motion.py $D 1 4");
  CaptureUntilItEnds(*example);
  const auto lines = Lines(example->out());
  ASSERT_EQ(lines.size(), 3U) << example->out();
  for (const std::string& line : lines) EXPECT_TRUE(line.ends_with("MOTION")) << line;
}

TEST_F(ExamplesTest, NoMotionIsSeenUnderAHighThreshold) {
  const auto example = StartExample("motion.py $D 100 3");
  CaptureUntilItEnds(*example);
  EXPECT_EQ(example->out().find("MOTION"), std::string::npos) << example->out();
}

TEST_F(ExamplesTest, AverageIsOfAllFrames) {
  const auto example = StartExample("average.py $D $F/average.npy 4");
  CaptureUntilItEnds(*example);
  EXPECT_EQ(Python("a = numpy.load('average.npy'); print(a.shape, a.min() < a.mean() < a.max())"),
            "(240, 320) True\n");
}

TEST_F(ExamplesTest, OpenCvHasAConversionForEachFormat) {
  for (const char* format : {"GREY", "BGR3", "BGR4", "YUYV", "NV12", "RGGB", "BA10", "P010"}) {
    device().Set("format", format);
    device().Capture(1);
    const auto example = StartExample("opencv.py $D $F/picture.png");
    EXPECT_EQ(example->Wait(), 0) << format << ": " << example->err();
    EXPECT_EQ(Python("import cv2; print(cv2.imread('picture.png').shape)"), "(240, 320, 3)\n")
        << format;
  }
}

TEST_F(ExamplesTest, HistogramIsDrawn) {
  const auto example = StartExample("histogram.py $D 3");
  CaptureUntilItEnds(*example);
  EXPECT_EQ(Lines(example->out()).size(), 1U) << example->out();
}

// A clip of 30 dark frames and 30 bright ones, again and again.
TEST_F(ExamplesTest, AroundEventKeepsWhatWasBeforeAndAfter) {
  const std::string clip = folder_ + "/clip.raw";
  std::ofstream(clip) << std::string(size_t{30} * 64 * 32, '\x0a')
                      << std::string(size_t{30} * 64 * 32, '\x64');
  Start({{"sim0=replay:" + clip + ",format=GREY,width=64,height=32,rate=0"}, {}});
  const auto example = StartExample("around-event.py $D $F/recording.npz 5 3");
  CaptureUntilItEnds(*example);
  const std::string means =
      Python("print(*(int(frame.mean()) for frame in numpy.load('recording.npz')['frames']))");
  EXPECT_TRUE(means.ends_with("10 100 100 100 100\n")) << means;
}

TEST_F(ExamplesTest, FollowReadsFramesInTheirBuffers) {
  const auto example = StartExample("follow $D 12");
  CaptureUntilItEnds(*example);
  EXPECT_EQ(Lines(example->out()).size(), 12U);
}

TEST_F(ExamplesTest, BrightnessSkipsNoFrame) {
  const auto example = StartExample("brightness $D 12");
  CaptureUntilItEnds(*example);
  const auto lines = Lines(example->out());
  ASSERT_EQ(lines.size(), 12U);
  for (const std::string& line : lines) EXPECT_TRUE(line.ends_with(" 0 missed")) << line;
}

TEST_F(ExamplesTest, DifferenceSeesThatThePictureChanges) {
  const auto example = StartExample("difference $D 12");
  CaptureUntilItEnds(*example);
  const auto lines = Lines(example->out());
  ASSERT_EQ(lines.size(), 11U);
  for (const std::string& line : lines) EXPECT_FALSE(line.ends_with(": 0")) << line;
}

// Frames of a camera on their way to other machines, over loopback.
class ZeroMqTest : public ExamplesTest {
 protected:
  // What a receiver got.
  struct Received {
    uint64_t sequence;
    uint64_t missed;  // by the sender
    uint32_t checksum;
  };

  void SetUp() override {
    ExamplesTest::SetUp();
    if (IsSkipped()) return;
    const UniqueFd fd(CheckSyscall(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
    sockaddr_in address = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    CheckSyscall(::bind(fd.get(), generic, size), "bind");
    CheckSyscall(::getsockname(fd.get(), generic, &size), "getsockname");
    address_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }

  void StartSender(const std::string& device, const std::string& mode) {
    Start({{"sim0=pattern,format=GREY,width=1920,height=1080," + device}, {}});
    ASSERT_TRUE(test_picture_init(&geometry_, TEST_PICTURE_FOURCC('G', 'R', 'E', 'Y'), 1920, 1080));
    table_.resize(test_picture_table_bytes(&geometry_));
    test_picture_table_init(&geometry_, table_.data());
    sender_ = StartExample("zmq-send.py $D " + address_ + " " + mode);
  }

  // Starts zmq-receive.py's generator, which is what programs take of it.
  [[nodiscard]] std::unique_ptr<Process> StartReceiver(const std::string& mode) const {
    const std::string program =
        "import runpy, sys, zlib\n"
        "frames = runpy.run_path(sys.argv[1])['frames']\n"
        "for header, picture in frames(*sys.argv[2:]):\n"
        "    assert picture.shape == (1080, 1920), picture.shape\n"
        "    print(header['sequence'], header['missed'], zlib.crc32(picture), flush=True)\n";
    return std::make_unique<Process>(
        std::vector<std::string>{"/usr/bin/python3", "-c", program,
                                 std::string(kExamples) + "zmq-receive.py", address_, mode});
  }

  // Each is checked to be the frame of its number.
  [[nodiscard]] std::vector<Received> Frames(const Process& receiver) const {
    EXPECT_EQ(receiver.err(), "");
    EXPECT_EQ(sender_->err(), "");
    std::vector<Received> all;
    const std::string out = receiver.out();
    std::istringstream lines(out.substr(0, out.rfind('\n') + 1));
    std::vector<uint8_t> expected(geometry_.bytes);
    for (Received frame{}; lines >> frame.sequence >> frame.missed >> frame.checksum;) {
      test_picture_paint(&geometry_, table_.data(), frame.sequence, 0, expected.size(),
                         expected.data());
      EXPECT_EQ(::crc32(0, expected.data(), static_cast<uInt>(expected.size())), frame.checksum)
          << "frame " << frame.sequence << " is wrong";
      all.push_back(frame);
    }
    return all;
  }

  [[nodiscard]] static bool HasMore(const Process& receiver, size_t frames) {
    return Lines(receiver.out()).size() >= frames;
  }

  std::string address_;
  std::unique_ptr<Process> sender_;
  test_picture geometry_{};
  std::vector<uint8_t> table_;
};

// A receiver that stands still has frames held; they arrive as they were, and the other one waits
// for nothing.
TEST_F(ZeroMqTest, LiveFramesGoToEachReceiver) {
  StartSender("rate=60", "live");
  device().Set("state", "start");
  const auto one = StartReceiver("live");
  const auto other = StartReceiver("live");
  ASSERT_TRUE(WaitUntil([&] { return HasMore(*one, 60) && HasMore(*other, 60); })) << one->err();
  one->Signal(SIGSTOP);
  const size_t before = Lines(other->out()).size();
  EXPECT_TRUE(WaitUntil([&] { return HasMore(*other, before + 90); }));
  one->Signal(SIGCONT);
  const size_t stopped = Lines(one->out()).size();
  EXPECT_TRUE(WaitUntil([&] { return HasMore(*one, stopped + 60); }));
  for (const auto* receiver : {&one, &other}) {
    const auto frames = Frames(**receiver);
    for (size_t i = 1; i < frames.size(); i++) {
      EXPECT_GT(frames[i].sequence, frames[i - 1].sequence);
    }
  }
}

// While the receiver stands still the sender waits, too: what the camera made meanwhile it calls
// missed.
TEST_F(ZeroMqTest, LosslessFramesWaitForTheReceiver) {
  StartSender("rate=60", "lossless");
  device().Set("state", "start");
  const auto receiver = StartReceiver("lossless");
  ASSERT_TRUE(WaitUntil([&] { return HasMore(*receiver, 60); })) << receiver->err();
  receiver->Signal(SIGSTOP);
  const uint64_t next = device().NextSequence();
  EXPECT_TRUE(WaitUntil([&] { return device().NextSequence() > next + 60; }));
  receiver->Signal(SIGCONT);
  const size_t before = Lines(receiver->out()).size();
  EXPECT_TRUE(WaitUntil([&] { return HasMore(*receiver, before + 60); }));
  const auto frames = Frames(*receiver);
  uint64_t missed = 0;
  for (size_t i = 1; i < frames.size(); i++) {
    EXPECT_EQ(frames[i].sequence, frames[i - 1].sequence + 1 + frames[i].missed)
        << "lost on the way";
    missed += frames[i].missed;
  }
  EXPECT_GT(missed, 0U) << "the sender waited for nobody";
}

// A camera that waits for the receiver loses none.
TEST_F(ZeroMqTest, LosslessFramesAreAllThere) {
  StartSender("rate=0,state=stopped", "lossless");
  const auto receiver = StartReceiver("lossless");
  ASSERT_TRUE(WaitUntil([&] {
    if (HasMore(*receiver, 1)) return true;
    CaptureAtLeisure();
    return false;
  }));
  uint64_t last = device().NextSequence() - 1;
  const auto arrived = [&] { return std::stoull(Lines(receiver->out()).back()) >= last; };
  ASSERT_TRUE(WaitUntil(arrived));  // what was captured while the programs came up
  const size_t before = Frames(*receiver).size();
  const uint64_t first = last;
  for (int i = 0; i < 60; i++) {
    last = device().Capture(1);
    ASSERT_TRUE(WaitUntil(arrived));
  }
  EXPECT_EQ(Frames(*receiver).size() - before, last - first);
}

TEST_F(ExamplesTest, SystemdUnderstandsTheUnits) {
  const CommandResult result =
      RunShell("SYSTEMD_LOG_LEVEL=err systemd-analyze verify --recursive-errors=no --man=no " +
               std::string(kExamples) + "grabfs-snapshot.timer " + kExamples +
               "grabfs-snapshot.service " + kExamples + "grabfs-webcam@.service");
  // The programs need not be installed here.
  for (const std::string& line : Lines(result.err)) {
    EXPECT_NE(line.find("not executable"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace grabfs::mount_test
