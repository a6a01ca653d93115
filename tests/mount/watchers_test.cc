// SPDX-License-Identifier: Apache-2.0
//
// announce=1 for programs that watch directories, as Debian ships them: each is told of each new
// frame by its name, when the frame can be read. announce_test has what the kernel tells.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <ostream>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"
#include "tests/mount/support/server.h"

namespace grabfs::mount_test {
namespace {

// Lines of shell that become the watcher. $FRAMES is the directory; for each new frame $SEEN, an
// executable file, is called with its name. They run in a directory of their own.
struct Watcher {
  const char* name;
  bool each;  // or it may miss a frame, when it is still at work for the one before
  const char* line;
};

void PrintTo(const Watcher& watcher, std::ostream* stream) { *stream << watcher.name; }

class WatchersTest : public MountTest, public ::testing::WithParamInterface<Watcher> {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    if (::geteuid() != 0) GTEST_SKIP() << "incrond and a systemd of one's own are root's";
    device().Set("buffers_count", "16");  // a slow watcher finds the frame of which it was told
    device().Set("announce", "1");
    place_ = MakeScratchDirectory("watcher");
    std::ofstream(place_ + "/seen")
        << "#!/bin/sh\ncp " << device().Path("frames") << "/$1 " << place_ << "/new.$1 && mv "
        << place_ << "/new.$1 " << place_ << "/copy.$1\n";
    std::filesystem::permissions(place_ + "/seen", std::filesystem::perms::owner_all);
    watcher_.emplace(std::vector<std::string>{
        "sh", "-c",
        "cd " + place_ + "; export FRAMES=" + device().Path("frames") + " SEEN=" + place_ +
            "/seen HOME=" + place_ + "\n" + GetParam().line});
  }

  // What the watcher copied when it was told of the frame.
  [[nodiscard]] std::string CopyOf(uint64_t sequence) const {
    return place_ + "/copy." + std::filesystem::path(device().Frame(sequence)).filename().string();
  }
  // In a second.
  [[nodiscard]] bool IsTold(uint64_t sequence) const {
    for (int i = 0; i < 20 && !Exists(CopyOf(sequence)); ++i) ::usleep(50'000);
    return Exists(CopyOf(sequence));
  }
  [[nodiscard]] std::string Report() const { return watcher_->out() + watcher_->err(); }

  std::string place_;
  std::optional<Server> watcher_;
};

TEST_P(WatchersTest, NewFramesAreTold) {
  ASSERT_TRUE(WaitUntil([&] { return IsTold(device().Capture(1)); })) << Report();
  for (int i = 0; i < 5; ++i) {
    uint64_t sequence = device().Capture(1);
    ASSERT_TRUE(WaitUntil([&] {
      if (IsTold(sequence)) return true;
      if (!GetParam().each) sequence = device().Capture(1);
      return false;
    })) << Report();
    EXPECT_TRUE(picture_.IsFrame(ReadFile(CopyOf(sequence)), sequence));
  }
}

constexpr Watcher kWatchers[] = {
    {"inotifywait", true, R"sh(
mkfifo names
while read -r name; do "$SEEN" "$name"; done < names &
exec inotifywait --quiet --monitor --event close_write --format %f "$FRAMES" > names)sh"},
    {"watchdog", true, R"sh(exec /usr/bin/python3 -c '
import os, subprocess, time
from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

class Handler(FileSystemEventHandler):
    def on_closed(self, event):
        subprocess.run([os.environ["SEEN"], os.path.basename(event.src_path)])

observer = Observer()
observer.schedule(Handler(), os.environ["FRAMES"])
observer.start()
time.sleep(3600)')sh"},
    {"incron", true, R"sh(
mkdir system user
printf '%s\n' "$FRAMES IN_CLOSE_WRITE $SEEN \$#" > system/frames
printf '%s = %s\n' system_table_dir "$PWD/system" user_table_dir "$PWD/user" lockfile_dir "$PWD" > conf
exec /usr/sbin/incrond -n -f "$PWD/conf")sh"},
    // It tells that something has changed, not what, and by default gives up after five times in
    // ten seconds. The units run in a systemd of their own.
    {"systemd_path", false, R"sh(
units=.config/systemd/user
mkdir -p $units/default.target.wants runtime
chmod 700 runtime
printf '[Path]\nPathChanged=%s\n' "$FRAMES" > $units/frames.path
ln -s ../frames.path $units/default.target.wants
printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart=/bin/sh -c "%s $$(ls %s | tail -1)"\n' "$SEEN" "$FRAMES" \
  > $units/frames.service
exec unshare --mount sh -c '
  mount -t tmpfs tmpfs /run
  mkdir -p /run/systemd/system  # the sign that systemd runs, which it looks for
  export XDG_RUNTIME_DIR="$PWD/runtime"
  exec /lib/systemd/systemd --user')sh"},
};

INSTANTIATE_TEST_SUITE_P(All, WatchersTest, ::testing::ValuesIn(kWatchers),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace grabfs::mount_test
