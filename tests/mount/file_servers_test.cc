// SPDX-License-Identifier: Apache-2.0
//
// The mount at another machine, by file servers that run as ordinary programs: Samba and OpenSSH's
// sftp-server. What docs/machines.md says of them: a frame is that frame or there is none;
// settings, triggers and memory of alloc/ are as here. NFS has its test in tests/vm.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/mount/support/fixture.h"
#include "tests/mount/support/server.h"

namespace grabfs::mount_test {
namespace {

// The mount as a client of the server sees it; names are those in the mount.
class Client {
 public:
  virtual ~Client() = default;
  // nullopt: refused.
  virtual std::optional<std::vector<std::byte>> Get(const std::string& name) = 0;
  virtual bool Put(const std::string& name, std::span<const std::byte> contents) = 0;
  virtual bool Remove(const std::string& name) = 0;
  virtual std::string List(const std::string& directory) = 0;

  bool Put(const std::string& name, std::string_view text) {
    return Put(name, std::as_bytes(std::span(text)));
  }
};

// smbclient, which connects anew for each command.
class SambaClient : public Client {
 public:
  explicit SambaClient(const std::string& exported)
      : place_(MakeScratchDirectory("samba")), port_(FreePort()) {
    Configure(exported);
    server_.emplace(std::vector<std::string>{"/usr/sbin/smbd", "--foreground", "-s", conf()});
    if (!IsReached(*server_, port_)) throw std::runtime_error(server_->err());
  }

  std::optional<std::vector<std::byte>> Get(const std::string& name) override {
    const std::string copy = place_ + "/got";
    ::unlink(copy.c_str());
    if (Ask("get " + name + " " + copy).status != 0) return std::nullopt;
    return ReadFile(copy);
  }
  bool Put(const std::string& name, std::span<const std::byte> contents) override {
    CreateFile(place_ + "/put", contents);
    const CommandResult result = Ask("put " + place_ + "/put " + name);
    return result.status == 0 && result.err.find("NT_STATUS") == std::string::npos;
  }
  bool Remove(const std::string& name) override { return Ask("rm " + name).status == 0; }
  std::string List(const std::string& directory) override {
    return Ask("ls " + directory + "/*").out;
  }

 private:
  [[nodiscard]] std::string conf() const { return place_ + "/smb.conf"; }

  void Configure(const std::string& exported) const {
    std::ofstream file(conf());
    file << "[global]\nserver role = standalone server\ninterfaces = 127.0.0.1\n"
         << "bind interfaces only = yes\nsmb ports = " << port_ << "\nload printers = no\n"
         << "disable spoolss = yes\nmap to guest = Bad User\nguest account = root\n"
         << "log file = " << place_ << "/log\n";
    for (const char* kind : {"private dir", "lock directory", "state directory", "cache directory",
                             "pid directory", "ncalrpc dir"}) {
      file << kind << " = " << place_ << "/var\n";
    }
    file << "[cam]\npath = " << exported << "\nguest ok = yes\nread only = no\n";
    CheckSyscall(::mkdir((place_ + "/var").c_str(), 0755), "mkdir");
  }

  [[nodiscard]] CommandResult Ask(const std::string& command) const {
    return RunCommand({"smbclient", "-s", conf(), "-p", std::to_string(port_), "-N",
                       "//127.0.0.1/cam", "-c", command});
  }

  const std::string place_;
  const uint16_t port_;
  std::optional<Server> server_;
};

// sshfs, which keeps the mount at the other side; without ssh between it and its server.
class SshClient : public Client {
 public:
  explicit SshClient(const std::string& exported) : mount_(MakeScratchDirectory("sshfs")) {
    const std::string server = MakeScratchDirectory("sftp") + "/server";
    std::ofstream(server) << "#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n";
    ::chmod(server.c_str(), 0755);
    const CommandResult result =
        RunCommand({"sshfs", "-o", "dir_cache=no,attr_timeout=0,entry_timeout=0,sshfs_sync", "-o",
                    "ssh_command=" + server, "localhost:" + exported, mount_});
    if (result.status != 0) throw std::runtime_error(result.err);
  }
  ~SshClient() override { ForceUnmount(mount_); }

  std::optional<std::vector<std::byte>> Get(const std::string& name) override {
    const UniqueFd fd(::open((mount_ + "/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return std::nullopt;
    return ReadAll(fd.get());
  }
  bool Put(const std::string& name, std::span<const std::byte> contents) override {
    const UniqueFd fd(
        ::open((mount_ + "/" + name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    return fd.valid() && ::write(fd.get(), contents.data(), contents.size()) ==
                             static_cast<ssize_t>(contents.size());
  }
  bool Remove(const std::string& name) override {
    return ::unlink((mount_ + "/" + name).c_str()) == 0;
  }
  std::string List(const std::string& directory) override {
    std::string all;
    for (const std::string& name : mount_test::List(mount_ + "/" + directory)) all += name + "\n";
    return all;
  }

 private:
  const std::string mount_;
};

struct Kind {
  const char* name;
  std::unique_ptr<Client> (*connect)(const std::string& exported);
};

class FileServersTest : public MountTest, public ::testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    if (::geteuid() != 0) GTEST_SKIP() << "smbd changes users, so it is root's";
    client_ = GetParam().connect(mount().path());
  }

  static std::string NameOf(uint64_t sequence) {
    const std::string number = std::to_string(sequence);
    return "sim0/frames/" + std::string(8 - number.size(), '0') + number + ".raw";
  }
  void ExpectFrame(const std::string& name, uint64_t sequence) {
    const auto pixels = client_->Get(name);
    ASSERT_TRUE(pixels.has_value()) << name;
    EXPECT_TRUE(picture_.IsFrame(*pixels, sequence)) << name;
  }

  std::unique_ptr<Client> client_;
};

TEST_P(FileServersTest, AFrameIsThatFrameOrThereIsNone) {
  const uint64_t first = device().Capture(1);
  ExpectFrame(NameOf(first), first);
  ExpectFrame("sim0/latest.raw", first);
  // Servers close files when the client has long gone on.
  ASSERT_TRUE(device().IsRecycled(first));
  EXPECT_FALSE(client_->Get(NameOf(first)).has_value());
  const uint64_t last = device().Capture(1);
  ExpectFrame("sim0/latest.raw", last);
  const std::string listed = client_->List("sim0/frames");
  for (uint64_t sequence = first; sequence <= last; ++sequence) {
    const std::string name = NameOf(sequence).substr(std::string_view("sim0/frames/").size());
    EXPECT_EQ(listed.find(name) != std::string::npos, Exists(device().Frame(sequence))) << name;
  }
}

// Samba opens a file twice, so the frame may have gone before the second time.
TEST_P(FileServersTest, FramesBesideCaptureAreWholeOrRefused) {
  device().Set("rate", "60");
  device().Set("state", "start");
  int whole = 0;
  uint64_t last = 0;
  EXPECT_TRUE(WaitUntil([&] {
    const auto pixels = client_->Get("sim0/latest.raw");
    if (!pixels.has_value()) return false;
    EXPECT_EQ(pixels->size(), picture_.bytes());
    if (HasFailure()) return true;
    const uint64_t sequence = Picture::Stamp(*pixels);
    EXPECT_TRUE(picture_.IsFrame(*pixels, sequence));
    EXPECT_GE(sequence, last);
    last = sequence;
    return ++whole == 20 || HasFailure();
  }));
}

TEST_P(FileServersTest, SettingsAndTriggers) {
  ASSERT_TRUE(client_->Put("sim0/trigger", "3"));
  EXPECT_TRUE(WaitUntil([&] { return device().NextSequence() == 3; }));
  EXPECT_TRUE(client_->Put("sim0/policy", "keep-oldest\n"));
  EXPECT_EQ(device().Get("policy"), "keep-oldest");
  EXPECT_TRUE(client_->Put("sim0/state", "start\n"));
  EXPECT_EQ(device().Get("state"), "streaming");
  EXPECT_FALSE(client_->Put("sim0/policy", "bogus"));
  EXPECT_EQ(device().Get("policy"), "keep-oldest");
  EXPECT_FALSE(client_->Put("sim0/stride", "1"));
}

TEST_P(FileServersTest, MemoryIsMadeWrittenReadAndRemoved) {
  std::vector<std::byte> data(100'001);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * i / 9);
  ASSERT_TRUE(client_->Put("alloc/mine", data));
  EXPECT_TRUE(ReadFile(mount().Path("alloc/mine")) == data);
  EXPECT_TRUE(client_->Get("alloc/mine") == data);
  EXPECT_TRUE(client_->Remove("alloc/mine"));
  EXPECT_FALSE(Exists(mount().Path("alloc/mine")));
}

// What has no end has no size, and so no contents there; nobody waits.
TEST_P(FileServersTest, WhatNeverEndsIsEmpty) {
  device().Capture(1);
  for (const char* name : {"sim0/.live/events", "sim0/.live/stream.raw"}) {
    EXPECT_TRUE(client_->Get(name).value_or(std::vector<std::byte>()).empty()) << name;
  }
}

template <typename T>
std::unique_ptr<Client> Connect(const std::string& exported) {
  return std::make_unique<T>(exported);
}

INSTANTIATE_TEST_SUITE_P(All, FileServersTest,
                         ::testing::Values(Kind{"samba", Connect<SambaClient>},
                                           Kind{"sshfs", Connect<SshClient>}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace grabfs::mount_test
