// SPDX-License-Identifier: Apache-2.0
//
// A frame is what was captured: nobody changes it, root included, by any way that the kernel has of
// writing a file. Each test takes one of them and looks at every byte afterwards.
//
// Not ways of writing a frame: buffers/NNN.raw, which is the live memory and says so, and what root
// does to the daemon itself (its /proc/PID/fd and memory).
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr std::array<char, 8> kGraffiti = {'G', 'R', 'A', 'F', 'F', 'I', 'T', 'I'};

class ReadOnlyFramesTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (!IsSkipped()) sequence_ = device().Capture(1);
  }
  void TearDown() override {
    if (IsSkipped() || HasFatalFailure()) return;
    EXPECT_TRUE(picture_.IsFrame(ReadFile(path()), sequence_));
    EXPECT_TRUE(picture_.IsFrame(MapAndClose(path()).bytes(), sequence_));
  }

  [[nodiscard]] std::string path() const { return device().Frame(sequence_); }
  [[nodiscard]] UniqueFd OpenFrame() const { return Open(path(), O_RDONLY); }
  [[nodiscard]] Mapping MapShared() const { return MapAndClose(path()); }

 private:
  uint64_t sequence_ = 0;
};

std::string ProcLink(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// The name of a mapping in /proc/self/map_files.
std::string MapFile(const Mapping& mapping) {
  constexpr uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<uintptr_t>(mapping.data());
  const uintptr_t end = (begin + mapping.size() + kPage - 1) & ~(kPage - 1);
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), "/proc/self/map_files/%lx-%lx", begin, end);
  return name.data();
}

// An ordinary file to copy from.
UniqueFd MakeFile() {
  UniqueFd file(CheckSyscall(::memfd_create("graffiti", MFD_CLOEXEC), "memfd_create"));
  CheckSyscall(::write(file.get(), kGraffiti.data(), kGraffiti.size()), "write");
  CheckSyscall(::lseek(file.get(), 0, SEEK_SET), "lseek");
  return file;
}

TEST_F(ReadOnlyFramesTest, NoFlagsOpenOneForWriting) {
  for (const int access : {O_WRONLY, O_RDWR, O_ACCMODE}) {
    for (const int extra : {0, O_APPEND, O_TRUNC, O_CREAT, O_SYNC, O_DIRECT, O_NONBLOCK, O_NOATIME,
                            O_APPEND | O_TRUNC, O_CREAT | O_TRUNC}) {
      // O_NOATIME is for the owner, which whoever mounts is.
      EXPECT_EQ(OpenError(path(), access | extra), EACCES) << access << " | " << extra;
      EXPECT_EQ(OpenError(device().latest(), access | extra), EACCES) << access << " | " << extra;
    }
    EXPECT_EQ(OpenError(path(), access | O_CREAT | O_EXCL), EEXIST);
  }
}

TEST_F(ReadOnlyFramesTest, ItsDirectoryTakesNoUnnamedFile) {
  const UniqueFd fd(::open(device().Path("frames").c_str(), O_TMPFILE | O_RDWR, 0600));
  EXPECT_FALSE(fd.valid());
}

TEST_F(ReadOnlyFramesTest, ReopeningADescriptorDoesNotMakeItWritable) {
  const UniqueFd reader = OpenFrame();
  const UniqueFd handle = Open(path(), O_PATH);
  for (const int access : {O_WRONLY, O_RDWR, O_RDWR | O_TRUNC}) {
    EXPECT_EQ(OpenError(ProcLink(reader.get()), access), EACCES) << access;
    EXPECT_EQ(OpenError(ProcLink(handle.get()), access), EACCES) << access;
  }
}

TEST_F(ReadOnlyFramesTest, ReopeningAMappingDoesNotMakeItWritable) {
  const Mapping mapping = MapShared();
  // EPERM for who may not follow these links at all.
  const int error = OpenError(MapFile(mapping), O_RDWR);
  EXPECT_TRUE(error == EACCES || error == EPERM) << error;
}

TEST_F(ReadOnlyFramesTest, AFileHandleDoesNotMakeItWritable) {
  struct {
    file_handle header;
    std::array<unsigned char, MAX_HANDLE_SZ> rest;
  } handle{};
  handle.header.handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  const int error =
      ErrorOf(::name_to_handle_at(AT_FDCWD, path().c_str(), &handle.header, &mount_id, 0));
  // With passthrough there are no handles.
  ASSERT_EQ(error, ActiveDataPath() == DataPath::kPassthrough ? EOPNOTSUPP : 0);
  const UniqueFd root = Open(mount().path(), O_RDONLY | O_DIRECTORY);
  const UniqueFd writer(::open_by_handle_at(root.get(), &handle.header, O_RDWR));
  EXPECT_FALSE(writer.valid());
}

TEST_F(ReadOnlyFramesTest, ItGetsNoSecondName) {
  const UniqueFd fd = OpenFrame();
  const std::string inside = device().Path("frames/99999999.raw");
  const std::string outside = MakeScratchDirectory("link") + "/frame.raw";
  for (const std::string& name : {inside, outside}) {
    EXPECT_NE(ErrorOf(::link(path().c_str(), name.c_str())), 0);
    EXPECT_NE(ErrorOf(::linkat(fd.get(), "", AT_FDCWD, name.c_str(), AT_EMPTY_PATH)), 0);
    EXPECT_NE(ErrorOf(::linkat(AT_FDCWD, ProcLink(fd.get()).c_str(), AT_FDCWD, name.c_str(),
                               AT_SYMLINK_FOLLOW)),
              0);
    EXPECT_NE(ErrorOf(::rename(path().c_str(), name.c_str())), 0);
    EXPECT_FALSE(Exists(name));
  }
}

TEST_F(ReadOnlyFramesTest, NothingTakesItsPlace) {
  const std::string other = MakeScratchDirectory("other") + "/frame.raw";
  CreateFile(other, std::as_bytes(std::span(kGraffiti)));
  EXPECT_NE(ErrorOf(::rename(other.c_str(), path().c_str())), 0);
  EXPECT_EQ(ErrorOf(::rename(device().Buffer(0).c_str(), path().c_str())), EPERM);
  EXPECT_NE(ErrorOf(::renameat2(AT_FDCWD, device().Buffer(0).c_str(), AT_FDCWD, path().c_str(),
                                RENAME_EXCHANGE)),
            0);
  EXPECT_NE(ErrorOf(::symlink(other.c_str(), path().c_str())), 0);
}

TEST_F(ReadOnlyFramesTest, ADescriptorOfItTakesNoData) {
  const UniqueFd frame = OpenFrame();
  const UniqueFd source = MakeFile();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  ASSERT_EQ(::write(in.get(), kGraffiti.data(), kGraffiti.size()), ssize_t{kGraffiti.size()});
  iovec piece{const_cast<char*>(kGraffiti.data()), kGraffiti.size()};
  loff_t place = 0;
  const int fd = frame.get();
  EXPECT_EQ(ErrorOf(::write(fd, kGraffiti.data(), kGraffiti.size())), EBADF);
  EXPECT_EQ(ErrorOf(::pwrite(fd, kGraffiti.data(), kGraffiti.size(), 0)), EBADF);
  EXPECT_EQ(ErrorOf(::writev(fd, &piece, 1)), EBADF);
  EXPECT_EQ(ErrorOf(::pwritev2(fd, &piece, 1, 0, RWF_HIPRI)), EBADF);
  EXPECT_EQ(ErrorOf(::sendfile(fd, source.get(), nullptr, kGraffiti.size())), EBADF);
  EXPECT_EQ(ErrorOf(::splice(out.get(), nullptr, fd, &place, kGraffiti.size(), 0)), EBADF);
  EXPECT_EQ(ErrorOf(::copy_file_range(source.get(), nullptr, fd, nullptr, kGraffiti.size(), 0)),
            EBADF);
  EXPECT_NE(ErrorOf(::ioctl(fd, FICLONE, source.get())), 0);
  EXPECT_NE(ErrorOf(::ftruncate(fd, 0)), 0);
  for (const int mode : {0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE}) {
    EXPECT_EQ(ErrorOf(::fallocate(fd, mode, 0, 4096)), EBADF) << mode;
  }
}

TEST_F(ReadOnlyFramesTest, ItsNameTakesNoChange) {
  const std::string name = path();
  const int flags = FS_IMMUTABLE_FL;
  const UniqueFd fd = OpenFrame();
  // By the rules of any file a size may be cut by name by who may write, which is nobody but root;
  // and for root O_TRUNC and truncate() mean nothing here.
  (void)!::truncate(name.c_str(), 0);
  EXPECT_NE(ErrorOf(::truncate(name.c_str(), 1)), 0);
  EXPECT_NE(ErrorOf(::chmod(name.c_str(), 0666)), 0);
  EXPECT_NE(ErrorOf(::utimensat(AT_FDCWD, name.c_str(), nullptr, 0)), 0);
  EXPECT_NE(ErrorOf(::setxattr(name.c_str(), "user.grabfs.sequence", "7", 1, 0)), 0);
  EXPECT_NE(ErrorOf(::removexattr(name.c_str(), "user.grabfs.sequence")), 0);
  EXPECT_NE(ErrorOf(::ioctl(fd.get(), FS_IOC_SETFLAGS, &flags)), 0);
}

TEST_F(ReadOnlyFramesTest, ASharedMappingCannotBecomeWritable) {
  const UniqueFd fd = OpenFrame();
  const Mapping mapping(fd.get(), picture_.bytes());
  for (const int protection : {PROT_WRITE, PROT_READ | PROT_WRITE}) {
    EXPECT_EQ(ErrorOf(::mprotect(mapping.data(), mapping.size(), protection)), EACCES);
    for (const int flags : {MAP_SHARED, MAP_SHARED_VALIDATE}) {
      void* const address = ::mmap(nullptr, picture_.bytes(), protection, flags, fd.get(), 0);
      EXPECT_EQ(address, MAP_FAILED);
      EXPECT_EQ(errno, EACCES);
    }
  }
  EXPECT_NE(ErrorOf(::madvise(mapping.data(), mapping.size(), MADV_REMOVE)), 0);
  EXPECT_NE(ErrorOf(::madvise(mapping.data(), mapping.size(), MADV_POPULATE_WRITE)), 0);
}

TEST_F(ReadOnlyFramesTest, ACopyOfASharedMappingCannotBecomeWritable) {
  const Mapping mapping = MapShared();
  // An old size of 0 asks for a second mapping of the same pages.
  void* const copy = ::mremap(mapping.data(), 0, mapping.size(), MREMAP_MAYMOVE);
  ASSERT_NE(copy, MAP_FAILED);
  EXPECT_EQ(ErrorOf(::mprotect(copy, mapping.size(), PROT_READ | PROT_WRITE)), EACCES);
  ::munmap(copy, mapping.size());
}

TEST_F(ReadOnlyFramesTest, UserfaultfdPutsNoPagesIntoIt) {
  const UniqueFd faults(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | 1)));
  if (!faults.valid()) GTEST_SKIP() << "no userfaultfd here: " << std::strerror(errno);
  uffdio_api api{.api = UFFD_API, .features = 0, .ioctls = 0};
  ASSERT_EQ(::ioctl(faults.get(), UFFDIO_API, &api), 0);
  const Mapping mapping = MapShared();
  uffdio_register request{};
  request.range = {.start = reinterpret_cast<uintptr_t>(mapping.data()), .len = 4096};
  for (const uint64_t mode : {UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP}) {
    request.mode = mode;
    EXPECT_NE(ErrorOf(::ioctl(faults.get(), UFFDIO_REGISTER, &request)), 0) << mode;
  }
}

// /proc/PID/mem and ptrace write where the process itself may not; of a shared file they must not,
// and of a private mapping they get a copy.
TEST_F(ReadOnlyFramesTest, TheMemoryFileDoesNotReachIt) {
  const UniqueFd memory = Open("/proc/self/mem", O_RDWR);
  const Mapping shared = MapShared();
  const Mapping copied = MapAndClose(path(), PROT_READ, MAP_PRIVATE);
  const auto write_at = [&memory](const Mapping& mapping) {
    return ::pwrite(memory.get(), kGraffiti.data(), kGraffiti.size(),
                    static_cast<off_t>(reinterpret_cast<uintptr_t>(mapping.data())));
  };
  EXPECT_LT(write_at(shared), 0);
  // Kernels may forbid this too.
  if (write_at(copied) > 0) {
    EXPECT_EQ(std::memcmp(copied.data(), kGraffiti.data(), kGraffiti.size()), 0);
  }
}

TEST_F(ReadOnlyFramesTest, ADebuggerDoesNotReachIt) {
  const Mapping shared = MapShared();
  const Mapping copied = MapAndClose(path(), PROT_READ, MAP_PRIVATE);
  Child debugged([](Child::Parent parent) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    parent.Await();
    return 0;
  });
  int status = 0;
  ASSERT_EQ(::waitpid(debugged.pid(), &status, 0), debugged.pid());
  ASSERT_TRUE(WIFSTOPPED(status));
  long word = 0;
  std::memcpy(&word, kGraffiti.data(), sizeof word);
  EXPECT_NE(ErrorOf(::ptrace(PTRACE_POKEDATA, debugged.pid(), shared.data(), word)), 0);
  (void)::ptrace(PTRACE_POKEDATA, debugged.pid(), copied.data(), word);
  iovec local{const_cast<char*>(kGraffiti.data()), kGraffiti.size()};
  iovec remote{shared.data(), kGraffiti.size()};
  EXPECT_EQ(ErrorOf(::process_vm_writev(debugged.pid(), &local, 1, &remote, 1, 0)), EFAULT);
}

TEST_F(ReadOnlyFramesTest, APrivateMappingIsOnesOwn) {
  const Mapping mine = MapAndClose(path(), PROT_READ | PROT_WRITE, MAP_PRIVATE);
  std::memcpy(mine.data(), kGraffiti.data(), kGraffiti.size());
  const Mapping late = MapAndClose(path(), PROT_READ, MAP_PRIVATE);
  ASSERT_EQ(::mprotect(late.data(), late.size(), PROT_READ | PROT_WRITE), 0);
  std::memset(late.data(), 0, late.size());
  EXPECT_EQ(std::memcmp(mine.data(), kGraffiti.data(), kGraffiti.size()), 0);
}

}  // namespace
}  // namespace grabfs::mount_test
