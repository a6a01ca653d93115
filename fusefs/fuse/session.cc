// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/session.h"

#include <fcntl.h>
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
#include "fusefs/base/mutex.h"
#include "fusefs/base/thread.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/fuse/fuse.h"

namespace grabfs {
namespace {

// A delay, because programs often close many frames at a time: one run serves all.
constexpr std::chrono::milliseconds kHousekeepingDelay{20};
constexpr std::chrono::seconds kPatienceWithDirectories{1};
// How long to wait for readers that are between two reads to come back and get the end of the file.
constexpr std::chrono::seconds kPatienceWithReaders{3};
constexpr std::chrono::seconds kPatienceWithMarks{2};
constexpr int kPatienceWithUnmounting = 500;  // milliseconds

// Messages of libfuse: the reason of a failed mount, or lines for the log. It prints lines in
// pieces.
struct LibfuseMessages {
  Mutex mutex;  // guards all below; leaf
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

// It has a descriptor of its own, because its thread may hang in the kernel after the session has
// ended.
std::unique_ptr<NameInvalidator> MakeNameInvalidator(int session) {
  const auto own = std::make_shared<UniqueFd>(
      CheckSyscall(fcntl(session, F_DUPFD_CLOEXEC, 0), "dup of /dev/fuse"));
  return std::make_unique<NameInvalidator>(
      [own](const Kernel::Name& name) { SendNameInvalidation(own->get(), name); });
}

// Makes the first request of the mount, and returns when it has been answered. A child process
// makes it: a daemon that is killed while it waits for itself could never exit. The child closes
// /dev/fuse, else the kernel would not notice the death of the daemon.
void AskMount(const std::string& mountpoint) {
  MayWait("the mount");
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
  operations_.handles_wanted = options_.handles;
  operations_.reply_later = [this](fuse_req_t req) { workers_->ReplyLater(req); };
  operations_.restart_on_worker = [this](fuse_req_t req) { workers_->RestartOnWorker(req); };
  operations_.invalidate_attributes = [this](uint64_t inode) { SendAttributeInvalidation(inode); };
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
  names_ = MakeNameInvalidator(fuse_session_fd(session_.get()));
  operations_.names = names_.get();
  passthrough_ = std::make_unique<Passthrough>(fuse_session_fd(session_.get()));
  operations_.passthrough = passthrough_.get();
  access_watch_ = std::make_unique<AccessWatch>(
      options_.mountpoint, device_number_,
      AccessWatch::Listener{.on_access = [this](uint64_t inode) { file_system_->OnAccess(inode); },
                            .on_lost = [this] { file_system_->OnAccessLost(); }});
  announcer_ = std::make_unique<Announcer>(options_.mountpoint, device_number_);
  file_system_->Attach(this);
  tasks_.Start([this] { return file_system_->Housekeep(); });
  interrupts_.Start([] { return std::nullopt; });
  mount_watch_ = std::make_unique<MountWatch>(
      device_number_, [this](const MountWatch& watch) { OnUnmountedHere(watch); });
}

Session::~Session() {
  signals_.Stop();  // its thread uses everything below
  mount_watch_.reset();
  EndDevices();
  interrupts_.Stop();
  names_.reset();
  sentinel_.reset();
  fuse_session_unmount(session_.get());
  session_.reset();
  operations_.open_files.Clear();
}

void Session::Run(const std::function<void(const DataPath& path)>& on_ready) {
  on_ready_ = on_ready;
  signals_.Start([this](int signal) { End(signal); });
  workers_->Run();
}

void Session::End(int signal) {
  LogInfo(std::string("ending on signal ") + std::to_string(signal));
  CatchAndLog("ending", [this] {
    EndDevices();  // while requests are still being answered
    operations_.open_files.AwaitEnds(kPatienceWithReaders);
  });
  workers_->Stop();
}

void Session::OnUnmountedHere(const MountWatch& watch) {
  if (!watch.Wait(kPatienceWithUnmounting)) return;
  LogWarning("unmounted here, but another mount namespace has " + options_.mountpoint +
             ", or a file is open: the daemon goes on until the last of them is gone");
}

void Session::EndDevices() {
  const std::lock_guard lock(ending_);
  file_system_->Stop();
  tasks_.Stop();
  access_watch_->Stop();
  announcer_->Stop();
}

void Session::OnInit() {
  // In another thread, because the reply to FUSE_INIT is sent only after this function returns.
  tasks_.Post([this] {
    AskMount(options_.mountpoint);
    file_system_->Start();
    access_watch_->AwaitMarks(kPatienceWithMarks);
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
  path.handles = operations_.handles_given;
  file_system_->SetDataPath(path);
}

void Session::InvalidateName(Name name) { names_->Invalidate(std::move(name), nullptr); }

void Session::InvalidateNames(std::vector<Name> names) {
  MayWait("a directory's lock");
  std::promise<void> done;
  const auto all = done.get_future();
  {
    const std::shared_ptr<void> last(nullptr, [done = std::make_shared<std::promise<void>>(
                                                   std::move(done))](void*) { done->set_value(); });
    for (Name& name : names) names_->Invalidate(std::move(name), last);
  }
  (void)all.wait_for(kPatienceWithDirectories);
}

void Session::InvalidateAttributes(uint64_t inode) {
  tasks_.Post([this, inode] { SendAttributeInvalidation(inode); });
}

void Session::SendAttributeInvalidation(uint64_t inode) {
  // A negative offset: attributes only.
  fuse_lowlevel_notify_inval_inode(session_.get(), inode, -1, 0);
}

void Session::InvalidatePages(uint64_t inode) {
  MayWait("the kernel's page cache");
  fuse_lowlevel_notify_inval_inode(session_.get(), inode, 0, 0);
}

void Session::WakeHousekeeper() { tasks_.Wake(kHousekeepingDelay); }

void Session::WatchAccess(std::vector<Directory> directories) {
  access_watch_->Watch(std::move(directories));
}

}  // namespace grabfs
