// SPDX-License-Identifier: Apache-2.0
//
// Which files root may run for others.
#include "fusefs/source/trusted_path.h"

#include <unistd.h>

#include <cerrno>

#include "tests/unit/source/exec/scripts.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

namespace fs = std::filesystem;

class TrustedPath : public Scripts {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "files of several users take root";
    program_ = Script("program", "");
  }
  // "": trusted for a user who owns nothing here.
  static std::string Refusal(const std::string& path, uid_t user = 12345) {
    return ErrorOf(EPERM, [&] { RequireTrustedPath(path, user); });
  }

  std::string program_;
};

TEST_F(TrustedPath, RootsFilesAre) { EXPECT_EQ(Refusal(program_), ""); }

TEST_F(TrustedPath, FilesThatOthersCanWriteAreNot) {
  fs::permissions(program_, fs::perms(0757));
  EXPECT_TRUE(Refusal(program_).starts_with(program_ + ": others may write to it"));
  fs::permissions(program_, fs::perms(0775));
  EXPECT_EQ(Refusal(program_), "") << "root's group is root";
  ASSERT_EQ(::chown(program_.c_str(), 0, 5), 0);
  EXPECT_NE(Refusal(program_), "");
}

TEST_F(TrustedPath, FilesOfOthersAreNotButOnesOwnAre) {
  ASSERT_EQ(::chown(program_.c_str(), 12345, 0), 0);
  EXPECT_EQ(Refusal(program_, 12345), "");
  EXPECT_TRUE(Refusal(program_, 12346).starts_with(program_ + ": it belongs to another user"));
  EXPECT_NE(Refusal(program_, 0), "");
}

TEST_F(TrustedPath, NorIsADirectoryOnTheWay) {
  fs::create_directories(Path("a/b"));
  fs::copy(program_, Path("a/b/program"));
  fs::permissions(Path("a"), fs::perms(0777));
  EXPECT_TRUE(Refusal(Path("a/b/program")).starts_with(Path("a") + ": "));
  fs::permissions(Path("a"), fs::perms(01777));
  EXPECT_EQ(Refusal(Path("a/b/program")), "") << "as /tmp is";
}

TEST_F(TrustedPath, ALinkIsAsGoodAsItsOwnerAndWhereItLeads) {
  fs::create_directories(Path("a"));
  fs::permissions(Path("a"), fs::perms(0777));
  fs::create_symlink("../program", Path("a/link"));
  EXPECT_TRUE(Refusal(Path("a/link")).starts_with(Path("a") + ": "));
  fs::permissions(Path("a"), fs::perms(0755));
  EXPECT_EQ(Refusal(Path("a/link")), "");
  fs::create_symlink(Path("a/link"), Path("second"));
  EXPECT_EQ(Refusal(Path("second")), "");
  ASSERT_EQ(::lchown(Path("second").c_str(), 12346, 0), 0);
  EXPECT_NE(Refusal(Path("second")), "");
}

TEST_F(TrustedPath, LinksWithoutAnEndAreRefused) {
  fs::create_symlink("b", Path("a"));
  fs::create_symlink("a", Path("b"));
  EXPECT_NE(ErrorOf(ELOOP, [&] { RequireTrustedPath(Path("a"), 0); }), "");
}

TEST_F(TrustedPath, AnAbsentFileIsNamed) {
  EXPECT_TRUE(
      ErrorOf(ENOENT, [&] { RequireTrustedPath(Path("absent"), 0); }).starts_with(Path("absent")));
}

}  // namespace
}  // namespace grabfs
