// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/script.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <stdexcept>

#include "tests/mount/differential/generator.h"

namespace grabfs::differential {
namespace {

Operation ParseOne(const std::string& line) {
  return ParseScript("size 1\n" + line).operations.at(0);
}

std::string ErrorOf(const std::string& text) {
  try {
    ParseScript(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(ScriptTest, WhatIsPrintedIsParsed) {
  for (uint64_t seed = 0; seed < 20; seed++) {
    const Script script = Generate(seed, 12220, 500);
    EXPECT_EQ(ParseScript(Print(script)), script) << "seed " << seed;
  }
}

TEST(ScriptTest, ALineNamesActorVerbAndArguments) {
  const Operation operation = ParseOne("2 fork pread fd=1 length=100 offset=-1");
  EXPECT_EQ(operation.actor, 2U);
  EXPECT_TRUE(operation.forked);
  EXPECT_EQ(operation.verb, FindVerb("pread"));
  EXPECT_EQ(operation.arguments, (Arguments{1, 100, -1}));
}

TEST(ScriptTest, ArgumentsMayBeLeftOutAndInAnyOrder) {
  EXPECT_EQ(ParseOne("0 pread offset=7 fd=3").arguments, (Arguments{3, 0, 7}));
}

TEST(ScriptTest, FlagsHaveNames) {
  EXPECT_EQ(ParseOne("0 open flags=O_RDWR|O_DIRECT").arguments[2], O_RDWR | O_DIRECT);
  EXPECT_EQ(ParseOne("0 open flags=0").arguments[2], 0);
  EXPECT_EQ(ParseOne("0 open flags=O_SYNC|1073741824").arguments[2], O_SYNC | 1073741824);
  EXPECT_EQ(Print(ParseOne("0 open flags=1052674")), "0 open fd=0 file=0 flags=O_SYNC|O_RDWR");
}

TEST(ScriptTest, SharedValidateIsNotSharedAndPrivate) {
  EXPECT_NE(Print(ParseOne("0 mmap flags=3")).find("flags=MAP_SHARED_VALIDATE"), std::string::npos);
}

TEST(ScriptTest, CommentsAndEmptyLinesAreNothing) {
  const Script script = ParseScript("# about\nsize 4096\n\nfill 3  # the noise\n");
  EXPECT_EQ(script.file_bytes, 4096U);
  EXPECT_EQ(script.fill_seed, 3U);
  EXPECT_TRUE(script.operations.empty());
}

TEST(ScriptTest, WhatIsWrongIsToldWithItsLine) {
  EXPECT_EQ(ErrorOf("size 1\n0 fly fd=0\n"), "line 2: no operation 'fly'");
  EXPECT_EQ(ErrorOf("size 1\n0 pread speed=0\n"), "line 2: pread takes no 'speed=0'");
  EXPECT_EQ(ErrorOf("size 1\n0 pread fd\n"), "line 2: pread takes no 'fd'");
  EXPECT_EQ(ErrorOf("size x\n"), "line 1: 'x' is no number");
  EXPECT_EQ(ErrorOf("size 1\n9 close fd=0\n"), "line 2: no actor 9");
  EXPECT_EQ(ErrorOf("size 1\n0 open flags=O_NONSENSE\n"),
            "line 2: 'O_NONSENSE' is no number and no name that fits");
  EXPECT_EQ(ErrorOf("fill 1\n"), "no 'size' line");
}

TEST(GeneratorTest, TheSameSeedGivesTheSameScript) {
  EXPECT_EQ(Generate(5, 12220, 300), Generate(5, 12220, 300));
  EXPECT_NE(Generate(5, 12220, 300), Generate(6, 12220, 300));
}

TEST(GeneratorTest, AllActorsAndVerbsTakePart) {
  const Script script = Generate(1, 12220, 20000);
  for (unsigned actor = 0; actor < kActors; actor++) {
    EXPECT_TRUE(std::ranges::count(script.operations, actor, &Operation::actor)) << actor;
  }
  for (const Verb& verb : Verbs()) {
    EXPECT_TRUE(std::ranges::count(script.operations, &verb, &Operation::verb)) << verb.name;
  }
}

}  // namespace
}  // namespace grabfs::differential
