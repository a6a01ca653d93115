// SPDX-License-Identifier: Apache-2.0
//
// File handles (name_to_handle_at, open_by_handle_at; what NFS servers give to their clients): a
// handle leads to its file as long as the file exists, also after the kernel has forgotten it, and
// never to another file, whoever made the handle up, and whatever daemon serves the mount.
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/mount/support/alloc.h"
#include "tests/mount/support/channel.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

// A FUSE inode in a handle: its number, high and low, and its generation.
struct Handle {
  file_handle header = {};
  std::array<uint32_t, 3> body = {};

  [[nodiscard]] uint64_t inode() const { return uint64_t{body[0]} << 32 | body[1]; }
};

// 0, or the errno.
int TryMakeHandle(int directory, const std::string& path, int flags, Handle& handle) {
  handle.header.handle_bytes = sizeof handle.body;
  int mount_id = 0;
  return ErrorOf(::name_to_handle_at(directory, path.c_str(), &handle.header, &mount_id, flags));
}

// Symbolic links are not followed.
Handle MakeHandle(const std::string& path) {
  Handle handle;
  if (const int code = TryMakeHandle(AT_FDCWD, path, 0, handle)) {
    throw Error(code, "name_to_handle_at " + path);
  }
  return handle;
}

Handle MakeHandle(int fd) {
  Handle handle;
  if (const int code = TryMakeHandle(fd, "", AT_EMPTY_PATH, handle)) {
    throw Error(code, "name_to_handle_at of a descriptor");
  }
  return handle;
}

// The kernel forgets all files that are not open.
void DropCaches() {
  std::ofstream file("/proc/sys/vm/drop_caches");
  ASSERT_TRUE(file << 2 << std::flush);
}

std::string PathOf(int fd) {
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd)).string();
}

class HandlesTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (!IsSkipped()) StartWith(kDevice);
  }
  void StartWith(const std::string& device_spec) { Start({{device_spec}, {"handles=on"}}); }

  // open_by_handle_at(2); an invalid descriptor and errno if that fails.
  [[nodiscard]] UniqueFd TryOpen(Handle handle, int flags) const {
    const UniqueFd root = Open(mount().path(), O_RDONLY | O_DIRECTORY);
    return UniqueFd(::open_by_handle_at(root.get(), &handle.header, flags | O_CLOEXEC));
  }
  [[nodiscard]] UniqueFd OpenHandle(const Handle& handle, int flags = O_RDONLY) const {
    UniqueFd fd = TryOpen(handle, flags);
    if (!fd.valid()) throw Error(errno, "open_by_handle_at");
    return fd;
  }
  [[nodiscard]] int OpenHandleError(const Handle& handle, int flags = O_RDONLY) const {
    return TryOpen(handle, flags).valid() ? 0 : errno;
  }

  // Every file that is listed, without the root.
  [[nodiscard]] std::vector<std::string> AllPaths() const {
    std::vector<std::string> paths;
    for (const auto& file : std::filesystem::recursive_directory_iterator(mount().path())) {
      paths.push_back(file.path().string());
    }
    return paths;
  }
};

TEST_F(HandlesTest, EveryFileIsFoundAgainWhenTheKernelHasForgottenIt) {
  device().Capture(3);
  const UniqueFd file = Allocate(mount().Path("alloc/mine"), 5000);
  std::map<std::string, Handle> handles;
  for (const std::string& path : AllPaths()) handles.emplace(path, MakeHandle(path));
  ASSERT_GT(handles.size(), 40U);
  DropCaches();
  for (const auto& [path, handle] : handles) {
    struct stat expected = {};
    const UniqueFd fd = TryOpen(handle, O_PATH | O_NOFOLLOW);
    ASSERT_TRUE(fd.valid()) << path << ": " << ErrnoText(errno);
    ASSERT_EQ(::lstat(path.c_str(), &expected), 0) << path;
    EXPECT_EQ(StatFd(fd.get()).st_ino, expected.st_ino) << path;
    EXPECT_EQ(StatFd(fd.get()).st_mode, expected.st_mode) << path;
    // A directory gets its place in the tree back.
    if (S_ISDIR(expected.st_mode)) {
      EXPECT_EQ(PathOf(fd.get()), path);
    }
  }
}

TEST_F(HandlesTest, AFrameIsReadByItsHandle) {
  const uint64_t sequence = device().Capture(2);
  const Handle handle = MakeHandle(device().Frame(sequence));
  const Handle picture = MakeHandle(device().Path("latest.pnm"));
  const auto expected = ReadFile(device().Path("latest.pnm"));
  DropCaches();
  EXPECT_TRUE(picture_.IsFrame(ReadAll(OpenHandle(handle).get()), sequence));
  EXPECT_EQ(ReadAll(OpenHandle(picture).get()), expected);
  const UniqueFd fd = OpenHandle(handle);
  const Mapping mapping(fd.get(), picture_.bytes());
  EXPECT_TRUE(picture_.IsFrame(mapping.bytes(), sequence));
  EXPECT_EQ(XattrFd(fd.get(), "sequence"), std::to_string(sequence));
  EXPECT_EQ(OpenHandleError(handle, O_RDWR), EACCES);
}

TEST_F(HandlesTest, WhoeverOpensAFrameByItsHandleHoldsIt) {
  const uint64_t sequence = device().Capture(1);
  const Handle handle = MakeHandle(device().Frame(sequence));
  DropCaches();
  const UniqueFd fd = OpenHandle(handle);
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(Exists(device().Frame(sequence)));
  EXPECT_TRUE(picture_.IsFrame(ReadAll(fd.get()), sequence));
}

TEST_F(HandlesTest, AFrameThatIsGoneIsStale) {
  const uint64_t recycled = device().Capture(1);
  const Handle old = MakeHandle(device().Frame(recycled));
  const Handle old_picture = MakeHandle(device().Path("latest.pnm"));
  ASSERT_TRUE(device().IsRecycled(recycled));
  const uint64_t removed = device().Capture(1);
  const Handle unlinked = MakeHandle(device().Frame(removed));
  ASSERT_EQ(::unlink(device().Frame(removed).c_str()), 0);
  for (const Handle& handle : {old, old_picture, unlinked}) {
    EXPECT_EQ(OpenHandleError(handle), ESTALE);
  }
  DropCaches();
  for (const Handle& handle : {old, old_picture, unlinked}) {
    EXPECT_EQ(OpenHandleError(handle), ESTALE);
  }
}

TEST_F(HandlesTest, BuffersOfAnEarlierFormatAreStale) {
  const Handle buffer = MakeHandle(device().Buffer(0));
  device().Set("width", "64");
  device().Capture(1);
  DropCaches();
  EXPECT_EQ(OpenHandleError(buffer), ESTALE);
}

TEST_F(HandlesTest, MemoryThatIsFreedIsStale) {
  const std::string path = mount().Path("alloc/mine");
  UniqueFd file = Allocate(path, 5000);
  const Handle handle = MakeHandle(path);
  ASSERT_EQ(::unlink(path.c_str()), 0);
  // As on any file system: a file without a name is there while somebody has it open.
  EXPECT_EQ(StatFd(OpenHandle(handle, O_RDWR).get()).st_size, 5000);
  file.reset();
  EXPECT_TRUE(WaitUntil([&] { return OpenHandleError(handle) == ESTALE; }));
  const UniqueFd another = Allocate(path, 5000);
  EXPECT_EQ(OpenHandleError(handle), ESTALE);
}

TEST_F(HandlesTest, AfterARestartEveryHandleIsStale) {
  device().Capture(2);
  const std::string mountpoint = mount().path();
  std::vector<std::pair<std::string, Handle>> handles;
  for (const std::string& path : AllPaths()) handles.emplace_back(path, MakeHandle(path));
  StartWith(kDevice);
  device().Capture(2);
  const auto expect_stale = [&] {
    for (const auto& [path, handle] : handles) {
      EXPECT_EQ(OpenHandleError(handle, O_PATH), ESTALE) << path;
    }
  };
  expect_stale();  // the kernel asks the daemon
  ASSERT_FALSE(AllPaths().empty());
  expect_stale();  // the kernel knows the files of these numbers
}

// Inode numbers are computed, so anybody can compute them. A client of an NFS server may send
// whatever handle he likes.
TEST_F(HandlesTest, NoHandleThatIsMadeUpLeadsToAFileThatCannotBeListed) {
  device().Capture(2);
  const UniqueFd file = Allocate(mount().Path("alloc/mine"), 5000);
  std::map<uint64_t, std::string> known;
  for (const std::string& path : AllPaths()) {
    known[MakeHandle(path).inode()] = path;
    if (!std::filesystem::is_symlink(path)) continue;
    const auto target = std::filesystem::read_symlink(path);  // in .live/, which is not listed
    known[MakeHandle(device().Path(target.string())).inode()] = target.string();
  }
  known[MakeHandle(device().Path(".live")).inode()] = ".live";
  known[MakeHandle(mount().path()).inode()] = mount().path();
  const Handle pattern = MakeHandle(device().latest());
  DropCaches();

  std::vector<uint64_t> indexes = {uint64_t{1} << 16,       (uint64_t{1} << 16) + 1,
                                   uint64_t{1} << 20,       (uint64_t{1} << 20) + 1,
                                   (uint64_t{1} << 38) - 1, (uint64_t{1} << 41),
                                   (uint64_t{1} << 42) - 1, UINT32_MAX};
  for (uint64_t index = 0; index < 50; ++index) indexes.push_back(index);
  for (uint64_t form = 1; form < 16; ++form) {
    for (uint64_t sequence = 0; sequence < 3; ++sequence) indexes.push_back(form << 38 | sequence);
  }
  unsigned found = 0;
  for (const uint64_t device_number : {0, 1, 2, 32767, 32768, 65535}) {
    for (uint64_t kind = 0; kind < 64; ++kind) {
      for (const uint64_t index : indexes) {
        const uint64_t number = device_number << 48 | kind << 42 | index;
        Handle handle = pattern;
        handle.body[0] = static_cast<uint32_t>(number >> 32);
        handle.body[1] = static_cast<uint32_t>(number);
        const int code = OpenHandleError(handle, O_PATH);
        if (code == 0) {
          ++found;
          EXPECT_TRUE(known.contains(number))
              << device_number << " " << kind << " " << index << " is no file";
        } else {
          EXPECT_EQ(code, ESTALE) << device_number << " " << kind << " " << index;
        }
      }
    }
  }
  EXPECT_GE(found, 40U);
  EXPECT_FALSE(device().Status().empty());  // the daemon lives
}

TEST_F(HandlesTest, TheHoldPageOfAReaderHasNone) {
  if (ActiveDataPath() != DataPath::kPassthrough) GTEST_SKIP() << "no ring without passthrough";
  UniqueFd page(::open(device().Path("readers").c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(page.valid());
  const Handle handle = MakeHandle(page.get());
  page.reset();
  EXPECT_TRUE(WaitUntil([&] { return OpenHandleError(handle) == ESTALE; }));
}

TEST_F(HandlesTest, WhatIsSentOffFromAHandleStaysThatFrame) {
  const uint64_t sequence = device().Capture(1);
  const std::string path = device().Frame(sequence);
  const Handle handle = MakeHandle(path);
  // The watch keeps the inode and not its name, so that the kernel need not ask the daemon for it.
  const UniqueFd watch(::inotify_init1(IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(watch.get(), path.c_str(), IN_ATTRIB), 0);
  DropCaches();
  UniqueFd fd = OpenHandle(handle);
  const Channel channel = Channel::Pipe();
  ASSERT_EQ(channel.Splice(fd.get(), 0, picture_.bytes()), picture_.bytes());
  fd.reset();
  device().Capture(4 * kBuffers);
  EXPECT_TRUE(picture_.IsFrame(channel.Receive(), sequence));
}

// Without passthrough the kernel copies what is sent off; with it, what files without a directory
// send off is not reported: there handles are an option.
class HandlesAsMountedTest : public HandlesTest {
 protected:
  void SetUp() override { MountTest::SetUp(); }
};

TEST_F(HandlesAsMountedTest, TheMountSaysWhetherItGivesHandles) {
  const bool passthrough = ActiveDataPath() == DataPath::kPassthrough;
  EXPECT_EQ(mount().Status().at("handles"), !passthrough);
  Handle handle;
  const int code = TryMakeHandle(AT_FDCWD, device().Path("width"), 0, handle);
  EXPECT_EQ(code, passthrough ? EOPNOTSUPP : 0);
  if (passthrough) {
    EXPECT_EQ(device().Status().at("in_flight"), "watched");
  }
  StartWith(kDevice);
  EXPECT_EQ(mount().Status().at("handles"), true);
  EXPECT_EQ(TryMakeHandle(AT_FDCWD, device().Path("width"), 0, handle), 0);
  EXPECT_EQ(device().Status().at("in_flight"), passthrough ? "assumed" : "copied");
}

}  // namespace
}  // namespace grabfs::mount_test
