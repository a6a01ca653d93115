// SPDX-License-Identifier: Apache-2.0
//
// Who may do what: every file of a mount, opened for reading and for writing by root, the owner,
// somebody of the owner's group and a stranger, for combinations of umask=, frame_mode=,
// control_mode=, ro and allow_other. What must come out is computed here from the documented modes,
// by the rules of any file system.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>

#include "tests/mount/support/fixture.h"
#include "tests/mount/support/users.h"

namespace grabfs::mount_test {
namespace {

std::string Octal(const std::string& option, mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%03o", mode);
  return option + "=" + text;
}

struct Options {
  mode_t umask;
  bool read_only;
  bool allow_other;
  std::optional<mode_t> frame_mode = {};
  std::optional<mode_t> control_mode = {};

  [[nodiscard]] std::vector<std::string> Words() const {
    std::vector<std::string> words = {Octal("umask", umask), "uid=" + std::to_string(kOwner.uid),
                                      "gid=" + std::to_string(kOwner.gid)};
    if (frame_mode) words.push_back(Octal("frame_mode", *frame_mode));
    if (control_mode) words.push_back(Octal("control_mode", *control_mode));
    if (read_only) words.emplace_back("ro");
    if (allow_other) words.emplace_back("allow_other");
    return words;
  }
};

// A file and what docs/mount.md says of it.
struct Entry {
  std::string path;
  mode_t mode;            // without mount options
  bool writable = false;  // by whom the modes allow it, root included
};

constexpr mode_t kDirectoryMode = 0755;

// The mode of the file in this mount.
mode_t ModeOf(const Options& options, const Entry& entry) {
  const std::string name = entry.path.substr(entry.path.rfind('/') + 1);
  const bool setting = name == "stride" || name == "policy" || name == "state";
  const auto& given = setting ? options.control_mode : options.frame_mode;
  if (given && name != "status.json") return *given & (entry.writable ? 0666 : 0444);
  return entry.mode & ~options.umask;
}

bool Permits(const User& user, mode_t mode, mode_t wanted) {
  if (user.uid == kSuperuser.uid) return true;
  unsigned shift = 0;
  if (user.uid == kOwner.uid) {
    shift = 6;
  } else if (user.gid == kOwner.gid) {
    shift = 3;
  }
  return ((mode >> shift) & wanted) == wanted;
}

// The errno that opening must give, 0 for success.
int ExpectedError(const User& user, const Options& options, const Entry& entry, bool write) {
  if (!options.allow_other && user.uid != kSuperuser.uid) return EACCES;
  if (!Permits(user, kDirectoryMode & ~options.umask, 1)) return EACCES;
  if (write && options.read_only) return EROFS;
  if (!Permits(user, ModeOf(options, entry), write ? 2 : 4)) return EACCES;
  return write && !entry.writable ? EACCES : 0;
}

class PermissionsTest : public EnvironmentTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (!IsSkipped() && ::geteuid() != 0) GTEST_SKIP() << "only root can become other users";
  }

  static std::vector<Entry> Entries(const Mount& mount) {
    const Device sim = mount.GetDevice();
    return {
        {mount.Path("status.json"), 0444},
        {sim.Path("status.json"), 0444},
        {sim.Path("events"), 0444},
        {sim.Path("stride"), 0444},
        {sim.Path("policy"), 0644, true},
        {sim.Path("state"), 0644, true},
        {sim.latest(), 0444},
        {sim.Frame(sim.Frames().front()), 0444},
        {sim.Buffer(0), 0644, true},
    };
  }

  // Opens every entry both ways as the user; the exit status is the number of surprises.
  static int Try(const User& user, const Options& options, const std::vector<Entry>& entries) {
    int surprises = 0;
    for (const Entry& entry : entries) {
      for (const bool write : {false, true}) {
        const int expected = ExpectedError(user, options, entry, write);
        const int error = OpenError(entry.path, write ? O_WRONLY : O_RDONLY);
        if (error == expected) continue;
        std::fprintf(stderr, "%s opens %s for %s: errno %d, not %d\n", user.name,
                     entry.path.c_str(), write ? "writing" : "reading", error, expected);
        ++surprises;
      }
    }
    return surprises;
  }

  static void CheckAll(const Options& options) {
    // Streaming, because with `ro` nobody can start it.
    const Mount mount({{"sim0=pattern,format=GREY,width=32,height=32,rate=0,buffers=3,"
                        "policy=keep-oldest,state=streaming"},
                       options.Words()});
    ASSERT_EQ(mount.Status().at("data_path"), DataPathName(ActiveDataPath()));
    ASSERT_TRUE(WaitUntil([&] { return mount.GetDevice().Frames().size() == 3; }));
    const std::vector<Entry> entries = Entries(mount);
    for (const User& user : {kSuperuser, kOwner, kColleague, kStranger}) {
      EXPECT_EQ(RunAs(user, [&] { return Try(user, options, entries); }), 0)
          << user.name << ", options: " << ::testing::PrintToString(options.Words());
    }
  }
};

TEST_F(PermissionsTest, UmaskAndReadOnlyDecideForEveryFileAndEverybody) {
  for (const mode_t umask : {0000U, 0022U, 0027U, 0077U, 0133U, 0777U}) {
    for (const bool read_only : {false, true}) {
      CheckAll({.umask = umask, .read_only = read_only, .allow_other = true});
    }
  }
}

TEST_F(PermissionsTest, AGroupIsGivenThePicturesOrTheSettingsOrBoth) {
  for (const mode_t frame_mode : {0444U, 0440U, 0400U, 0660U}) {
    for (const mode_t control_mode : {0644U, 0660U, 0600U}) {
      CheckAll({.umask = 022,
                .read_only = false,
                .allow_other = true,
                .frame_mode = frame_mode,
                .control_mode = control_mode});
    }
  }
}

TEST_F(PermissionsTest, AGroupGetsInThoughUmaskKeepsItOut) {
  const Mount mount({{kDevice},
                     Options{.umask = 077,
                             .read_only = false,
                             .allow_other = true,
                             .frame_mode = 0440,
                             .control_mode = 0640}
                         .Words()});
  const Device sim = mount.GetDevice();
  const std::string frame = sim.Frame(sim.Capture(1));
  const auto look = [&] { return OpenError(frame, O_RDONLY); };
  const auto tell = [&] { return OpenError(sim.Path("status.json"), O_RDONLY); };
  const auto steer = [&] { return OpenError(sim.Path("trigger"), O_WRONLY); };
  EXPECT_EQ(RunAs(kColleague, look), 0);
  EXPECT_EQ(RunAs(kColleague, tell), 0);
  EXPECT_EQ(RunAs(kColleague, steer), EACCES);
  EXPECT_EQ(RunAs(kOwner, steer), 0);
  for (const auto& attempt :
       {std::function<int()>(look), std::function<int()>(tell), std::function<int()>(steer)}) {
    EXPECT_EQ(RunAs(kStranger, attempt), EACCES);
  }
}

TEST_F(PermissionsTest, WhoMaySteerButNotSeeCannotHavePicturesCapturedIntoHisMemory) {
  const Mount mount({{kDevice},
                     Options{.umask = 022,
                             .read_only = false,
                             .allow_other = true,
                             .frame_mode = 0440,
                             .control_mode = 0666}
                         .Words()});
  const Device sim = mount.GetDevice();
  EXPECT_EQ(RunAs(kStranger, [&] { return sim.TrySet("trigger", "1"); }), 0);
  EXPECT_EQ(RunAs(kStranger, [&] { return OpenError(sim.Path("into"), O_WRONLY); }), EACCES);
  EXPECT_EQ(RunAs(kColleague, [&] { return OpenError(sim.Path("into"), O_WRONLY); }), 0);
}

TEST_F(PermissionsTest, WithoutAllowOtherNobodyElseGetsInWhateverTheModesSay) {
  for (const bool read_only : {false, true}) {
    CheckAll({.umask = 0, .read_only = read_only, .allow_other = false});
  }
}

TEST_F(PermissionsTest, OnlyWhoMayWriteTheDirectoryGivesFramesUp) {
  const Mount mount({{kDevice}, Options{0022, false, true}.Words()});
  const Device sim = mount.GetDevice();
  const std::string frame = sim.Frame(sim.Capture(1));
  const auto unlink_frame = [&frame] { return ErrorOf(::unlink(frame.c_str())); };
  EXPECT_EQ(RunAs(kStranger, unlink_frame), EACCES);
  EXPECT_EQ(RunAs(kColleague, unlink_frame), EACCES);
  EXPECT_EQ(RunAs(kOwner, unlink_frame), 0);
}

TEST_F(PermissionsTest, AProcessThatIsGivenADescriptorReadsAndHoldsWithoutAnyRight) {
  const Mount mount({{kDevice}, Options{0077, false, false}.Words()});
  const Device sim = mount.GetDevice();
  const Picture picture(kFormat, kWidth, kHeight);
  const uint64_t sequence = sim.Capture(1);
  UniqueFd fd = Open(sim.Frame(sequence), O_RDONLY);
  Child child([&](Child::Parent parent) {
    Become(kStranger);
    parent.Tell();
    parent.Await();
    return picture.IsFrame(ReadAll(fd.get()), sequence) ? 0 : 1;
  });
  child.Await();
  fd.reset();
  sim.Capture(3 * kBuffers);
  EXPECT_TRUE(Exists(sim.Frame(sequence)));
  child.Tell();
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_TRUE(sim.IsRecycled(sequence));
}

}  // namespace
}  // namespace grabfs::mount_test
