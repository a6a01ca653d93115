// SPDX-License-Identifier: Apache-2.0
//
// The tree of the mount as the kernel calls it, in any order and with any numbers that a user can
// make it pass on: names, offsets of directories and files, sizes, flags, lock owners. The input is
// a script of such calls, one byte for which and the rest its arguments. Whatever is refused has an
// errno that the system call may return, and when all files are closed nothing is held.
#include "fusefs/vfs/file_system.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/small_source.h"

namespace grabfs::fuzz {
namespace {

constexpr size_t kMaxCalls = 64;
constexpr size_t kMaxFiles = 16;
constexpr size_t kMaxData = 8192;

class QuietKernel : public Kernel {
 public:
  void InvalidateName(Name /*name*/) override {}
  void InvalidateNames(std::vector<Name> /*names*/) override {}
  void InvalidateAttributes(uint64_t /*inode*/) override {}
  void InvalidatePages(uint64_t /*inode*/) override {}
  void WakeHousekeeper() override {}
  void WatchAccess(std::vector<Directory> /*directories*/) override {}
  // Not everything: so it is renewed.
  bool CollectAccess(uint32_t /*device*/) override { return ++collected_ % 2 == 0; }
  void Announce(uint64_t /*inode*/, std::string /*path*/, Announcement /*what*/) override {}
  [[nodiscard]] Announcement AnnouncementBy(pid_t /*process*/, uint64_t /*inode*/) const override {
    return Announcement::kNone;
  }
  [[nodiscard]] dev_t device_number() const override { return 0; }

 private:
  unsigned collected_ = 0;
};

// The arguments of the calls; zeros when the input is at its end.
class Script {
 public:
  explicit Script(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ended() const { return bytes_.empty(); }
  uint8_t Byte() {
    uint8_t byte = 0;
    Take(&byte, 1);
    return byte;
  }
  // Small numbers more often than large ones: the first byte is how many follow.
  uint64_t Number() {
    uint64_t number = 0;
    Take(&number, Byte() % (sizeof number + 1));
    return number;
  }
  // What the kernel would pass on: no slash, and nothing behind the end of a C string.
  std::string Name() {
    std::string name(Byte() % 32, '\0');
    name.resize(Take(name.data(), name.size()));
    return name.substr(0, name.find_first_of(std::string_view("/\0", 2)));
  }
  template <typename T>
  const T& OneOf(const std::vector<T>& items) {
    return items[Byte() % items.size()];
  }

 private:
  size_t Take(void* to, size_t size) {
    size = std::min(size, bytes_.size());
    if (size == 0) return 0;
    std::memcpy(to, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return size;
  }

  std::string_view bytes_;
};

class Session {
 public:
  explicit Session(bool passthrough) : passthrough_(passthrough) {
    std::vector<std::unique_ptr<Device>> devices;
    devices.push_back(std::make_unique<Device>(Device::Config{.name = "sim0", .buffers = 3},
                                               std::make_unique<SmallSource>()));
    device_ = devices.front().get();
    files_.emplace(FileSystem::Options{}, std::move(devices));
    files_->Attach(&kernel_);
    files_->SetDataPath({passthrough, ""});
    files_->Start();
  }
  ~Session() {
    for (uint64_t owner = 0; owner < kOwners; ++owner) {
      for (const uint64_t inode : inodes_) files_->Unlock(inode, owner);
    }
    open_.clear();
    while (files_->Housekeep()) {
    }
    Require(device_->pool()->ring.Occupancy().held == 0);
    files_->Stop();
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void Play(Script& script) {
    for (size_t i = 0; i < kMaxCalls && !script.ended(); ++i) {
      AcceptOrRefuse([&] { Call(script); }, {ENOENT, ESTALE, EACCES, EPERM, EINVAL, EISDIR, ENOSPC,
                                             EOPNOTSUPP, ENODATA, EAGAIN, EBUSY, EBADF, ENODEV});
    }
  }

 private:
  static constexpr uint64_t kOwners = 3;

  void Call(Script& script) {
    using Action = void (Session::*)(Script&);
    static constexpr std::array<Action, 13> kActions = {
        &Session::Lookup, &Session::GetAttr,  &Session::SetSize, &Session::ReadDir,
        &Session::Open,   &Session::Close,    &Session::Read,    &Session::Write,
        &Session::Unlink, &Session::Allocate, &Session::Xattr,   &Session::Lock,
        &Session::Others,
    };
    (this->*kActions[script.Byte() % kActions.size()])(script);
  }

  void Remember(const Attr& attr) {
    auto& inodes = S_ISDIR(attr.stat.st_mode) ? directories_ : inodes_;
    inodes.push_back(attr.stat.st_ino);
  }

  void Lookup(Script& script) {
    static const std::vector<std::string> kNames = {
        "sim0",         "frames",  "buffers", "latest.raw",   "events",
        "status.json",  "trigger", "state",   "00000000.raw", "000.raw",
        "00000001.raw", "format",  "alloc",   "width",        "policy"};
    const uint64_t parent = script.OneOf(directories_);
    const std::string name = script.Byte() % 4 == 0 ? script.Name() : script.OneOf(kNames);
    Remember(files_->Lookup(parent, name, kCaller).attr);
  }

  void GetAttr(Script& script) {
    const uint64_t inode = script.OneOf(inodes_);
    Require(files_->GetAttr(inode).stat.st_ino == inode);
  }

  void SetSize(Script& script) {
    const uint64_t inode = script.OneOf(inodes_);
    const uint64_t size = script.Number();
    const bool of_open_file = script.Byte() % 2 == 0 && !open_.empty();
    AttrChange change;
    change.size = size;
    files_->SetAttr(inode, change, of_open_file ? open_.front().get() : nullptr, kCaller,
                    [](const Attr* /*attr*/, const Error* /*error*/) {});
  }

  void ReadDir(Script& script) {
    const uint64_t inode = script.OneOf(directories_);
    const uint64_t offset = script.Number();
    size_t room = script.Byte() % 40;
    uint64_t last = offset;
    files_->ReadDir(inode, offset, kCaller,
                    [&](const std::string& name, const Entry& entry, uint64_t next) {
                      Require(!name.empty() && next > last);
                      last = next;
                      if (room == 0) return false;
                      --room;
                      Remember(entry.attr);
                      return true;
                    });
  }

  void Open(Script& script) {
    const uint64_t inode = script.OneOf(inodes_);
    auto file = files_->Open(inode, static_cast<int>(script.Number()), kCaller);
    if (passthrough_ && file->backing() != nullptr) file->UsesBackingDirectly();
    if (open_.size() < kMaxFiles) open_.push_back(std::move(file));
  }

  void Close(Script& script) {
    if (!open_.empty()) open_.erase(open_.begin() + script.Byte() % open_.size());
  }

  void Read(Script& script) {
    if (open_.empty()) return;
    const size_t size = script.Number() % kMaxData;
    script.OneOf(open_)->Read(script.Number(), size, false,
                              [size](std::span<const std::byte> data, const Error* error) {
                                Require(error != nullptr || data.size() <= size);
                              });
  }

  void Write(Script& script) {
    if (open_.empty()) return;
    std::vector<std::byte> data(script.Number() % kMaxData);
    const std::string start = script.Name();
    const auto bytes = std::as_bytes(std::span(start));
    std::ranges::copy(bytes.first(std::min(bytes.size(), data.size())), data.begin());
    const uint64_t offset = script.Number();
    const bool writeback = script.Byte() % 2 == 0;
    script.OneOf(open_)->Write(offset, data, writeback,
                               [size = data.size()](size_t written, const Error* error) {
                                 Require(error != nullptr || written <= size);
                               });
  }

  void Unlink(Script& script) {
    const uint64_t parent = script.OneOf(directories_);
    files_->Unlink(parent, script.Name(), kCaller);
  }

  void Allocate(Script& script) {
    const uint64_t inode = script.OneOf(inodes_);
    const uint64_t offset = script.Number();
    const uint64_t length = script.Number();
    files_->Allocate(inode, script.Byte(), offset, length, nullptr, kCaller,
                     [](const Error* /*error*/) {});
  }

  void Xattr(Script& script) {
    const uint64_t inode = script.OneOf(inodes_);
    (void)files_->XattrNames(inode);
    (void)files_->Xattr(inode, script.Byte() % 2 == 0 ? script.Name() : "user.grabfs.sequence");
  }

  void Lock(Script& script) {
    const uint64_t inode = script.OneOf(inodes_);
    const uint64_t owner = script.Byte() % kOwners;
    const bool exclusive = script.Byte() % 2 == 0;
    switch (script.Byte() % 4) {
      case 0:
        return files_->Unlock(inode, owner);
      case 1:
        files_->CancelLock(inode, script.Byte());
        return;
      default: {
        const uint64_t request = script.Byte();
        files_->Lock(inode, {.owner = owner, .id = request},
                     exclusive ? LockTable::Mode::kExclusive : LockTable::Mode::kShared,
                     script.Byte() % 2 == 0, kCaller, [] {});
      }
    }
  }

  void Others(Script& script) {
    if (script.ended()) return;
    // A file handle that somebody made up.
    if (script.Byte() % 4 == 0) {
      const uint64_t number = script.Number();
      const Attr attr = files_->Lookup(number, script.Byte() % 4 == 0 ? ".." : ".", kCaller).attr;
      return Remember(attr);
    }
    (void)files_->Housekeep();
    (void)files_->Statistics(kRootInode, kCaller);
    if (!open_.empty()) script.OneOf(open_)->Readable([] {});
  }

  static constexpr Caller kCaller = {.uid = 1, .gid = 1, .pid = 1};

  const bool passthrough_;
  QuietKernel kernel_;
  std::optional<FileSystem> files_;
  Device* device_ = nullptr;  // of files_
  std::vector<uint64_t> directories_ = {kRootInode};
  std::vector<uint64_t> inodes_ = {kRootStatusInode};
  std::vector<std::unique_ptr<OpenFile>> open_;
};

}  // namespace
}  // namespace grabfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  grabfs::fuzz::Script script(grabfs::fuzz::TextOf(data, size));
  grabfs::fuzz::Session(script.Byte() % 2 == 0).Play(script);
  return 0;
}
