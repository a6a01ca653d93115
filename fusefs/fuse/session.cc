// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/session.h"

#include <fuse_log.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <future>
#include <memory>
#include <mutex>
#include <utility>

#include "fusefs/base/log.h"
#include "fusefs/base/mount_info.h"
#include "fusefs/fuse/fuse.h"

namespace grabfs {
namespace {

// Frames are often closed many at a time: look once for all of them.
constexpr std::chrono::milliseconds kHousekeepingDelay{20};
constexpr std::chrono::seconds kPatienceWithDirectories{1};

// What libfuse says: the reason of a failed mount, or something for the log. It prints lines in
// pieces.
struct LibfuseMessages {
  std::mutex mutex;  // guards all below; leaf
  bool mounted = false;
  std::string unfinished;
  std::string last_line;
};
LibfuseMessages& Messages() {
  static LibfuseMessages messages;
  return messages;
}

void OnLibfuseMessage(fuse_log_level level, const char* format, va_list arguments) {
  std::array<char, 512> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  LibfuseMessages& messages = Messages();
  const std::lock_guard lock(messages.mutex);
  messages.unfinished += text.data();
  if (!messages.unfinished.ends_with('\n')) return;
  messages.unfinished.pop_back();
  messages.last_line = std::exchange(messages.unfinished, {});
  if (messages.mounted && level <= FUSE_LOG_WARNING) LogWarning(messages.last_line);
}

std::string LastWords() {
  LibfuseMessages& messages = Messages();
  const std::lock_guard lock(messages.mutex);
  return messages.last_line.empty() ? "no reason given" : messages.last_line;
}

// Makes the first request of the mount, and returns when it has been answered. A process of its own
// makes it: a daemon killed while it waits for itself could never end. The child must not keep
// /dev/fuse open either, or the kernel would not notice the daemon's death.
void AskMount(const std::string& mountpoint) {
  const char* const path = mountpoint.c_str();
  const pid_t child = fork();
  if (child == 0) {
    (void)syscall(SYS_close_range, 0U, ~0U, 0U);
    struct statfs ignored = {};
    _exit(statfs(path, &ignored) == 0 ? 0 : 1);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    LogWarning("the mount does not answer");
  }
}

}  // namespace

void Session::Destroy::operator()(fuse_session* session) const { fuse_session_destroy(session); }

Session::Session(Options options, FileSystem* file_system)
    : options_(std::move(options)), file_system_(file_system) {
  fuse_set_log_func(OnLibfuseMessage);
  operations_.file_system = file_system_;
  operations_.pending = &pending_;
  operations_.passthrough_wanted = options_.passthrough;
  operations_.answer_in_time = [this](fuse_req_t req) { workers_->AnswerInTime(req); };
  operations_.on_init = [this] { OnInit(); };
  operations_.on_first_request = [this] { OnFirstRequest(); };

  std::string program = "grabfs";
  std::string flag = "-o";
  std::string mount_options = options_.mount_options;
  std::array<char*, 4> argv = {program.data(), flag.data(), mount_options.data(), nullptr};
  fuse_args args = FUSE_ARGS_INIT(3, argv.data());
  const fuse_lowlevel_ops table = OperationsTable();
  session_.reset(fuse_session_new(&args, &table, sizeof(table), &operations_));
  fuse_opt_free_args(&args);
  if (!session_) throw Error(EINVAL, "mount options: " + LastWords());
  if (fuse_session_mount(session_.get(), options_.mountpoint.c_str()) != 0) {
    throw Error(EIO, "cannot mount on " + options_.mountpoint + ": " + LastWords());
  }
  {
    const std::lock_guard lock(Messages().mutex);
    Messages().mounted = true;
  }
  device_number_ = MountDeviceNumber(options_.mountpoint);
  sentinel_ = std::make_unique<Sentinel>(options_.mountpoint, device_number_);
  workers_ = std::make_unique<Workers>(session_.get());
  passthrough_ = std::make_unique<Passthrough>(fuse_session_fd(session_.get()));
  operations_.passthrough = passthrough_.get();
  file_system_->Attach(this);
  tasks_.Start([this] { return file_system_->Housekeep(); });
}

Session::~Session() {
  signals_.Stop();  // it uses all that goes now
  EndDevices();
  sentinel_.reset();
  fuse_session_unmount(session_.get());
  session_.reset();
  operations_.open_files.Clear();
}

void Session::Run(const std::function<void(const DataPath& path)>& on_ready) {
  on_ready_ = on_ready;
  signals_.Start([this](int signal) {
    LogInfo(std::string("ending on signal ") + std::to_string(signal));
    EndDevices();  // while requests are still being answered
    workers_->Stop();
  });
  workers_->Run();
}

void Session::EndDevices() {
  const std::lock_guard lock(ending_);
  file_system_->Stop();
  tasks_.Stop();
}

void Session::OnInit() {
  // The exchange ends with the reply to FUSE_INIT: what comes after it needs another thread.
  tasks_.Post([this] {
    AskMount(options_.mountpoint);
    on_ready_(file_system_->data_path());
  });
}

void Session::OnFirstRequest() {
  DataPath path;
  try {
    path = passthrough_->Probe(options_.passthrough, operations_.passthrough_offered);
  } catch (const Error& error) {
    path = {false, error.what()};
  }
  file_system_->Start(path);
}

void Session::ForgetName(uint64_t parent, uint64_t child, const std::string& name) {
  // With too much waiting to be told, names expire unannounced: opening one still says ENOENT.
  tasks_.PostUnlessBusy([this, parent, child, name] {
    fuse_lowlevel_notify_delete(session_.get(), parent, child, name.c_str(), name.size());
  });
}

// mv frames/00000042.raw width, say, holds the lock of frames/ and waits for the lock of width,
// which belongs to a write() that the calling thread is about to answer.
void Session::DropNames(std::vector<Name> names) {
  const auto dropped = std::make_shared<std::promise<void>>();
  tasks_.Post([this, names = std::move(names), dropped] {
    for (const Name& entry : names) {
      fuse_lowlevel_notify_inval_entry(session_.get(), entry.parent, entry.name.c_str(),
                                       entry.name.size());
    }
    dropped->set_value();
  });
  (void)dropped->get_future().wait_for(kPatienceWithDirectories);
}

void Session::ForgetAttributes(uint64_t inode) {
  // A negative offset: attributes only.
  tasks_.Post([this, inode] { fuse_lowlevel_notify_inval_inode(session_.get(), inode, -1, 0); });
}

void Session::DropPages(uint64_t inode) {
  fuse_lowlevel_notify_inval_inode(session_.get(), inode, 0, 0);
}

void Session::WakeHousekeeper() { tasks_.Wake(kHousekeepingDelay); }

}  // namespace grabfs
