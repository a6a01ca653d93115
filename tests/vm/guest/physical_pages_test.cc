// SPDX-License-Identifier: Apache-2.0
//
// "The very same page", taken literally: what a reader maps through the mount are the physical pages
// of the module's buffer, which the device writes and which the daemon has mapped too.
//
// Runs on the tests/mount fixture; GRABFS_BIN puts its device on DMA buffers (grabfs_on_dma.sh).
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/mount/support/fixture.h"
#include "tests/vm/guest/pagemap.h"

namespace grabfs::vm {
namespace {

using mount_test::MapAndClose;

class PhysicalPagesTest : public mount_test::MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    const auto status = mount().Status();
    if (status.at("data_path") != "passthrough") {
      GTEST_SKIP() << "data path is " << status.at("data_path");
    }
  }

  // The pages of all of the module's buffers, as the daemon maps them.
  std::vector<std::vector<uint64_t>> DaemonPages() {
    return PageFramesOf(mount().Status().at("pid"), "grabdma");
  }

  static std::vector<uint64_t> ReaderPages(const std::string& path) {
    const auto mapping = MapAndClose(path);
    return PageFrames(mapping.bytes());
  }
};

// The daemon maps whole pages and may have touched only some of them.
bool IsSameMemory(const std::vector<uint64_t>& reader, const std::vector<uint64_t>& daemon) {
  if (reader.size() > daemon.size()) return false;
  const auto same = [](uint64_t one, uint64_t other) { return other == 0 || one == other; };
  return std::any_of(daemon.begin(), daemon.end(), [](uint64_t page) { return page != 0; }) &&
         std::equal(reader.begin(), reader.end(), daemon.begin(), same);
}

TEST_F(PhysicalPagesTest, ABufferIsTheModulesOwnMemory) {
  const auto daemon = DaemonPages();
  const auto reader = ReaderPages(device().Buffer(0));
  EXPECT_TRUE(std::any_of(daemon.begin(), daemon.end(),
                          [&](const auto& pages) { return IsSameMemory(reader, pages); }));
}

TEST_F(PhysicalPagesTest, AFrameIsTheBufferThatTheDeviceFilled) {
  const uint64_t sequence = device().Capture(1);
  const auto frame = ReaderPages(device().Frame(sequence));
  EXPECT_EQ(frame, ReaderPages(device().latest()));
  bool found = false;
  for (unsigned index = 0; index < mount_test::kBuffers && !found; ++index) {
    found = ReaderPages(device().Buffer(index)) == frame;
  }
  EXPECT_TRUE(found) << "the frame's pages belong to no buffer";
}

TEST_F(PhysicalPagesTest, TwoReadersAndALaterFrameShareThePage) {
  const auto first = MapAndClose(device().Buffer(0));
  const auto second = MapAndClose(device().Buffer(0));
  const auto pages = PageFrames(first.bytes());
  EXPECT_EQ(pages, PageFrames(second.bytes()));
  device().Capture(2 * mount_test::kBuffers);
  EXPECT_EQ(PageFrames(first.bytes()), pages) << "the buffer's pages changed";
  EXPECT_TRUE(std::equal(first.bytes().begin(), first.bytes().end(), second.bytes().begin()));
}

}  // namespace
}  // namespace grabfs::vm
