// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cli/doctor/health.h"
#include "cli/mount/status.h"
#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

using enum Finding::Severity;
using nlohmann::json;
using ::testing::HasSubstr;

// A machine of plain files, on which everything is well.
class Doctor : public FakeMount {
 protected:
  Doctor() {
    environment().clear();
    for (const char* directory :
         {"proc/self", "proc/sys/kernel", "dev", "sys/kernel/mm/transparent_hugepage", "bin"}) {
      std::filesystem::create_directories(Scratch(directory));
    }
    context().system = {Scratch("proc"), Scratch("sys"), Scratch("dev")};
    context().program_directory = Scratch("bin");
    WriteText(Scratch("bin/fusermount3"), "");
    std::filesystem::permissions(Scratch("bin/fusermount3"), std::filesystem::perms::owner_all);
    WriteText(Scratch("dev/fuse"), "");
    SetKernel("6.12.95-amd64");
    SetShmem("always within_size [advise] never deny force");
    WriteText(Scratch("proc/self/status"), "Name:\tx\nCapEff:\t000001ffffffffff\n");
    WriteText(Scratch("proc/self/mountinfo"), "");
  }

  void SetKernel(const std::string& release) {
    WriteText(Scratch("proc/sys/kernel/osrelease"), release + "\n");
  }
  void SetShmem(const std::string& choices) {
    WriteText(Scratch("sys/kernel/mm/transparent_hugepage/shmem_enabled"), choices + "\n");
  }
  void PretendMounted(const std::string& mountpoint, const std::string& options = "rw") {
    WriteText(Scratch("proc/self/mountinfo"),
              "90 22 0:57 / " + mountpoint + " rw - fuse.grabfs grabfs " + options + "\n");
  }

  Finding About(const std::string& subject) {
    std::vector<Finding> findings = ExamineSystem(context());
    for (Finding& finding : ExamineMounts(context())) findings.push_back(finding);
    for (const Finding& finding : findings) {
      if (finding.subject == subject) return finding;
    }
    ADD_FAILURE() << "nothing about " << subject;
    return {};
  }
};

TEST_F(Doctor, AHealthyMachineIsDone) {
  EXPECT_EQ(Cli({"doctor"}), ExitCode::kDone) << Out();
  EXPECT_THAT(Out(), HasSubstr("6.12.95-amd64 has FUSE passthrough"));
  EXPECT_THAT(Out(), HasSubstr("no grabfs is mounted"));
}

TEST_F(Doctor, SlowIsNotBroken) {
  SetKernel("6.1.0-31-amd64");
  SetShmem("always within_size advise never [deny] force");
  WriteText(Scratch("proc/self/status"), "CapEff:\t0000000000000000\n");
  EXPECT_EQ(Cli({"doctor"}), ExitCode::kDone);
  EXPECT_EQ(About("kernel").severity, kSlow);
  EXPECT_EQ(About("huge pages").severity, kSlow);
  EXPECT_THAT(About("huge pages").advice, HasSubstr("echo advise >"));
  EXPECT_EQ(About("privilege").severity, kSlow);
}

TEST_F(Doctor, ThePassthroughBorderIsLinux69) {
  for (const char* with : {"6.9.0", "6.10.1", "7.0.0", "10.1"}) {
    SetKernel(with);
    EXPECT_EQ(About("kernel").severity, kGood) << with;
  }
  for (const char* without : {"6.8.12", "5.15.0", ""}) {
    SetKernel(without);
    EXPECT_EQ(About("kernel").severity, kSlow) << without;
  }
}

TEST_F(Doctor, WithoutDevFuseItIsBroken) {
  std::filesystem::remove(Scratch("dev/fuse"));
  EXPECT_EQ(Cli({"doctor"}), ExitCode::kFailed);
  EXPECT_EQ(About(Scratch("dev/fuse")).severity, kBroken);
  EXPECT_THAT(About(Scratch("dev/fuse")).advice, HasSubstr("modprobe fuse"));
}

TEST_F(Doctor, AKernelThatEndsWaitingRequestsIsBroken) {
  EXPECT_EQ(About("request timeout").severity, kGood);
  std::filesystem::create_directories(Scratch("proc/sys/fs/fuse"));
  WriteText(Scratch("proc/sys/fs/fuse/default_request_timeout"), "0\n");
  WriteText(Scratch("proc/sys/fs/fuse/max_request_timeout"), "30\n");
  EXPECT_EQ(About("request timeout").severity, kBroken);
  EXPECT_THAT(About("request timeout").text, HasSubstr("waits for 30 seconds"));
  EXPECT_THAT(About("request timeout").advice, HasSubstr("sysctl fs.fuse.max_request_timeout=0"));
  EXPECT_EQ(Cli({"doctor"}), ExitCode::kFailed);
}

TEST_F(Doctor, BoardsAndTheModuleAreNamed) {
  EXPECT_THAT(About("grabdma").text, HasSubstr("not loaded"));
  std::filesystem::create_directories(Scratch("sys/module/grabdma"));
  EXPECT_THAT(About("grabdma").text, HasSubstr("no board"));
  WriteText(Scratch("dev/grabdma0"), "");
  EXPECT_THAT(About("grabdma").text, HasSubstr("grabdma0"));
}

TEST_F(Doctor, NamesCamerasAndTheLineToType) {
  const auto daemon = [&](const std::string& script) {
    WriteText(Scratch("bin/grabfs"), "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(Scratch("bin/grabfs"), std::filesystem::perms::owner_all);
  };
  daemon("test \"$*\" = --list-cameras && printf 'v4l2:/dev/video0\\tWebcam, usb-1\\n'");
  EXPECT_EQ(Cli({"doctor"}), ExitCode::kDone);
  EXPECT_THAT(Out(), HasSubstr("Webcam, usb-1"));
  EXPECT_THAT(Out(), HasSubstr("-> grabfs --device cam0=v4l2:/dev/video0 MOUNTPOINT"));
  daemon("exit 0");
  const std::vector<Finding> none = ExamineCameras(context());
  ASSERT_EQ(none.size(), 1u);
  EXPECT_THAT(none.front().text, HasSubstr("none was found"));
  EXPECT_THAT(none.front().advice, HasSubstr("grabfs-aravis"));
  daemon("echo half a line; exit 1");
  EXPECT_THAT(ExamineCameras(context()).front().text, HasSubstr("has failed"));
}

TEST_F(Doctor, TellsTheDataPathOfADeviceInWords) {
  FakeDevice& device = AddDevice("sim0");
  PretendMounted(root().string());
  EXPECT_EQ(About("sim0").severity, kGood);
  EXPECT_THAT(About("sim0").text, HasSubstr("no copy"));
  device.Patch({{"data_path", "cached"}, {"data_path_reason", "no CAP_SYS_ADMIN"}});
  EXPECT_EQ(About("sim0").severity, kSlow);
  EXPECT_THAT(About("sim0").text, HasSubstr("no CAP_SYS_ADMIN"));
  EXPECT_EQ(Cli({"doctor"}), ExitCode::kDone) << Out();
}

TEST_F(Doctor, TellsWhetherNfsCanExportTheMount) {
  AddDevice("sim0");
  PretendMounted(root().string());
  const auto told = [&] {
    const auto findings = ExamineMounts(context());
    EXPECT_EQ(findings.at(2).subject, root().string());
    return findings.at(2);
  };
  EXPECT_EQ(told().severity, kNote);
  EXPECT_THAT(told().text, HasSubstr("no file handles"));
  EXPECT_THAT(told().advice, HasSubstr("handles=on"));
  GiveHandles(true);
  EXPECT_EQ(told().severity, kGood);
  EXPECT_THAT(told().text, HasSubstr("NFS can export it"));
}

TEST_F(Doctor, TellsWhoMaySeeAndWhoMaySteer) {
  const std::filesystem::path directory = AddDevice("sim0").directory();
  const auto told = [&](const std::string& options) {
    PretendMounted(root().string(), options);
    const auto findings = ExamineMounts(context());
    EXPECT_EQ(findings.at(1).severity, kNote);
    return findings.at(1).text;
  };
  EXPECT_EQ(told("rw,user_id=0,group_id=0"),
            "pictures and settings are root's alone: it is mounted without allow_other");
  EXPECT_THAT(told("rw,user_id=4242,group_id=0"), HasSubstr("user 4242's alone"));
  using std::filesystem::perms;
  std::filesystem::permissions(directory / "frames", perms(0700));
  std::filesystem::permissions(directory / "state", perms(0666));
  EXPECT_THAT(told("rw,user_id=0,group_id=0,allow_other"), HasSubstr("see pictures: root"));
  EXPECT_THAT(told("rw,allow_other"), HasSubstr("; change settings: everybody"));
  std::filesystem::permissions(directory / "frames", perms(0750));
  EXPECT_THAT(told("rw,allow_other"), HasSubstr(", group "));
  std::filesystem::permissions(directory / "frames", perms(0705));
  EXPECT_THAT(told("rw,allow_other"), HasSubstr("see pictures: everybody"));
}

TEST_F(Doctor, ADeviceInErrorIsBroken) {
  AddDevice("sim0").Patch({{"state", "error"}, {"last_error", "bus error"}});
  PretendMounted(root().string());
  EXPECT_EQ(Cli({"doctor", "--json"}), ExitCode::kFailed);
  EXPECT_THAT(Out(), HasSubstr("stands still: bus error"));
}

TEST_F(Doctor, ADeviceThatIsUnpluggedIsBroken) {
  AddDevice("sim0").Patch({{"state", "gone"}});
  PretendMounted(root().string());
  EXPECT_EQ(Cli({"doctor", "--json"}), ExitCode::kFailed);
  EXPECT_THAT(Out(), HasSubstr("plug it in again"));
}

TEST_F(Doctor, DropsAndSmallPagesAreMentioned) {
  FakeDevice& device = AddDevice("sim0", MakeFrameFormat(kBgr4, 1920, 1080));
  device.Patch({{"counters", {{"dropped", 3}}}});
  const auto findings = ExamineDevice(ParseDeviceStatus(device.status(), "test"));
  ASSERT_EQ(findings.size(), 4U);
  EXPECT_EQ(findings[2].severity, kSlow);
  EXPECT_EQ(findings[3].severity, kNote);
  EXPECT_THAT(findings[3].text, HasSubstr("3 frames dropped"));
}

TEST_F(Doctor, TellsWhatBecomesOfPixelsOnTheirWay) {
  FakeDevice& device = AddDevice("sim0");
  const auto about_flight = [&](const char* in_flight) {
    device.Patch({{"in_flight", in_flight}});
    return ExamineDevice(ParseDeviceStatus(device.status(), "test")).at(1);
  };
  EXPECT_EQ(about_flight("watched").severity, kGood);
  EXPECT_EQ(about_flight("assumed").severity, kSlow);
  EXPECT_THAT(about_flight("seen").text, HasSubstr("left behind"));
  device.Patch({{"buffers", {{"aside", 2}}}});
  EXPECT_THAT(ExamineDevice(ParseDeviceStatus(device.status(), "test")).at(2).text,
              HasSubstr("2 buffers put aside"));
}

TEST_F(Doctor, JsonIsOneArray) {
  Cli({"doctor", "--json"});
  const json all = json::parse(Out());
  ASSERT_TRUE(all.is_array());
  EXPECT_EQ(all[0]["subject"], "kernel");
  EXPECT_EQ(all[0]["severity"], "good");
}

}  // namespace
}  // namespace grabfs::cli
