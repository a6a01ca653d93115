// SPDX-License-Identifier: Apache-2.0
//
// Programs that send frames off while the device captures, and clients that take their time: what
// arrives is one frame, whole, or was refused. GRABFS_TEST_FRAMES is how many each program sends
// (40; 1000 for the proof that docs/testing.md tells of).
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/mount/support/channel.h"
#include "tests/mount/support/fixture.h"
#include "tests/mount/support/server.h"

namespace grabfs::mount_test {
namespace {

constexpr unsigned kClients = 20;
constexpr unsigned kPauses = 3;  // of a client, in each download
constexpr unsigned kDeviceBuffers = 12;
constexpr int kReceiveBuffer = 65536;

unsigned FramesToSend() {
  const char* const wanted = std::getenv("GRABFS_TEST_FRAMES");
  return wanted == nullptr ? 40 : static_cast<unsigned>(std::atoi(wanted));
}

// Large pages with small ones behind them, and small ones that end in the middle of one.
struct Camera {
  const char* name;
  const char* format;
  uint32_t width;
  uint32_t height;
};
constexpr Camera kCameras[] = {
    {"big", "BGR4", 1920, 1080}, {"odd", "GREY", 1000, 1000}, {"end", "GREY", 350, 878}};

std::string DeviceOf(const Camera& camera) {
  return std::string(camera.name) + "=pattern,format=" + camera.format +
         ",width=" + std::to_string(camera.width) + ",height=" + std::to_string(camera.height) +
         ",rate=60,buffers=" + std::to_string(kDeviceBuffers) + ",state=streaming";
}

struct Result {
  std::string refusal;  // empty: there is a body
  std::vector<std::byte> body;
};

class ServersTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    MountSpec spec;
    for (const Camera& camera : kCameras) spec.devices.push_back(DeviceOf(camera));
    Start(spec);
    scratch_ = MakeScratchDirectory("servers");
    clock_ = std::thread([this] { Watch(); });
  }
  void TearDown() override {
    stop_ = true;
    if (clock_.joinable()) clock_.join();
  }

  static UniqueFd Connect(uint16_t port) {
    UniqueFd connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Little room here, so that what was sent waits in the sender's.
    (void)::setsockopt(connection.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer,
                       sizeof kReceiveBuffer);
    const sockaddr_in address = Loopback(port);
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(connection.get(), generic, sizeof address) != 0) connection.reset();
    return connection;
  }
  static void AwaitServer(Server& server, uint16_t port) {
    ASSERT_TRUE(IsReached(server, port)) << server.err();
  }

  // Counts the frames of the slower device, for clients who wait for all buffers to be others.
  void Watch() {
    while (!stop_) {
      uint64_t least = ~uint64_t{0};
      for (const Camera& camera : kCameras) {
        least = std::min(least, mount().GetDevice(camera.name).NextSequence());
      }
      frames_ = least;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  void Pause() const {
    const uint64_t until = frames_ + 2 * kDeviceBuffers;
    EXPECT_TRUE(WaitUntil([&] { return frames_ >= until; })) << "the device stands still";
  }

  // Everything until the end, with pauses.
  std::vector<std::byte> ReceiveSlowly(int from, size_t expected) const {
    std::vector<std::byte> all;
    std::vector<std::byte> part(kReceiveBuffer);
    size_t pause_at = 1;
    for (ssize_t count = 0; (count = ::read(from, part.data(), part.size())) > 0;) {
      all.insert(all.end(), part.begin(), part.begin() + count);
      if (all.size() < pause_at) continue;
      Pause();
      pause_at += expected / kPauses;
    }
    return all;
  }

  static Result Parse(std::vector<std::byte> answer) {
    const std::string_view text(reinterpret_cast<const char*>(answer.data()), answer.size());
    const size_t end = text.find("\r\n\r\n");
    if (!text.starts_with("HTTP/") || end == std::string_view::npos) return {"no answer", {}};
    const std::string status(text.substr(text.find(' ') + 1, 3));
    if (status != "200") return {status, {}};
    answer.erase(answer.begin(), answer.begin() + static_cast<std::ptrdiff_t>(end + 4));
    return {"", std::move(answer)};
  }

  Result Get(uint16_t port, const std::string& path, size_t bytes) const {
    const UniqueFd connection = Connect(port);
    if (!connection.valid()) return {"no connection", {}};
    const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
    if (::write(connection.get(), request.data(), request.size()) < 0) return {"no request", {}};
    return Parse(ReceiveSlowly(connection.get(), bytes));
  }

  // Takes note of what has arrived.
  void Judge(const Camera& camera, const Result& result) {
    static const std::map<std::string, Picture> kPictures = [] {
      std::map<std::string, Picture> pictures;
      for (const Camera& c : kCameras)
        pictures.emplace(c.name, Picture(c.format, c.width, c.height));
      return pictures;
    }();
    if (result.refusal == "404") {
      ++refused_;
      return;
    }
    EXPECT_EQ(result.refusal, "");
    const Picture& picture = kPictures.at(camera.name);
    ASSERT_EQ(result.body.size(), picture.bytes());
    EXPECT_TRUE(picture.IsFrame(result.body, Picture::Stamp(result.body)));
    ++right_;
  }

  // `fetch` is called once for each frame, by many threads.
  template <typename Fetch>
  void Download(unsigned frames, Fetch fetch) {
    std::atomic<unsigned> next = 0;
    std::vector<std::thread> clients;
    for (unsigned i = 0; i < kClients; ++i) {
      clients.emplace_back([&] {
        for (unsigned frame = next++; frame < frames && !HasFailure(); frame = next++) {
          const Camera& camera = kCameras[frame % std::size(kCameras)];
          Judge(camera, fetch(camera));
        }
      });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_TRUE(HasFailure() || right_ + refused_ == frames);
    EXPECT_GT(right_, frames / 2) << refused_ << " were refused";
    std::printf("%u right, %u refused\n", right_.load(), refused_.load());
  }
  void ServeHttp(Server& server, uint16_t port) {
    AwaitServer(server, port);
    Download(FramesToSend(), [&](const Camera& camera) {
      const size_t bytes = size_t{camera.width} * camera.height;
      return Get(port, "/" + std::string(camera.name) + "/latest.raw", bytes);
    });
  }

  std::string scratch_;
  std::atomic<unsigned> right_ = 0;
  std::atomic<unsigned> refused_ = 0;

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> frames_ = 0;
  std::thread clock_;
};

TEST_F(ServersTest, Nginx) {
  const uint16_t port = FreePort();
  const std::string file = scratch_ + "/nginx.conf";
  std::ofstream(file) << "daemon off; worker_processes 2; pid " << scratch_ << "/pid;\n"
                      << (::geteuid() == 0 ? "user root;\n" : "") << "error_log stderr;\n"
                      << "events { worker_connections 256; }\n"
                      << "http { access_log off; sendfile on; default_type image/raw;\n"
                      << "  client_body_temp_path " << scratch_ << "; proxy_temp_path " << scratch_
                      << "; fastcgi_temp_path " << scratch_ << "; uwsgi_temp_path " << scratch_
                      << "; scgi_temp_path " << scratch_ << ";\n"
                      << "  server { listen 127.0.0.1:" << port << "; root " << mount().path()
                      << "; } }\n";
  Server server({"/usr/sbin/nginx", "-c", file, "-e", "stderr"});
  ServeHttp(server, port);
}

TEST_F(ServersTest, BusyboxHttpd) {
  const uint16_t port = FreePort();
  Server server({BusyboxPath(), "httpd", "-f", "-p", "127.0.0.1:" + std::to_string(port), "-h",
                 mount().path()});
  ServeHttp(server, port);
}

TEST_F(ServersTest, PythonsHttpServer) {
  const uint16_t port = FreePort();
  Server server({"python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory",
                 mount().path(), std::to_string(port)});
  ServeHttp(server, port);
}

// One server for each camera; the file is opened for each connection.
TEST_F(ServersTest, Socat) {
  std::map<std::string, uint16_t> ports;
  std::vector<std::unique_ptr<Server>> servers;
  for (const Camera& camera : kCameras) {
    const uint16_t port = ports[camera.name] = FreePort();
    servers.push_back(std::make_unique<Server>(std::vector<std::string>{
        "socat", "-U", "TCP-LISTEN:" + std::to_string(port) + ",bind=127.0.0.1,fork,reuseaddr",
        "OPEN:" + mount().GetDevice(camera.name).latest() + ",rdonly"}));
    AwaitServer(*servers.back(), port);
  }
  Download(FramesToSend(), [&](const Camera& camera) {
    const UniqueFd connection = Connect(ports[camera.name]);
    if (!connection.valid()) return Result{"no connection", {}};
    Result result{"", ReceiveSlowly(connection.get(), size_t{camera.width} * camera.height)};
    if (result.body.empty()) result.refusal = "404";  // it has no other way to say so
    return result;
  });
}

// It splices into pipes.
TEST_F(ServersTest, Pv) {
  std::atomic<unsigned> number = 0;
  Download(FramesToSend(), [&](const Camera& camera) {
    const std::string fifo = scratch_ + "/fifo" + std::to_string(number++);
    CheckSyscall(::mkfifo(fifo.c_str(), 0600), fifo);
    const std::string frame = mount().GetDevice(camera.name).latest();
    Process pv({"sh", "-c", "exec pv -q " + frame + " > " + fifo});
    const UniqueFd out = Open(fifo, O_RDONLY);
    (void)::fcntl(out.get(), F_SETPIPE_SZ, 1 << 20);
    Result result{"", ReceiveSlowly(out.get(), size_t{camera.width} * camera.height)};
    if (pv.Wait() != 0 && result.body.empty()) result.refusal = "404";
    return result;
  });
}

// As a program would that sends each frame to two: what is in the first pipes is thrown away.
TEST_F(ServersTest, SpliceAndTee) {
  if (::geteuid() != 0) GTEST_SKIP() << "an ordinary user may not have so much in pipes";
  Download(FramesToSend(), [&](const Camera& camera) {
    const int frame = ::open(mount().GetDevice(camera.name).latest().c_str(), O_RDONLY | O_CLOEXEC);
    if (frame < 0) return Result{errno == ENOENT ? "404" : ErrnoText(errno), {}};
    UniqueFd from(frame);
    const auto bytes = static_cast<size_t>(StatFd(frame).st_size);
    std::vector<Channel> copies;
    for (size_t moved = 0; moved < bytes;) {
      const Channel original = Channel::Pipe();
      copies.push_back(Channel::Pipe());
      const size_t part = original.Splice(frame, static_cast<off_t>(moved), bytes - moved);
      const ssize_t teed = ::tee(original.out(), copies.back().in(), part, SPLICE_F_NONBLOCK);
      if (part == 0 || teed != static_cast<ssize_t>(part)) return Result{"no room in pipes", {}};
      moved += part;
    }
    from.reset();
    Pause();
    Result result;
    for (const Channel& copy : copies) {
      const std::vector<std::byte> part = copy.Receive();
      result.body.insert(result.body.end(), part.begin(), part.end());
    }
    return result;
  });
}

}  // namespace
}  // namespace grabfs::mount_test
