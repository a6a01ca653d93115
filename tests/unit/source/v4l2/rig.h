// SPDX-License-Identifier: Apache-2.0
//
// The source `v4l2` on a camera in the test's hands.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "fusefs/source/v4l2/v4l2.h"
#include "tests/unit/source/rig.h"
#include "tests/unit/source/v4l2/fake.h"

namespace grabfs {

class V4l2Rig : public testing::Test {
 protected:
  V4l2Rig() : port_(std::make_unique<FakeCamera>()), camera_(port_.get()) {}

  [[nodiscard]] FakeCamera& camera() { return *camera_; }
  [[nodiscard]] Source& source() { return **rig_; }
  [[nodiscard]] const Memory& buffer(uint32_t index) const { return rig_->buffer(index); }

  // Opens the camera, once; `keys` as on the command line.
  std::unique_ptr<Source> Open(const std::string& keys = "") {
    SourceSpec spec = ParseSourceSpec("v4l2:/dev/fake0" + keys);
    auto device = std::make_shared<V4l2Device>("/dev/fake0", std::move(port_));
    auto source = MakeV4l2(spec, std::move(device));
    EXPECT_TRUE(spec.options.empty());
    return source;
  }
  void Make(const std::string& keys = "", uint32_t buffers = 8) {
    rig_ = std::make_unique<Rig>(Open(keys), buffers);
  }
  // Another camera in its place, to be opened.
  void Renew() {
    rig_.reset();
    port_ = std::make_unique<FakeCamera>();
    camera_ = port_.get();
    next_ = 0;
  }
  // As Make(), and capturing with all the buffers that it wants.
  void Start(const std::string& keys = "", uint32_t buffers = 8) {
    Make(keys, buffers);
    source().Start(0);
    Supply();
  }
  void RenewMemory() {
    rig_->RenewAll();
    camera().PagesAreOthers();
  }
  // Gives as many buffers as are wanted; returns how many.
  uint32_t Supply() {
    const uint32_t wanted = source().Wanted();
    for (uint32_t i = 0; i < wanted; ++i) source().Queue(next_++ % 8);
    return wanted;
  }
  Completion Next() {
    const auto completion = source().Dequeue();
    EXPECT_TRUE(completion) << "nothing came";
    return completion.value_or(Completion{.kind = Completion::Kind::kGone});
  }
  [[nodiscard]] std::string Setting(const std::string& name) {
    return source().Settings().at(name);
  }
  // Every byte of a buffer, when they are all the same.
  [[nodiscard]] int ValueOf(uint32_t index) const {
    const auto bytes = rig_->buffer(index).bytes();
    for (const std::byte byte : bytes) {
      if (byte != bytes.front()) return -1;
    }
    return std::to_integer<int>(bytes.front());
  }

 private:
  std::unique_ptr<FakeCamera> port_;
  FakeCamera* camera_;
  std::unique_ptr<Rig> rig_;
  uint32_t next_ = 0;
};

}  // namespace grabfs
