// SPDX-License-Identifier: Apache-2.0
//
// A camera's frames in programs that everybody has: numpy and ffmpeg as Debian packages them, and
// in the Python module, on a mount of vivid, /dev/video0. They run in the guest, on files of the
// build machine (in_host_files.sh).
//
// Pictures do not move, so that read(2) on the node tells what each byte must be.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "tests/mount/support/fixture.h"

namespace grabfs::vm {
namespace {

constexpr char kNode[] = "/dev/video0";

// What every script begins with.
constexpr char kPrelude[] = R"py(
import json, numpy, os
CAMERA = os.environ["CAMERA"]
out = open(os.environ["OUT"], "wb")
)py";

class V4l2ClientsTest : public mount_test::EnvironmentTest {
 protected:
  // Mounts the node as cam0, with a picture that stands still.
  void Start(const std::string& format) {
    place_ = mount_test::MakeScratchDirectory("client");
    const std::string device = std::string("cam0=v4l2:") + kNode +
                               ",osd_text_mode=None,width=320,height=180,rate=5,buffers=4,format=";
    mount_.emplace(mount_test::MountSpec{{device + format}, {}});
  }

  [[nodiscard]] mount_test::Device camera() const { return mount_->GetDevice("cam0"); }

  // What the driver's own read() gives, while grabfs does not capture.
  [[nodiscard]] std::string Reference() const {
    const std::string picture = place_ + "/reference";
    const auto dd =
        mount_test::RunCommand({"dd", "status=none", std::string("if=") + kNode, "of=" + picture,
                                "bs=" + camera().Get("bytes"), "count=1"});
    EXPECT_EQ(dd.status, 0) << dd.err;
    EXPECT_EQ(std::to_string(mount_test::Stat(picture).st_size), camera().Get("bytes"));
    return mount_test::ReadText(picture);
  }
  // The only frame that there is.
  [[nodiscard]] std::string CaptureFrame() const {
    // An emulated camera loses one now and then.
    while (camera().Frames().empty()) camera().Capture(1);
    return camera().Frame(camera().Frames().front());
  }

  // What a line of shell leaves in $OUT.
  [[nodiscard]] std::string Run(const std::string& line) const {
    const std::string out = place_ + "/out";
    const std::string names = "export CAMERA=" + camera().Path("") + " OUT=" + out + "\n";
    mount_test::Process program({"sh", "-c", names + line});
    // Its first start reads hundreds of files: the time limit is that of the step.
    while (!program.Poll()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(program.Wait(), 0) << program.err();
    return mount_test::Exists(out) ? mount_test::ReadText(out) : "";
  }
  [[nodiscard]] std::string RunFfmpeg(const std::string& input) const {
    return Run("ffmpeg -v error -nostdin " + input + " -f rawvideo file:$OUT");
  }
  // What a script writes to `out`. By Debian's own Python: it has Debian's packages.
  [[nodiscard]] std::string RunPython(const std::string& script) const {
    const std::string program = kPrelude + script;
    mount_test::CreateFile(place_ + "/script.py", std::as_bytes(std::span(program)));
    return Run("/usr/bin/python3 " + place_ + "/script.py");
  }

  static std::string Times(size_t count, const std::string& picture) {
    std::string all;
    for (size_t i = 0; i < count; ++i) all += picture;
    return all;
  }

 private:
  std::string place_;
  std::optional<mount_test::Mount> mount_;
};

TEST_F(V4l2ClientsTest, NumpyMapsAndReadsFrames) {
  Start("RGB3");
  const std::string reference = Reference();
  const std::string frame = CaptureFrame();
  const std::string seen = RunPython("for name in '" + frame + R"py(', CAMERA + "latest.raw":
    numpy.memmap(name, mode="r", shape=(180, 320, 3)).tofile(out)
    numpy.fromfile(name, dtype=numpy.uint8).tofile(out)
)py");
  EXPECT_TRUE(seen == Times(4, reference));
}

TEST_F(V4l2ClientsTest, NumpyLoadsFramesAsArrays) {
  Start("RGB3");
  const std::string reference = Reference();
  static_cast<void>(CaptureFrame());
  const std::string seen = RunPython(R"py(
names = ["frames.npy/" + name for name in os.listdir(CAMERA + "frames.npy")]
for name in names + ["latest.npy"]:
    array = numpy.load(CAMERA + name, mmap_mode="r")
    assert isinstance(array, numpy.memmap) and array.shape == (180, 320, 3), array.shape
    array.tofile(out)
)py");
  EXPECT_TRUE(seen == Times(2, reference));
}

TEST_F(V4l2ClientsTest, NumpySeesFramesArriveInBuffersThatItHasMapped) {
  Start("GREY");
  camera().Set("controls/test_pattern", "100% White");
  const std::string white = Reference();
  camera().Set("controls/test_pattern", "75% Colorbar");
  const std::string bars = Reference();
  ASSERT_FALSE(white == bars);
  const std::string seen = RunPython(R"py(
buffers = [numpy.memmap(f"{CAMERA}buffers/{index:03}.raw", mode="r") for index in range(4)]
events = open(CAMERA + "events")
for pattern in "100% White", "75% Colorbar":
    open(CAMERA + "controls/test_pattern", "w").write(pattern)
    shown = {}
    while len(shown) < len(buffers):
        open(CAMERA + "trigger", "w").write("1")
        while (event := json.loads(events.readline()))["event"] not in ("frame", "drop"):
            pass
        if event["event"] == "frame":
            shown[event["buffer"]] = buffers[event["buffer"]].tobytes()
    out.write(b"".join(shown.values()))
)py");
  std::string pictures;
  for (size_t at = 0; at < seen.size(); at += white.size()) {
    const std::string picture = seen.substr(at, white.size());
    pictures += picture == white ? 'w' : picture == bars ? 'b' : '?';
  }
  EXPECT_EQ(pictures, "wwwwbbbb");
}

TEST_F(V4l2ClientsTest, ThePythonModuleHasFramesAndControls) {
  Start("UYVY");
  EXPECT_EQ(RunPython(R"py(
import grabfs
with grabfs.Camera(CAMERA) as cam:
    assert {"brightness", "test_pattern"} <= set(dir(cam.controls)), dir(cam.controls)
    cam.controls.brightness = 200
    cam.controls.test_pattern = "100% Colorbar"
    out.write(f"{cam.controls.brightness} {cam.controls['test_pattern']}\n".encode())
    try:
        cam.controls.brightness = 1000
    except OSError as error:
        assert "must be from 0 to 255" in error.strerror, error
        out.write(b"refused")
)py"),
            "200 100% Colorbar\nrefused");
  EXPECT_EQ(camera().Get("controls/brightness"), "200");
  const std::string reference = Reference();
  const std::string seen = RunPython(R"py(
import grabfs
with grabfs.Camera(CAMERA) as cam:
    cam.start()
    for _, frame in zip(range(3), cam.lossless()):
        assert frame.shape == (180, 320, 2) and frame.info.format == "UYVY"
        out.write(frame)
    cam.stop()
)py");
  EXPECT_TRUE(seen == Times(3, reference));
}

TEST_F(V4l2ClientsTest, FfmpegReadsAFrame) {
  Start("RGB3");
  const std::string reference = Reference();
  const std::string frame = CaptureFrame();
  const std::string seen =
      RunFfmpeg("-f rawvideo -pixel_format rgb24 -video_size 320x180 -i " + frame);
  EXPECT_TRUE(seen == reference);
}

TEST_F(V4l2ClientsTest, FfmpegReadsTheStream) {
  Start("YU12");
  const std::string reference = Reference();
  camera().Set("state", "start");
  const std::string seen = RunFfmpeg("-i ${CAMERA}stream.y4m -frames:v 3");
  camera().Stop();
  EXPECT_TRUE(seen == Times(3, reference));
}

}  // namespace
}  // namespace grabfs::vm
