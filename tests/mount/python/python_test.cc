// SPDX-License-Identifier: Apache-2.0
//
// The Python module (cli/python) on real mounts. Its tests are Python, a file for each promise;
// what ends the mount is done from here.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

// Debian's own: it has Debian's numpy.
constexpr const char* kPython = "/usr/bin/python3";
constexpr const char* kTests = "tests/mount/python/";
constexpr const char* kCamera =
    "cam0=pattern,format=GREY,width=640,height=480,rate=60,state=stopped";

class PythonTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    Start({{kCamera}, {}});
    ::setenv("GRABFS_MOUNT", mount().path().c_str(), 1);
    ::setenv("GRABFS_LIBRARY", std::filesystem::absolute("cli/lib/libgrabfs.so.0").c_str(), 1);
    ::setenv("PYTHONPATH", std::filesystem::absolute("cli/python").c_str(), 1);
  }

  // -B: nothing is to be written beside the sources.
  static std::unique_ptr<Process> StartPython(const std::vector<std::string>& arguments) {
    std::vector<std::string> command = {kPython, "-B", "-W", "error"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return std::make_unique<Process>(command);
  }

  // A script that waits for a frame while it holds one, and tells what comes of it.
  static std::unique_ptr<Process> StartWaiting() {
    auto waiting = StartPython({"-c", R"py(
import grabfs
cam = grabfs.Camera("cam0")
frame = cam.newest()
before = frame.copy()
print("waits", flush=True)
try:
    cam.next()
except grabfs.NoDeviceError as error:
    print("told", error.strerror)
assert (frame == before).all()
)py"});
    EXPECT_TRUE(WaitUntil([&] { return waiting->out() == "waits\n"; })) << waiting->err();
    return waiting;
  }
};

class ScriptTest : public PythonTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(ScriptTest, Passes) {
  const auto script = StartPython({kTests + std::string(GetParam()) + "_test.py", "--verbose"});
  EXPECT_EQ(script->Wait(), 0) << script->out() << script->err();
}

INSTANTIATE_TEST_SUITE_P(All, ScriptTest,
                         ::testing::Values("frames", "holding", "formats", "waiting", "processes",
                                           "camera", "documents"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(PythonTest, WhoWaitsIsToldThatTheMountEnds) {
  mount().GetDevice("cam0").Capture(1);
  const auto waiting = StartWaiting();
  mount().daemon().Signal(SIGTERM);
  EXPECT_EQ(waiting->Wait(), 0) << waiting->err();
  EXPECT_NE(waiting->out().find("told"), std::string::npos) << waiting->out();
  mount().Abandon();
}

TEST_F(PythonTest, WhoWaitsIsToldThatTheDaemonWasKilled) {
  mount().GetDevice("cam0").Capture(1);
  const auto waiting = StartWaiting();
  mount().daemon().Signal(SIGKILL);
  EXPECT_EQ(waiting->Wait(), 0) << waiting->err();
  EXPECT_NE(waiting->out().find("told"), std::string::npos) << waiting->out();
  mount().Abandon();
}

}  // namespace
}  // namespace grabfs::mount_test
