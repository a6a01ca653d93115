// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli --complete: what a shell may offer, out of the verbs and out of the mount.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "cli/command/verb.h"
#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class CompleteTest : public FakeMount {
 protected:
  std::vector<std::string> Offered(std::vector<std::string> words) {
    words.insert(words.begin(), "--complete");
    EXPECT_EQ(Cli(words), ExitCode::kDone) << Err();
    std::vector<std::string> texts;
    std::istringstream lines(Out());
    for (std::string line; std::getline(lines, line);) {
      texts.push_back(line.substr(0, line.find('\t')));
    }
    return texts;
  }
};

TEST_F(CompleteTest, TheFirstWordIsAVerb) {
  EXPECT_EQ(Offered({""}).size(), Verbs().size());
  EXPECT_THAT(Offered({"um"}), ElementsAre("umount"));
}

TEST_F(CompleteTest, EveryVerbOffersItsOptions) {
  for (const VerbEntry* entry : Verbs()) {
    EXPECT_THAT(Offered({std::string(entry->name), "--h"}), ElementsAre("--help")) << entry->name;
  }
}

TEST_F(CompleteTest, DevicesAreThoseOfTheMount) {
  AddDevice("cam0");
  AddDevice("sim0");
  EXPECT_THAT(Offered({"info", ""}), ElementsAre("cam0", "sim0"));
  EXPECT_THAT(Offered({"info", "c"}), ElementsAre("cam0"));
  EXPECT_THAT(Offered({"alloc", "mine", "--device", "s"}), ElementsAre("sim0"));
}

TEST_F(CompleteTest, TheMountMayBeNamedOnTheLine) {
  AddDevice("cam0");
  environment()["GRABFS_MOUNT"] = "/nowhere";
  EXPECT_THAT(Offered({"info", ""}), IsEmpty());
  EXPECT_THAT(Offered({"info", "--mount", root().string(), ""}), ElementsAre("cam0"));
  EXPECT_THAT(Offered({"info", "--mount=" + root().string(), ""}), ElementsAre("cam0"));
}

TEST_F(CompleteTest, FramesAreThoseThatAreThere) {
  AddDevice("cam0").Capture();
  AddDevice("sim0");
  EXPECT_THAT(Offered({"save", "cam0", "--sequence", ""}), ElementsAre("0"));
  EXPECT_THAT(Offered({"save", "sim0", "--sequence", ""}), IsEmpty());
}

TEST_F(CompleteTest, SettingsAreFilesThatCanBeWritten) {
  const FakeDevice& device = AddDevice("sim0");
  std::filesystem::permissions(device.directory() / "status.json",
                               std::filesystem::perms::owner_read);
  const auto offered = Offered({"set", "sim0", ""});
  EXPECT_THAT(offered, Contains("format="));
  EXPECT_THAT(offered, Not(Contains("status.json=")));
}

TEST_F(CompleteTest, FilesOfAllocAreOfferedWhereTheyAreMeant) {
  AddDevice("sim0");
  std::filesystem::create_directories(root() / "alloc" / "sim0");
  std::ofstream(root() / "alloc" / "sim0" / "picture").put('x');
  EXPECT_THAT(Offered({"free", ""}), ElementsAre("sim0/picture"));
  EXPECT_THAT(Offered({"capture", "sim0", "--into", "s"}), ElementsAre("sim0/picture"));
  EXPECT_THAT(Offered({"alloc", ""}), IsEmpty());
}

TEST_F(CompleteTest, WordsOfFixedSetsAreOffered) {
  EXPECT_THAT(Offered({"wait", "--state", "st"}), ElementsAre("stopped", "streaming"));
  EXPECT_THAT(Offered({"save", "--format", "pn"}), ElementsAre("pnm", "png"));
}

TEST_F(CompleteTest, NonsenseIsNoErrorButNothing) {
  EXPECT_THAT(Offered({"nosuchverb", ""}), IsEmpty());
  EXPECT_THAT(Offered({"save", "-o", "pic"}), IsEmpty());
}

}  // namespace
}  // namespace grabfs::cli
