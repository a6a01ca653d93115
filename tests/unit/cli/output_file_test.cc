// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

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
