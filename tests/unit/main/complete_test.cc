// SPDX-License-Identifier: Apache-2.0
//
// grabfs --complete: options, sources and keys.
#include "fusefs/main/complete.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fusefs/main/mount_options.h"
#include "fusefs/main/options.h"

namespace grabfs {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Offered(const std::vector<std::string>& words) {
  std::vector<std::string> texts;
  for (const Candidate& candidate : CompleteDaemon(words)) texts.push_back(candidate.text);
  return texts;
}

TEST(CompleteDaemon, OptionsAreThoseOfTheParser) {
  EXPECT_THAT(Offered({"--d"}), ElementsAre("--device"));
  EXPECT_THAT(Offered({"--"}), Contains("--foreground"));
}

TEST(CompleteDaemon, ADeviceIsANameASourceAndKeys) {
  EXPECT_THAT(Offered({"--device", "cam"}), IsEmpty());
  EXPECT_THAT(Offered({"--device", "cam0=pa"}), ElementsAre("cam0=pattern"));
  EXPECT_THAT(Offered({"--device", "cam0=re"}), ElementsAre("cam0=replay:"));
  EXPECT_THAT(Offered({"--device", "cam0=pattern,rate=3,w"}),
              ElementsAre("cam0=pattern,rate=3,width="));
}

TEST(CompleteDaemon, AFormatIsOneThatThereIs) {
  EXPECT_THAT(Offered({"--device", "cam0=pattern,rate=3,format=GR"}),
              ElementsAre("cam0=pattern,rate=3,format=GREY", "cam0=pattern,rate=3,format=GRBG"));
}

TEST(CompleteDaemon, EveryKeyThatIsOfferedIsTaken) {
  for (const std::string& spec : Offered({"--device", "cam0=pattern,"})) {
    const bool needs_value = spec.ends_with('=');
    const std::string value = spec.ends_with("format=") ? "GREY" : "32";
    EXPECT_NO_THROW(ParseDeviceOption(needs_value ? spec + value : spec)) << spec;
  }
}

TEST(CompleteDaemon, MountOptionsFollowACommaToo) {
  EXPECT_THAT(Offered({"-o", "allow_"}), ElementsAre("allow_other"));
  EXPECT_THAT(Offered({"-o", "ro,uma"}), ElementsAre("ro,umask="));
  EXPECT_EQ(Offered({"-o", ""}).size(), MountOptions().size());
}

TEST(CompleteDaemon, AMountPointIsAFileOfTheSystem) { EXPECT_THAT(Offered({"/mn"}), IsEmpty()); }

}  // namespace
}  // namespace grabfs
