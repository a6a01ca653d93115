// SPDX-License-Identifier: Apache-2.0
#include "cli/save/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "fusefs/base/error.h"
#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

class OutputFile : public FakeMount {
 protected:
  const std::string file_ = Scratch("out.png");

  [[nodiscard]] size_t FilesInScratch() const {
    return static_cast<size_t>(std::distance(
        std::filesystem::directory_iterator(std::filesystem::path(file_).parent_path()), {}));
  }
};

// As Debian has them; as they were before when this is destroyed.
class ProtectedLinks {
 public:
  ProtectedLinks() { Set("1\n"); }
  ~ProtectedLinks() { Set(before_); }
  ProtectedLinks(const ProtectedLinks&) = delete;
  ProtectedLinks& operator=(const ProtectedLinks&) = delete;
  [[nodiscard]] bool valid() const { return ReadText(kFile) == "1\n"; }

 private:
  static constexpr const char* kFile = "/proc/sys/fs/protected_symlinks";
  static void Set(const std::string& value) {
    if (ReadText(kFile) != value) std::ofstream(kFile) << value;
  }
  const std::string before_ = ReadText(kFile);
};

TEST_F(OutputFile, IsWrittenWhole) {
  const Bytes contents(3000000, 7);
  ReplaceFile(file_, contents);
  EXPECT_EQ(ReadBytes(file_), contents);
  EXPECT_EQ(FilesInScratch(), 1U);
}

TEST_F(OutputFile, ReplacesWhatIsThere) {
  WriteText(file_, "a longer text than the new one");
  ReplaceFile(file_, Bytes{'n', 'e', 'w'});
  EXPECT_EQ(ReadText(file_), "new");
  EXPECT_EQ(FilesInScratch(), 1U);
}

TEST_F(OutputFile, ObeysTheUmask) {
  const mode_t old = ::umask(027);
  ReplaceFile(file_, Bytes{'x'});
  ::umask(old);
  struct stat status;
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(OutputFile, ASymbolicLinkStaysAndItsTargetChanges) {
  WriteText(Scratch("target"), "old");
  std::filesystem::create_symlink("target", file_);
  ReplaceFile(file_, Bytes{'n', 'e', 'w'});
  EXPECT_TRUE(std::filesystem::is_symlink(file_));
  EXPECT_EQ(ReadText(Scratch("target")), "new");
}

TEST_F(OutputFile, KeepsTheRightsOfWhatIsThere) {
  WriteText(file_, "secret");
  ASSERT_EQ(::chmod(file_.c_str(), 0600), 0);
  ReplaceFile(file_, Bytes{'n', 'e', 'w'});
  struct stat status;
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(file_.c_str(), 1234, 5678), 0);
  ReplaceFile(file_, Bytes{'x'});
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1234U);
  EXPECT_EQ(status.st_gid, 5678U);
}

// In a folder that everybody may write to, as /tmp is, the kernel follows no link of another user.
TEST_F(OutputFile, AnotherUsersLinkIsNotFollowedWhereTheKernelDoesNot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's link";
  const ProtectedLinks protection;
  if (!protection.valid()) GTEST_SKIP() << "cannot be switched on here";
  const std::string shared = Scratch("shared");
  std::filesystem::create_directory(shared);
  ASSERT_EQ(::chmod(shared.c_str(), 01777), 0);
  WriteText(Scratch("target"), "old");
  const std::string link = shared + "/out.png";
  std::filesystem::create_symlink(Scratch("target"), link);
  ASSERT_EQ(::lchown(link.c_str(), 1234, 1234), 0);
  EXPECT_THROW(ReplaceFile(link, Bytes{'n', 'e', 'w'}), Error);
  EXPECT_EQ(ReadText(Scratch("target")), "old");
}

TEST_F(OutputFile, APipeIsWrittenTo) {
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = ReadText(file_); });
  ReplaceFile(file_, Bytes{'x', 'y'});
  reader.join();
  EXPECT_EQ(got, "xy");
}

TEST_F(OutputFile, FailureLeavesNothingBehind) {
  EXPECT_THROW(ReplaceFile(Scratch("absent/out.png"), Bytes{'x'}), Error);
  std::filesystem::create_directory(file_);
  EXPECT_THROW(ReplaceFile(file_, Bytes{'x'}), Error);
  EXPECT_EQ(FilesInScratch(), 1U);
  EXPECT_TRUE(std::filesystem::is_empty(file_));
}

}  // namespace
}  // namespace grabfs::cli
