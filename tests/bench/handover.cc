// SPDX-License-Identifier: Apache-2.0
//
// Sixty frames a second and four readers: what handing the frames over takes of the processors, by
// the ring and by the usual roads between processes. Nobody looks at a pixel: what looking takes is
// the same on all roads. Each side is what publisher, readers and what stands between them take
// with four readers, less what they take without any: so what makes the picture counts on no side.
//
// The others are used as their manuals want it: ZeroMQ with messages that the sender need not copy,
// GStreamer with pictures made in the shared memory, iceoryx with loaned memory and a wait set.
// They are not needed to build this; those that are not installed have no row.
//
// Frames are of 1080p, 16 bits a pixel, but where somebody would have to paint them who hands no
// pixels over: to paint a large one costs a hundred times of what is measured.
#include <dlfcn.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "grabfs/grabfs.hpp"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/mount/support/file.h"
#include "tests/mount/support/process.h"
#include "tests/mount/support/wait.h"

namespace grabfs::bench {
namespace {

using mount_test::Child;
using mount_test::Process;

constexpr unsigned kReaders = 4;
constexpr uint32_t kFrameBytes = 1920 * 1080 * 2;
constexpr long kFramesASecond = 60;

// A shared library that is not linked: its functions by their names.
class Library {
 public:
  explicit Library(const char* name) : handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}

  [[nodiscard]] bool installed() const { return handle_ != nullptr; }
  template <typename Result = int, typename... Arguments>
  Result Call(const char* name, Arguments... arguments) const {
    void* const function = ::dlsym(handle_, name);
    if (function == nullptr) throw Error(ENOSYS, std::string(name) + ": no such function");
    return reinterpret_cast<Result (*)(Arguments...)>(function)(arguments...);
  }

 private:
  void* const handle_;  // stays until the end
};

// All processes of one road.
class Parties {
 public:
  void Fork(const std::function<void()>& body) {
    children_.push_back(std::make_unique<Child>([body](const Child::Parent&) {
      body();
      return 0;
    }));
  }
  void Run(const std::vector<std::string>& command) {
    programs_.push_back(std::make_unique<Process>(command));
  }
  Daemon& Mount(const Context& context, const std::string& device) {
    daemon_ = std::make_unique<Daemon>(context, std::vector{device});
    return *daemon_;
  }
  ~Parties() {
    for (const auto& child : children_) child->Kill();
    for (const auto& program : programs_) program->Signal(SIGTERM);
    for (const auto& program : programs_) program->Wait();
  }
  Parties() = default;
  Parties(const Parties&) = delete;
  Parties& operator=(const Parties&) = delete;

  [[nodiscard]] double CpuSeconds() const {
    double all = daemon_ ? daemon_->CpuSeconds() : 0;
    for (const auto& child : children_) all += CpuSecondsOf(child->pid());
    for (const auto& program : programs_) {
      if (program->Poll()) throw Error(ECHILD, "a program has ended: " + program->err());
      all += CpuSecondsOf(program->pid());
    }
    return all;
  }

 private:
  std::unique_ptr<Daemon> daemon_;
  std::vector<std::unique_ptr<Process>> programs_;
  std::vector<std::unique_ptr<Child>> children_;
};

// Starts a publisher and so many readers.
using Road = std::function<void(Parties& parties, unsigned readers)>;

void EachFrameTime(const std::function<void()>& publish) {
  timespec next{};
  ::clock_gettime(CLOCK_MONOTONIC, &next);
  for (;;) {
    next.tv_nsec += 1'000'000'000 / kFramesASecond;
    if (next.tv_nsec >= 1'000'000'000) {
      next.tv_nsec -= 1'000'000'000;
      ++next.tv_sec;
    }
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
    publish();
  }
}

Road ByTheRing(const Context& context) {
  return [&context](Parties& parties, unsigned readers) {
    const Daemon& daemon =
        parties.Mount(context, "cam0=pattern,format=YUYV,width=64,height=64,rate=60");
    const std::string camera = daemon.Path("cam0");
    daemon.device().Set("state", "start");
    for (unsigned reader = 0; reader < readers; ++reader) {
      parties.Fork([camera] {
        grabfs::Device device(camera);
        while (const auto frame = device.Next()) Use((*frame)->sequence);
      });
    }
  };
}

// --- A word that says that there is news, and nothing handed over: the least that waking takes.

long Futex(uint32_t* word, int operation, uint32_t value) {
  return ::syscall(SYS_futex, word, operation, value, nullptr, nullptr, 0);
}

Road ByABareFutex() {
  return [](Parties& parties, unsigned readers) {
    const auto memory = std::make_shared<mount_test::Mapping>(-1, 4096, PROT_READ | PROT_WRITE,
                                                              MAP_SHARED | MAP_ANONYMOUS);
    auto* const news = reinterpret_cast<uint32_t*>(memory->data());
    parties.Fork([memory, news] {
      EachFrameTime([&] {
        __atomic_add_fetch(news, 1, __ATOMIC_SEQ_CST);
        Futex(news, FUTEX_WAKE, INT_MAX);
      });
    });
    for (unsigned reader = 0; reader < readers; ++reader) {
      parties.Fork([memory, news] {
        for (;;) Futex(news, FUTEX_WAIT, __atomic_load_n(news, __ATOMIC_SEQ_CST));
      });
    }
  };
}

// --- ZeroMQ

constexpr int kZmqPub = 1;
constexpr int kZmqSub = 2;
constexpr int kZmqSubscribe = 6;

struct ZmqMessage {
  alignas(64) std::array<char, 64> storage;
};

void PublishByZmq(const Library& zmq, const std::string& address) {
  static std::vector<char> frame(kFrameBytes);
  void* const socket = zmq.Call<void*>("zmq_socket", zmq.Call<void*>("zmq_ctx_new"), kZmqPub);
  zmq.Call("zmq_bind", socket, address.c_str());
  EachFrameTime([&] {
    ZmqMessage message{};
    zmq.Call(
        "zmq_msg_init_data", &message, static_cast<void*>(frame.data()),
        static_cast<size_t>(kFrameBytes), +[](void*, void*) {}, static_cast<void*>(nullptr));
    zmq.Call("zmq_msg_send", &message, socket, 0);
  });
}

void ReadByZmq(const Library& zmq, const std::string& address) {
  void* const socket = zmq.Call<void*>("zmq_socket", zmq.Call<void*>("zmq_ctx_new"), kZmqSub);
  zmq.Call("zmq_setsockopt", socket, kZmqSubscribe, "", size_t{0});
  zmq.Call("zmq_connect", socket, address.c_str());
  for (;;) {
    ZmqMessage message{};
    zmq.Call("zmq_msg_init", &message);
    zmq.Call("zmq_msg_recv", &message, socket, 0);
    zmq.Call("zmq_msg_close", &message);
  }
}

Road ByZmq(const Context& context, const Library& zmq) {
  const std::string address = "ipc://" + context.scratch.tmpfs() + "/zmq";
  return [&zmq, address](Parties& parties, unsigned readers) {
    parties.Fork([&zmq, address] { PublishByZmq(zmq, address); });
    for (unsigned reader = 0; reader < readers; ++reader) {
      parties.Fork([&zmq, address] { ReadByZmq(zmq, address); });
    }
  };
}

// --- GStreamer

Road ByGStreamer(const Context& context) {
  const std::string path = context.scratch.tmpfs() + "/shm";
  return [path](Parties& parties, unsigned readers) {
    const std::string socket = "socket-path=" + path;
    std::filesystem::remove(path);  // shmsink takes no old one, but another name
    const std::string caps = "video/x-raw,format=YUY2,width=64,height=64,framerate=60/1";
    parties.Run({"gst-launch-1.0", "-q", "videotestsrc", "is-live=true", "pattern=black", "!", caps,
                 "!", "shmsink", socket, "wait-for-connection=false", "sync=false",
                 "shm-size=1000000"});
    (void)mount_test::WaitUntil([&] { return mount_test::Exists(path); });
    for (unsigned reader = 0; reader < readers; ++reader) {
      parties.Run({"gst-launch-1.0", "-q", "shmsrc", socket, "is-live=true", "!", caps, "!",
                   "fakesink", "sync=false"});
    }
  };
}

// --- iceoryx

// Larger than any of its objects.
using IceoryxStorage = std::array<uint64_t, 64>;

void JoinIceoryx(const Library& iceoryx, const std::string& name) {
  constexpr int kSilent = 0;
  iceoryx.Call<void>("iox_set_loglevel", kSilent);
  iceoryx.Call<void>("iox_runtime_init", name.c_str());
}

void PublishByIceoryx(const Library& iceoryx) {
  JoinIceoryx(iceoryx, "grabfs-bench-publisher");
  static IceoryxStorage storage;
  void* const publisher = iceoryx.Call<void*>("iox_pub_init", &storage, "camera", "0", "frames",
                                              static_cast<void*>(nullptr));
  EachFrameTime([&] {
    void* frame = nullptr;
    iceoryx.Call("iox_pub_loan_chunk", publisher, &frame, kFrameBytes);
    if (frame != nullptr) iceoryx.Call<void>("iox_pub_publish_chunk", publisher, frame);
  });
}

void ReadByIceoryx(const Library& iceoryx, const std::string& name) {
  JoinIceoryx(iceoryx, name);
  static IceoryxStorage of_set;
  static IceoryxStorage of_subscriber;
  void* const set = iceoryx.Call<void*>("iox_ws_init", &of_set);
  void* const subscriber = iceoryx.Call<void*>("iox_sub_init", &of_subscriber, "camera", "0",
                                               "frames", static_cast<void*>(nullptr));
  constexpr int kDataReceived = 0;
  iceoryx.Call("iox_ws_attach_subscriber_event", set, subscriber, kDataReceived, uint64_t{0},
               static_cast<void*>(nullptr));
  for (;;) {
    void* event = nullptr;
    uint64_t missed = 0;
    iceoryx.Call<uint64_t>("iox_ws_wait", set, &event, uint64_t{1}, &missed);
    for (;;) {
      const void* frame = nullptr;
      iceoryx.Call("iox_sub_take_chunk", subscriber, &frame);
      if (frame == nullptr) break;
      iceoryx.Call<void>("iox_sub_release_chunk", subscriber, frame);
    }
  }
}

Road ByIceoryx(const Library& iceoryx) {
  return [&iceoryx](Parties& parties, unsigned readers) {
    parties.Run({"iox-roudi", "-l", "off"});
    parties.Fork([&iceoryx] { PublishByIceoryx(iceoryx); });
    for (unsigned reader = 0; reader < readers; ++reader) {
      const std::string name = "grabfs-bench-reader-" + std::to_string(reader);
      parties.Fork([&iceoryx, name] { ReadByIceoryx(iceoryx, name); });
    }
  };
}

// --- Both sides

// Seconds of processor time in a second.
double CpuOf(const Road& road, unsigned readers, const Context& context) {
  const std::chrono::milliseconds start(context.quick ? 700 : 1500);
  const std::chrono::milliseconds window(context.quick ? 300 : 3000);
  Parties parties;
  road(parties, readers);
  std::this_thread::sleep_for(start);
  const double before = parties.CpuSeconds();
  const double seconds = Seconds([&] { std::this_thread::sleep_for(window); });
  return (parties.CpuSeconds() - before) / seconds;
}

double HandOver(const Road& road, const Context& context) {
  return CpuOf(road, kReaders, context) - CpuOf(road, 0, context);
}

Row Against(const std::string& name, const Road& theirs, std::optional<Target> target,
            const Context& context) {
  const Road ours = ByTheRing(context);
  const Comparison cpu = Compare(
      std::max(1, context.pairs / 3), [&] { return HandOver(ours, context); },
      [&] { return HandOver(theirs, context); });
  return {"60 frames/s to 4 readers: CPU, ring / " + name, cpu.ratio, "x", target,
          "of each second " + BothSides(cpu, name)};
}

bool Succeeds(const std::string& command) { return mount_test::RunShell(command).status == 0; }

}  // namespace

std::vector<Row> BenchmarkHandOver(const Context& context) {
  std::vector<Row> rows = {Against("a bare futex", ByABareFutex(), std::nullopt, context)};
  const Library zmq("libzmq.so.5");
  const Library iceoryx("libiceoryx_binding_c.so.2");
  if (zmq.installed())
    rows.push_back(Against("ZeroMQ ipc", ByZmq(context, zmq), AtMost(0.1), context));
  if (Succeeds("gst-inspect-1.0 shmsink")) {
    rows.push_back(Against("GStreamer shm", ByGStreamer(context), AtMost(0.1), context));
  }
  if (iceoryx.installed() && Succeeds("command -v iox-roudi")) {
    rows.push_back(Against("iceoryx", ByIceoryx(iceoryx), AtMost(1.0), context));
  }
  return rows;
}

}  // namespace grabfs::bench
