// SPDX-License-Identifier: Apache-2.0
//
// What a frame costs on two roads, in one run: `vivid` read by V4L2's mmap, and a device of
// grabfs's (a grabdma adapter, or the same `vivid`) read through a mapping of its buffer files.
// Same size, same format, same rate, same reader: it looks at every pixel once. Time is that of the
// whole machine, so that nothing can hide in a kernel thread; of the handing over alone it is that
// of the reader.
//
// V4L2 has one reader. Four on that road are given each frame as a file of tmpfs.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fusefs/base/error.h"
#include "grabfs/grabfs.h"
#include "tests/vm/guest/cameras.h"

namespace grabfs::vm {
namespace {

constexpr int kWarmUp = 4;
constexpr int kFrames = 15;
constexpr int kRounds = 5;
constexpr int kReaders = 4;
constexpr char kFile[] = "/dev/shm/frame.raw";

// Microseconds of machine time for each of the frames that `read_frame` waits for.
double Measure(const std::function<void()>& read_frame) {
  for (int frame = 0; frame < kWarmUp; ++frame) read_frame();
  const uint64_t before = MachineTime();
  for (int frame = 0; frame < kFrames; ++frame) read_frame();
  return static_cast<double>(MachineTime() - before) / 1000 / kFrames;
}

// A process that does something for each frame and says so.
class Reader {
 public:
  // `prepare` is called in the process, and what it returns for each frame.
  explicit Reader(const std::function<std::function<void()>()>& prepare) {
    int ends[2];
    CheckSyscall(pipe2(ends, O_CLOEXEC), "pipe");
    done_ = UniqueFd(ends[0]);
    const UniqueFd tell(ends[1]);
    pid_ = CheckSyscall(fork(), "fork");
    if (pid_ != 0) return;
    const auto read_frame = prepare();
    for (;;) {
      read_frame();
      if (write(tell.get(), "", 1) != 1) _exit(1);
    }
  }
  ~Reader() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void Await() const {
    char byte = 0;
    if (CheckSyscall(read(done_.get(), &byte, 1), "reader") != 1) throw Error(EPIPE, "reader died");
  }

 private:
  UniqueFd done_;
  pid_t pid_ = -1;
};

using Readers = std::vector<std::unique_ptr<Reader>>;

void AwaitAll(const Readers& readers) {
  for (const auto& reader : readers) reader->Await();
}

double MeasureV4l2() {
  V4l2Camera camera;
  return Measure([&] { camera.ReadFrame(); });
}

double MeasureGrabfs() {
  GrabfsCamera camera;
  return Measure([&] { camera.ReadFrame(); });
}

// Each frame is written to a file of tmpfs, which all readers read.
double MeasureV4l2WithCopies() {
  Readers readers;
  std::vector<UniqueFd> bells;
  for (int i = 0; i < kReaders; ++i) {
    int ends[2];
    CheckSyscall(pipe2(ends, O_CLOEXEC), "pipe");
    const UniqueFd listen(ends[0]);
    bells.emplace_back(ends[1]);
    readers.push_back(std::make_unique<Reader>([&] {
      return [bell = listen.get(), pixels = std::vector<std::byte>(kCameraBytes)]() mutable {
        char byte = 0;
        if (read(bell, &byte, 1) != 1) _exit(0);
        const UniqueFd file(open(kFile, O_RDONLY | O_CLOEXEC));
        if (read(file.get(), pixels.data(), pixels.size()) != kCameraBytes) _exit(1);
        LookAtEveryPixel(pixels);
      };
    }));
  }
  V4l2Camera camera;
  return Measure([&] {
    camera.TakeFrame([&](std::span<const std::byte> pixels) {
      const UniqueFd file(open(kFile, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
      if (write(file.get(), pixels.data(), pixels.size()) != kCameraBytes) ThrowErrno(kFile);
    });
    for (const UniqueFd& bell : bells) CheckSyscall(write(bell.get(), "", 1), "bell");
    AwaitAll(readers);
  });
}

double MeasureGrabfsWithReaders() {
  Readers readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.push_back(std::make_unique<Reader>(
        [] { return [camera = std::make_shared<GrabfsCamera>()] { camera->ReadFrame(); }; }));
  }
  const double cost = Measure([&] { AwaitAll(readers); });
  readers.clear();
  const GrabfsCamera stop;
  return cost;
}

// The median of grabfs / V4L2, measured in turns.
double Ratio(const char* what, const std::function<double()>& v4l2,
             const std::function<double()>& grabfs) {
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    const double theirs = v4l2();
    const double ours = grabfs();
    ratios.push_back(ours / theirs);
    std::printf("%s: V4L2 %.2f us, grabfs %.2f us, ratio %.3f\n", what, theirs, ours,
                ratios.back());
  }
  std::nth_element(ratios.begin(), ratios.begin() + kRounds / 2, ratios.end());
  const double median = ratios[kRounds / 2];
  std::printf("time of a frame, %s, grabfs / V4L2: %.3f (median of %d)\n", what, median, kRounds);
  return median;
}

// What this thread has run, which is instructions where time is.
uint64_t ThreadTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// The median of what taking a frame that is there, and giving it back, costs this thread.
double MeasureHandOver(const std::function<void()>& hand_over) {
  constexpr timespec kFrame = {0, 1'000'000'000 / kCameraRate};
  std::vector<double> times;
  for (int frame = -kWarmUp; frame < kFrames; ++frame) {
    nanosleep(&kFrame, nullptr);
    const uint64_t begin = ThreadTime();
    const uint64_t empty = ThreadTime();
    hand_over();
    const uint64_t end = ThreadTime();
    if (frame >= 0) times.push_back(static_cast<double>(end - empty) - (empty - begin));
  }
  std::nth_element(times.begin(), times.begin() + kFrames / 2, times.end());
  return times[kFrames / 2] / 1000;
}

double MeasureV4l2HandOver() {
  V4l2Camera camera;
  return MeasureHandOver([&] { camera.TakeFrame([](std::span<const std::byte>) {}); });
}

double MeasureRingHandOver() {
  const GrabfsCamera streaming;
  grabfs_device* camera = nullptr;
  if (grabfs_open(std::getenv("VM_MOUNT"), &camera) != 0) throw Error(ENODEV, grabfs_reason());
  uint64_t given = 0;
  const double cost = MeasureHandOver([&] {
    const grabfs_frame* frame = nullptr;
    given += grabfs_next(camera, 0, &frame) == 0;
    grabfs_release(frame);
  });
  EXPECT_STREQ(grabfs_path(camera), "ring");
  EXPECT_GE(given, static_cast<uint64_t>(kFrames));
  grabfs_close(camera);
  return cost;
}

TEST(V4l2RatioTest, OfTheSameCameraAFrameIsHandedOverForLessThanAThird) {
  EXPECT_LE(Ratio("handed over", MeasureV4l2HandOver, MeasureRingHandOver), 0.3);
}

TEST(V4l2RatioTest, AFrameCostsNoMoreMachineTimeThanByV4l2) {
  EXPECT_LE(Ratio("one reader", MeasureV4l2, MeasureGrabfs), 1.0);
}

TEST(V4l2RatioTest, OfTheSameCameraAFrameCostsHardlyMore) {
  EXPECT_LE(Ratio("one reader", MeasureV4l2, MeasureGrabfs), 1.1);
}

TEST(V4l2RatioTest, FourReadersCostHalfOfWhatCopiesCost) {
  EXPECT_LE(Ratio("four readers", MeasureV4l2WithCopies, MeasureGrabfsWithReaders), 0.5);
}

}  // namespace
}  // namespace grabfs::vm
