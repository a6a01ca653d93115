// SPDX-License-Identifier: Apache-2.0
//
// A small grey camera, and descriptions of pipelines that begin with it.
#pragma once

#include <string>

#include "tests/mount/gst/pipeline.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {

// Rows are a multiple of four bytes, as GStreamer expects it of who says nothing else.
inline constexpr uint32_t kCameraWidth = 128;
inline constexpr uint32_t kCameraHeight = 96;
inline constexpr unsigned kCameraBuffers = 8;

class SourceTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (!IsSkipped()) StartCamera("GREY");
  }

  void StartCamera(const std::string& format) {
    Start({{"sim0=pattern,format=" + format + ",width=128,height=96,rate=200,buffers=8"}, {}});
  }

  // `options` are properties; `sink` is what comes behind the source.
  [[nodiscard]] std::string Describe(const std::string& options,
                                     const std::string& sink = "fakesink name=sink") const {
    return "grabfssrc name=src device=" + mount().Path("sim0") + " " + options + " ! " + sink;
  }

  // Where there is none, frames are copied.
  [[nodiscard]] static bool HasRing() { return ActiveDataPath() == DataPath::kPassthrough; }
  // Is this address in a file of the mount?
  [[nodiscard]] bool IsOfMount(const void* address) const;

  const Picture camera_picture_{"GREY", kCameraWidth, kCameraHeight};
};

}  // namespace grabfs::mount_test
