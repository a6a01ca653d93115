// SPDX-License-Identifier: Apache-2.0
//
// "The very same page", taken literally: what a reader maps through the mount are the physical
// pages of the module's buffer, which the device writes and which the daemon has mapped too.
//
// Runs on the tests/mount fixture; GRABFS_BIN puts its device on DMA buffers (grabfs_on_dma.sh).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
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

  // The module's own files of the live buffers, as the daemon got them from the module.
  std::vector<std::string> ModuleFiles() {
    std::vector<std::string> files;
    const std::string daemon = "/proc/" + mount().Status().at("pid").dump() + "/fd";
    for (const auto& entry : std::filesystem::directory_iterator(daemon)) {
      const std::string target = std::filesystem::read_symlink(entry.path());
      if (target.find("grabdma") != std::string::npos &&
          target.find(".live") != std::string::npos) {
        files.push_back(entry.path());
      }
    }
    return files;
  }

  static std::vector<uint64_t> ReaderPages(const std::string& path) {
    const auto mapping = MapAndClose(path);
    return PageFrames(mapping.bytes());
  }
};

TEST_F(PhysicalPagesTest, ABufferIsTheModulesOwnMemory) {
  const auto files = ModuleFiles();
  EXPECT_EQ(files.size(), mount_test::kBuffers);
  for (unsigned index = 0; index < mount_test::kBuffers; ++index) {
    const auto reader = ReaderPages(device().Buffer(index));
    EXPECT_EQ(std::count_if(files.begin(), files.end(),
                            [&](const auto& file) { return ReaderPages(file) == reader; }),
              1)
        << "buffer " << index;
  }
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
