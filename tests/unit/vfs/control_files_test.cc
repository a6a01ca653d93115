// SPDX-License-Identifier: Apache-2.0
//
// controls/: what is in it, what it takes, and that devices without controls have none.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "fusefs/source/software/software.h"
#include "fusefs/vfs/file_system.h"
#include "fusefs/vfs/inode.h"

namespace grabfs {
namespace {

class FakeControls final : public Controls {
 public:
  [[nodiscard]] const std::vector<Name>& names() const override { return names_; }
  [[nodiscard]] std::string Read(const std::string& name) override {
    if (name == "temperature") {
      asked_.set_value();
      answer_.get_future().wait();
    }
    return name == "gain" ? gain_ : "12";
  }
  // The device hangs when it is asked for its temperature, once and until then.
  void AwaitAsked() { asked_.get_future().wait(); }
  void Answer() { answer_.set_value(); }

  [[nodiscard]] std::string Describe(const std::string& name) override {
    return "title " + name + "\n";
  }
  void Write(const std::string& /*name*/, std::string_view value) override {
    if (value == "wrong") throw Error(EINVAL, "gain: no such value");
    gain_ = value;
  }

 private:
  const std::vector<Name> names_ = {{"gain", true}, {"temperature", false}};
  std::string gain_ = "1";
  std::promise<void> asked_;
  std::promise<void> answer_;
};

class Camera final : public SoftwareSource {
 public:
  explicit Camera(std::shared_ptr<Controls> controls)
      : SoftwareSource(Rate{30, 1}), controls_(std::move(controls)) {
    format_ = MakeFrameFormat(kGrey, 16, 16);
  }
  [[nodiscard]] std::string description() const override { return "camera"; }
  [[nodiscard]] std::shared_ptr<Controls> controls() const override { return controls_; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& /*request*/) override { return format_; }
  void Paint(uint64_t /*sequence*/, std::span<std::byte> /*frame*/) override {}

 private:
  const std::shared_ptr<Controls> controls_;
};

class QuietKernel final : public Kernel {
 public:
  void InvalidateName(Name /*name*/) override {}
  void InvalidateNames(std::vector<Name> /*names*/) override {}
  void InvalidateAttributes(uint64_t /*inode*/) override {}
  void InvalidatePages(uint64_t /*inode*/) override {}
  void WakeHousekeeper() override {}
  void WatchAccess(std::vector<Directory> /*directories*/) override {}
  bool CollectAccess(uint32_t /*device*/) override { return true; }
  void Announce(uint64_t /*inode*/, std::string /*path*/, Announcement /*what*/) override {}
  [[nodiscard]] Announcement AnnouncementBy(pid_t /*process*/, uint64_t /*inode*/) const override {
    return Announcement::kNone;
  }
  [[nodiscard]] dev_t device_number() const override { return 0; }
};

class ControlFilesTest : public testing::Test {
 protected:
  ControlFilesTest() : file_system_({}, Devices()) {
    file_system_.Attach(&kernel_);
    file_system_.Start();
  }
  ~ControlFilesTest() override { file_system_.Stop(); }

  std::vector<std::unique_ptr<Device>> Devices() {
    std::vector<std::unique_ptr<Device>> devices;
    const auto add = [&](const char* name, std::shared_ptr<Controls> controls) {
      devices.push_back(std::make_unique<Device>(Device::Config{.name = name},
                                                 std::make_unique<Camera>(std::move(controls))));
    };
    add("cam0", camera_);
    add("cam1", std::make_shared<FakeControls>());
    add("sim0", nullptr);
    return devices;
  }

  [[nodiscard]] uint64_t Find(const std::vector<std::string>& path) {
    uint64_t inode = kRootInode;
    for (const std::string& name : path) {
      inode = file_system_.Lookup(inode, name, {}).attr.stat.st_ino;
    }
    return inode;
  }
  [[nodiscard]] std::vector<std::string> List(const std::vector<std::string>& path) {
    std::vector<std::string> names;
    file_system_.ReadDir(Find(path), 0, {}, [&](const auto& name, const Entry&, uint64_t) {
      names.push_back(name);
      return true;
    });
    return names;
  }
  // What reading yields, some time.
  struct Reading {
    std::unique_ptr<OpenFile> file;
    std::future<std::string> text;
  };
  [[nodiscard]] Reading BeginRead(const std::string& device, const std::string& name) {
    const auto promise = std::make_shared<std::promise<std::string>>();
    Reading reading{file_system_.Open(Find({device, "controls", name}), O_RDONLY, {}),
                    promise->get_future()};
    reading.file->Read(0, 4096, true, [promise](std::span<const std::byte> data, const Error*) {
      promise->set_value({reinterpret_cast<const char*>(data.data()), data.size()});
    });
    return reading;
  }
  [[nodiscard]] std::string Read(const std::string& name, const std::string& device = "cam0") {
    return BeginRead(device, name).text.get();
  }
  // The errno of the write, which the device's thread carries out.
  int Write(const std::string& name, const std::string& text) {
    std::promise<int> outcome;
    const auto file = file_system_.Open(Find({"cam0", "controls", name}), O_WRONLY, {});
    file->Write(0, std::as_bytes(std::span(text)), false, [&](size_t, const Error* error) {
      outcome.set_value(error == nullptr ? 0 : error->code());
    });
    return outcome.get_future().get();
  }
  template <typename Action>
  static int CodeOf(Action action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code();
    }
    return 0;
  }

  const std::shared_ptr<FakeControls> camera_ = std::make_shared<FakeControls>();
  QuietKernel kernel_;
  FileSystem file_system_;
};

TEST_F(ControlFilesTest, EachControlIsAFileWithADescriptionBesideIt) {
  EXPECT_EQ(List({"cam0", "controls"}),
            (std::vector<std::string>{"gain", "gain.info", "temperature", "temperature.info"}));
  EXPECT_EQ(Read("gain"), "1\n");
  EXPECT_EQ(Read("gain.info"), "title gain\n");
}

TEST_F(ControlFilesTest, ADeviceThatDoesNotAnswerKeepsNobodyElseWaiting) {
  Reading hanging = BeginRead("cam0", "temperature");
  camera_->AwaitAsked();
  EXPECT_EQ(Read("gain", "cam1"), "1\n");
  EXPECT_EQ(List({"cam0", "controls"}).size(), 4U);
  camera_->Answer();
  EXPECT_EQ(hanging.text.get(), "12\n");
}

TEST_F(ControlFilesTest, TakeWhatIsWritten) {
  EXPECT_EQ(Write("gain", "7\n"), 0);
  EXPECT_EQ(Read("gain"), "7\n");
  EXPECT_EQ(Write("gain", "wrong"), EINVAL);
  EXPECT_EQ(Write("gain", std::string(5000, '1')), EINVAL);
  EXPECT_EQ(Read("gain"), "7\n");
}

TEST_F(ControlFilesTest, WhatCannotBeWrittenIsNotOpenedForIt) {
  for (const char* const name : {"gain.info", "temperature", "temperature.info"}) {
    const uint64_t inode = Find({"cam0", "controls", name});
    EXPECT_EQ(file_system_.GetAttr(inode).stat.st_mode & 0777, 0444u) << name;
    EXPECT_EQ(CodeOf([&] { file_system_.Open(inode, O_WRONLY, {}); }), EACCES) << name;
  }
  EXPECT_EQ(file_system_.GetAttr(Find({"cam0", "controls", "gain"})).stat.st_mode & 0777, 0644u);
}

TEST_F(ControlFilesTest, TheDirectoryIsADirectory) {
  const uint64_t inode = Find({"cam0", "controls"});
  EXPECT_TRUE(S_ISDIR(file_system_.GetAttr(inode).stat.st_mode));
  EXPECT_EQ(CodeOf([&] { file_system_.Open(inode, O_RDONLY, {}); }), EISDIR);
  EXPECT_EQ(CodeOf([&] { (void)Find({"cam0", "controls", "nothing"}); }), ENOENT);
  EXPECT_EQ(CodeOf([&] { file_system_.Unlink(inode, "gain", {}); }), EPERM);
}

TEST_F(ControlFilesTest, ADeviceWithoutControlsHasNoDirectory) {
  EXPECT_EQ(CodeOf([&] { (void)Find({"sim0", "controls"}); }), ENOENT);
  const auto names = List({"sim0"});
  EXPECT_EQ(std::ranges::count(names, "controls"), 0);
  const auto camera = List({"cam0"});
  EXPECT_EQ(std::ranges::count(camera, "controls"), 1);
}

}  // namespace
}  // namespace grabfs
