// SPDX-License-Identifier: Apache-2.0
//
// A camera at 60 frames/s beside a server that sends its newest frame, again and again, to twenty
// clients that take little at a time: what is on its way to them must not cost the camera a frame.
#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/mount/support/file.h"
#include "tests/mount/support/wait.h"

namespace grabfs::bench {
namespace {

constexpr unsigned kBuffers = 32;
constexpr size_t kClients = 20;
constexpr size_t kSip = 64 << 10;
// Each client takes 6.5 MB/s: more than a second for a frame.
constexpr std::chrono::milliseconds kPause{10};

// The server's side of a client: what it is sent now, and how far.
class Session {
 public:
  Session() {
    std::array<int, 2> ends{};
    CheckSyscall(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()),
                 "socketpair");
    server_ = UniqueFd(ends[0]);
    client_ = UniqueFd(ends[1]);
  }

  [[nodiscard]] int server() const { return server_.get(); }

  // As much as the socket takes; the next frame when one has been sent.
  void Send(const std::string& newest, off_t bytes) {
    if (!frame_.valid()) frame_ = UniqueFd(::open(newest.c_str(), O_RDONLY | O_CLOEXEC));
    if (!frame_.valid()) return;
    while (sent_<bytes&& ::sendfile(server_.get(), frame_.get(), &sent_,
                                    static_cast<size_t>(bytes - sent_))> 0) {
    }
    if (sent_ < bytes) return;
    frame_.reset();
    sent_ = 0;
    ++frames_;
  }

  void Sip(std::vector<char>& mouth) const {
    (void)!::read(client_.get(), mouth.data(), mouth.size());
  }

  [[nodiscard]] uint64_t frames() const { return frames_; }

 private:
  UniqueFd server_;
  UniqueFd client_;
  UniqueFd frame_;
  off_t sent_ = 0;
  uint64_t frames_ = 0;
};

// The number of frames sent.
uint64_t Serve(const mount_test::Device& device, std::chrono::milliseconds time) {
  std::vector<Session> sessions(kClients);
  std::atomic<bool> stop = false;
  std::thread clients([&] {
    std::vector<char> mouth(kSip);
    for (; !stop; std::this_thread::sleep_for(kPause)) {
      for (const Session& session : sessions) session.Sip(mouth);
    }
  });
  const auto bytes = device.Status().at("bytes").get<off_t>();
  std::vector<pollfd> writable;
  for (const Session& session : sessions) writable.push_back({session.server(), POLLOUT, 0});
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    (void)::poll(writable.data(), writable.size(), 10);
    for (size_t i = 0; i < kClients; ++i) {
      if (writable[i].revents != 0) sessions[i].Send(device.latest(), bytes);
    }
  }
  stop = true;
  clients.join();
  uint64_t frames = 0;
  for (const Session& session : sessions) frames += session.frames();
  return frames;
}

}  // namespace

std::vector<Row> BenchmarkSlowClients(const Context& context) {
  const Daemon daemon(context, {FullHdDevice(kBuffers)});
  const mount_test::Device device = daemon.device();
  device.Set("state", "start");
  (void)mount_test::WaitUntil([&] { return mount_test::Exists(device.latest()); });
  const uint64_t first = device.NextSequence();
  const uint64_t before = DroppedFrames(device);
  const uint64_t sent = Serve(device, std::chrono::seconds(context.quick ? 1 : 20));
  const uint64_t due = device.NextSequence() - first;
  const auto dropped = static_cast<double>(DroppedFrames(device) - before);
  device.Stop();
  return {{"1080p60 beside a sendfile server with 20 slow clients: frames dropped", dropped, "",
           AtMost(0), "of " + std::to_string(due) + "; " + std::to_string(sent) + " sent"}};
}

}  // namespace grabfs::bench
