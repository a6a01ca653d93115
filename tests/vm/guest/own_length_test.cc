// SPDX-License-Identifier: Apache-2.0
//
// Frames of their own length, as line scan and compressing boards make them, in the mount: size,
// content and attributes of each, and what the board says about it. The board loses frames itself,
// and has several in flight (virtual.line_scan, .lose, .depth).
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/mount/support/fixture.h"
#include "tests/vm/guest/device.h"
#include "tests/vm/guest/environment.h"

namespace grabfs::vm {
namespace {

using mount_test::Xattr;

constexpr uint32_t kSize = 64;

class OwnLengthTest : public mount_test::EnvironmentTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    WaitForAdapter();
    mount_.emplace(mount_test::MountSpec{
        {"grab0=grabdma:" + AdapterPath() + ",format=GREY,width=64,height=64,rate=0,buffers=16"},
        {}});
  }

  // Frames that came of a trigger; those that the board lost have no file.
  [[nodiscard]] std::vector<std::string> CaptureSome() const {
    const mount_test::Device device = mount_->GetDevice("grab0");
    device.Capture(15);
    std::vector<std::string> frames;
    for (const auto& entry : std::filesystem::directory_iterator(device.Path("frames"))) {
      frames.push_back(entry.path());
    }
    EXPECT_GE(frames.size(), 5U);
    return frames;
  }

  std::optional<mount_test::Mount> mount_;
};

TEST_F(OwnLengthTest, AFrameIsAsLongAsItIs) {
  std::set<size_t> lengths;
  for (const std::string& frame : CaptureSome()) {
    const auto content = mount_test::ReadFile(frame);
    struct stat status {};
    ASSERT_EQ(::stat(frame.c_str(), &status), 0);
    EXPECT_EQ(static_cast<size_t>(status.st_size), content.size());
    EXPECT_EQ(Xattr(frame, "bytes_used"), std::to_string(content.size()));
    EXPECT_EQ(content.size() % (kSize * kSize / 4), 0U) << content.size();
    lengths.insert(content.size());
  }
  EXPECT_GT(lengths.size(), 1U) << "all frames are of one length";
}

TEST_F(OwnLengthTest, AFrameTellsWhatTheBoardSaidOfIt) {
  for (const std::string& frame : CaptureSome()) {
    const std::string chunk = Xattr(frame, "chunk");
    EXPECT_TRUE(chunk.starts_with("sequence=")) << chunk;
    EXPECT_NE(chunk.find(" due_ns="), std::string::npos) << chunk;
    EXPECT_GT(std::stoull(Xattr(frame, "device_timestamp_ns")), 0U);
  }
}

// Every fifth is lost on the board: a gap, a counter, and an attribute of the next frame.
TEST_F(OwnLengthTest, WhatTheBoardLosesIsCounted) {
  uint64_t lost = 0;
  for (const std::string& frame : CaptureSome()) lost += std::stoull(Xattr(frame, "dropped"));
  EXPECT_GE(lost, 2U);
}

}  // namespace
}  // namespace grabfs::vm
