// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/support/visitor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <initializer_list>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/mount/support/aligned_buffer.h"
#include "tests/mount/support/file.h"

namespace grabfs::mount_test {
namespace {

constexpr unsigned kThings = 200;
constexpr std::chrono::milliseconds kShort{30};
constexpr std::chrono::milliseconds kLong{100};

// What may happen to anybody: the frame went away, or a signal came.
bool IsBadLuck(int code) {
  return code == ENOENT || code == ESTALE || code == EAGAIN || code == EINTR;
}

class Visitor {
 public:
  Visitor(const Device& device, const Picture& picture, unsigned seed)
      : device_(device), picture_(picture), random_(seed), pixels_(picture.bytes()) {}

  void DoSomething() {
    using Thing = void (Visitor::*)();
    static constexpr std::array<Thing, 11> kKinds = {
        &Visitor::ReadAFrame,   &Visitor::MapAFrame,      &Visitor::ShareAFrame,
        &Visitor::SpliceAFrame, &Visitor::UnlinkAFrame,   &Visitor::ReadAStream,
        &Visitor::LockABuffer,  &Visitor::FollowABuffer,  &Visitor::ReadAPicture,
        &Visitor::Listen,       &Visitor::StopWithAFrame,
    };
    (this->*kKinds[Draw(kKinds.size())])();
  }

 private:
  struct Frame {
    UniqueFd fd;
    uint64_t sequence;
  };

  uint64_t Draw(uint64_t below) { return random_() % below; }
  bool Chance(unsigned one_in) { return Draw(one_in) == 0; }
  void Nap(std::chrono::milliseconds longest) {
    std::this_thread::sleep_for(std::chrono::milliseconds(Draw(longest.count())));
  }

  // Of a call that may have had bad luck, or failed in a way that it must not.
  static bool Succeeded(long result, const std::string& what,
                        std::initializer_list<int> also = {}) {
    if (result >= 0) return true;
    const int code = errno;
    if (IsBadLuck(code) || std::ranges::find(also, code) != also.end()) return false;
    throw Error(code, what + ": " + ErrnoText(code));
  }

  void Check(std::span<const std::byte> bytes, uint64_t sequence, const char* when) const {
    if (const auto result = picture_.IsFrame(bytes, sequence); !result) {
      throw std::runtime_error(std::string(when) + ", frame " + std::to_string(sequence) + ": " +
                               result.message());
    }
  }

  // By the newest name, or any.
  std::optional<Frame> OpenAFrame(int flags = O_RDONLY) {
    std::string path = device_.latest();
    if (!Chance(2)) {
      const auto sequences = device_.Frames();
      if (sequences.empty()) return std::nullopt;
      path = device_.Frame(sequences[Draw(sequences.size())]);
    }
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC | (Chance(4) ? O_NONBLOCK : 0)));
    if (!Succeeded(fd.get(), path)) return std::nullopt;
    const std::string sequence = XattrFd(fd.get(), "sequence");
    if (sequence.empty()) ThrowErrno(path + ": sequence");
    return Frame{std::move(fd), std::stoull(sequence)};
  }

  // In one piece or in several.
  void CheckByReading(int fd, uint64_t sequence, const char* when) {
    size_t done = 0;
    while (done < picture_.bytes()) {
      const size_t piece = Chance(2) ? picture_.bytes() - done : 1 + Draw(picture_.bytes() - done);
      const ssize_t got = ::pread(fd, pixels_.data() + done, piece, static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) throw Error(errno, std::string(when) + ": a frame is cut short");
      done += static_cast<size_t>(got);
      if (Chance(20)) Nap(kShort);
    }
    Check({pixels_.data(), picture_.bytes()}, sequence, when);
  }

  void ReadAFrame() {
    const auto frame = OpenAFrame();
    if (!frame) return;
    CheckByReading(frame->fd.get(), frame->sequence, "read");
  }

  void MapAFrame() {
    auto frame = OpenAFrame();
    if (!frame) return;
    const Mapping mapping(frame->fd.get(), picture_.bytes(), PROT_READ,
                          Chance(2) ? MAP_SHARED : MAP_PRIVATE);
    if (Chance(2)) frame->fd.reset();
    Check(mapping.bytes(), frame->sequence, "mapped");
    Nap(Chance(10) ? 10 * kLong : kLong);
    Check(mapping.bytes(), frame->sequence, "mapped for a while");
  }

  // With a child, and sometimes with a grandchild whose parent goes at once.
  void ShareAFrame() {
    auto frame = OpenAFrame();
    if (!frame) return;
    Mapping mapping(frame->fd.get(), picture_.bytes());
    frame->fd.reset();
    const pid_t child = ::fork();
    if (child == 0) ::_exit(WatchForAWhile(mapping, frame->sequence));
    if (child < 0) ThrowErrno("fork");
    mapping.Unmap();
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) throw std::runtime_error("seen by a child");
  }

  int WatchForAWhile(const Mapping& mapping, uint64_t sequence) {
    try {
      for (int i = 0; i < 5; ++i) {
        if (i == 2 && Chance(2) && ::fork() != 0) return 0;
        Nap(kShort);
        Check(mapping.bytes(), sequence, "inherited");
      }
      return 0;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 1;
    }
  }

  void SpliceAFrame() {
    const auto frame = OpenAFrame();
    if (!frame) return;
    int ends[2] = {};
    if (::pipe2(ends, O_CLOEXEC) != 0) ThrowErrno("pipe");
    const UniqueFd out(ends[0]);
    const UniqueFd in(ends[1]);
    size_t done = 0;
    while (done < picture_.bytes()) {
      const ssize_t sent = ::splice(frame->fd.get(), nullptr, in.get(), nullptr, 1 << 16, 0);
      if (!Succeeded(sent, "splice")) return;
      if (sent == 0) throw std::runtime_error("spliced, a frame is cut short");
      if (Chance(8)) Nap(kShort);
      for (ssize_t left = sent; left > 0;) {
        const ssize_t got = ::read(out.get(), pixels_.data() + done, static_cast<size_t>(left));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) ThrowErrno("read of a pipe");
        done += static_cast<size_t>(got);
        left -= got;
      }
    }
    Check({pixels_.data(), picture_.bytes()}, frame->sequence, "spliced");
  }

  void UnlinkAFrame() {
    auto frame = OpenAFrame();
    if (!frame) return;
    (void)Succeeded(::unlink(device_.Frame(frame->sequence).c_str()), "unlink");
    Nap(kShort);
    CheckByReading(frame->fd.get(), frame->sequence, "unlinked");
    // While it is held it can be opened once more.
    const std::string self = "/proc/self/fd/" + std::to_string(frame->fd.get());
    const UniqueFd again(
        CheckSyscall(::open(self.c_str(), O_RDONLY | O_CLOEXEC), "open once more"));
    frame->fd.reset();
    Nap(kShort);
    CheckByReading(again.get(), frame->sequence, "opened once more");
  }

  void ReadAStream() {
    const std::string path = device_.Path(Chance(4) ? "stream-lossless.raw" : "stream.raw");
    const UniqueFd fd = Open(path, O_RDONLY | O_NONBLOCK);
    uint64_t last = 0;
    for (int frame = 0; frame < 3; ++frame) {
      if (!ReadFromStream(fd.get())) return;
      const uint64_t sequence = Picture::Stamp({pixels_.data(), picture_.bytes()});
      Check({pixels_.data(), picture_.bytes()}, sequence, "in a stream");
      if (frame > 0 && sequence <= last) throw std::runtime_error("a stream goes back");
      last = sequence;
    }
  }

  // A whole frame; false when frames are missing, at the end, or when none comes for long.
  bool ReadFromStream(int fd) {
    for (size_t done = 0; done < picture_.bytes();) {
      const ssize_t got = ::read(fd, pixels_.data() + done, picture_.bytes() - done);
      if (got < 0 && errno == EAGAIN) {
        pollfd polled{fd, POLLIN, 0};
        if (::poll(&polled, 1, 1000) == 0) return false;
      } else if (!Succeeded(got, "stream", {ENOBUFS})) {
        return false;
      } else if (got == 0) {
        return false;
      } else {
        done += static_cast<size_t>(got);
        if (Chance(6)) Nap(kShort);
      }
    }
    return true;
  }

  std::string ABuffer() {
    const auto count = device_.Status().at("buffers").at("count").get<unsigned>();
    return device_.Buffer(static_cast<unsigned>(Draw(count)));
  }

  void LockABuffer() {
    const UniqueFd fd = Open(ABuffer(), O_RDONLY);
    if (!Succeeded(::flock(fd.get(), Chance(8) ? LOCK_EX : LOCK_SH), "flock")) return;
    const std::string sequence = XattrFd(fd.get(), "sequence");
    if (sequence.empty()) return;  // without a frame
    CheckByReading(fd.get(), std::stoull(sequence), "locked");
    Nap(kShort);
    CheckByReading(fd.get(), std::stoull(sequence), "locked for a while");
  }

  // What is in it changes: it is only looked at.
  void FollowABuffer() {
    UniqueFd fd = Open(ABuffer(), O_RDONLY);
    const Mapping mapping(fd.get(), picture_.bytes());
    if (Chance(2)) fd.reset();
    unsigned sum = 0;
    for (int i = 0; i < 10; ++i) {
      sum += std::to_integer<unsigned>(mapping.bytes()[Draw(picture_.bytes())]);
      Nap(kShort);
    }
    asm volatile("" : : "g"(sum) : "memory");
  }

  void ReadAPicture() {
    const std::string path = device_.Path("latest.npy");
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!Succeeded(fd.get(), path)) return;
    const auto size = static_cast<size_t>(StatFd(fd.get()).st_size);
    if (ReadAll(fd.get()).size() != size) throw std::runtime_error("a picture is cut short");
  }

  void Listen() {
    const UniqueFd fd = Open(device_.Path("events"), O_RDONLY | O_NONBLOCK);
    pollfd polled{fd.get(), POLLIN, 0};
    for (int i = 0; i < 5; ++i) {
      (void)::poll(&polled, 1, 50);
      std::array<char, 4096> lines{};
      const ssize_t got = ::read(fd.get(), lines.data(), lines.size());
      if (!Succeeded(got, "events") || got == 0) continue;
      if (lines[static_cast<size_t>(got) - 1] != '\n') throw std::runtime_error("half an event");
      Nap(kShort);
    }
  }

  // Whoever looks after the crowd lets it go on.
  void StopWithAFrame() {
    const auto frame = OpenAFrame();
    if (!frame) return;
    ::raise(SIGSTOP);
    CheckByReading(frame->fd.get(), frame->sequence, "after a stop");
  }

  const Device& device_;
  const Picture& picture_;
  std::mt19937 random_;
  AlignedBuffer pixels_;
};

}  // namespace

int Visit(const Device& device, const Picture& picture, unsigned seed) {
  try {
    Visitor visitor(device, picture, seed);
    for (unsigned i = 0; i < kThings; ++i) visitor.DoSomething();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "seed %u: %s\n", seed, error.what());
    return 1;
  }
}

}  // namespace grabfs::mount_test
