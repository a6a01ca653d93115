// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/event_line.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace grabfs {
namespace {

TEST(EventLine, IsTheDocumentedObject) {
  EXPECT_EQ(EventLine("frame", "sim0", {{"sequence", 42}, {"buffer", 3}, {"timestamp_ns", 123}}),
            "{\"event\":\"frame\",\"device\":\"sim0\",\"sequence\":42,\"buffer\":3,"
            "\"timestamp_ns\":123}\n");
}

TEST(EventLine, MayHaveNoFields) {
  EXPECT_EQ(EventLine("lost", "a", {}), "{\"event\":\"lost\",\"device\":\"a\"}\n");
}

TEST(EventLine, NumbersUseAll64Bits) {
  const uint64_t largest = std::numeric_limits<uint64_t>::max();
  const auto event = nlohmann::json::parse(EventLine("frame", "a", {{"n", largest}, {"zero", 0}}));
  EXPECT_EQ(event.at("n"), largest);
  EXPECT_EQ(event.at("zero"), 0);
}

TEST(EventLine, AnyTextArrivesAsItWasAndOnOneLine) {
  const std::string awkward = "a \"quoted\"\n\\ \t\x01 caf\xc3\xa9";
  const std::string line = EventLine("error", "a", {{"reason", awkward}});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(nlohmann::json::parse(line).at("reason"), awkward);
}

TEST(EventLine, TextThatIsNotUtf8IsStillALine) {
  const auto event = nlohmann::json::parse(EventLine("error", "a", {{"reason", "\xff\xfe"}}));
  EXPECT_EQ(event.at("reason"), "\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace grabfs
