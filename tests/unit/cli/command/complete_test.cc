// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli --complete: what a shell may offer, out of the verbs and out of the mount.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/command/verb.h"
#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

using nlohmann::json;
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

TEST_F(CompleteTest, ASettingOffersTheValuesThatItTakes) {
  const std::filesystem::path controls = AddDevice("cam0").directory() / "controls";
  std::filesystem::create_directory(controls);
  WriteText(controls / "power.info",
            "title Power\ntype menu\nmenu 0 Disabled\nmenu 2 60 Hz\ndefault 60 Hz\n");
  WriteText(controls / "auto.info", "title Auto\ntype boolean\n");
  WriteText(controls / "gain.info", "title Gain\ntype integer\nminimum 0\n");
  EXPECT_THAT(Offered({"set", "cam0", "format=GR"}), ElementsAre("format=GREY", "format=GRBG"));
  EXPECT_THAT(Offered({"set", "cam0", "policy="}),
              ElementsAre("policy=keep-newest", "policy=keep-oldest"));
  EXPECT_THAT(Offered({"set", "state=st"}), ElementsAre("state=start", "state=stop"));
  EXPECT_THAT(Offered({"set", "cam0", "power="}), ElementsAre("power=Disabled", "power=60 Hz"));
  EXPECT_THAT(Offered({"set", "cam0", "auto="}), ElementsAre("auto=0", "auto=1"));
  for (const char* open : {"gain=", "width=", "nothing=", "../cam0/controls/auto="}) {
    EXPECT_THAT(Offered({"set", "cam0", open}), IsEmpty()) << open;
  }
}

TEST_F(CompleteTest, NothingIsOfferedTwice) {
  AddDevice("cam0");
  AddDevice("sim0");
  const auto settings = Offered({"set", "x=1", ""});
  EXPECT_EQ(std::ranges::count(settings, "format="), 1);
}

TEST_F(CompleteTest, TheOnlyDeviceNeedNotBeNamed) {
  AddDevice("cam0");
  EXPECT_THAT(Offered({"set", "form"}), ElementsAre("format="));
  EXPECT_THAT(Offered({"get", "form"}), ElementsAre("format"));
  EXPECT_THAT(Offered({"info", "form"}), IsEmpty());
  AddDevice("sim0");
  EXPECT_THAT(Offered({"get", ""}), ElementsAre("cam0", "sim0"));
}

TEST_F(CompleteTest, DevicesOfOneNameAreOfferedByTheirDirectories) {
  AddDevice("cam0");
  AddDevice("sim0");
  const std::string other = Scratch("other");
  std::filesystem::create_directories(other);
  auto status = json::parse(ReadText(root() / "status.json"));
  status["devices"].erase(0);
  WriteText(other + "/status.json", status.dump());
  std::filesystem::create_directories(Scratch("proc/self"));
  context().system.proc = Scratch("proc");
  environment().clear();
  WriteText(Scratch("proc/self/mountinfo"), "90 22 0:57 / " + root().string() +
                                                " rw - fuse.grabfs grabfs rw\n91 22 0:58 / " +
                                                other + " rw - fuse.grabfs grabfs rw\n");
  EXPECT_THAT(Offered({"info", ""}),
              ElementsAre("cam0", (root() / "sim0").string(), other + "/sim0"));
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
