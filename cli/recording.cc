// SPDX-License-Identifier: Apache-2.0
#include "cli/recording.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/direct_file.h"
#include "cli/exit_code.h"
#include "cli/text.h"
#include "fusefs/base/error.h"
#include "fusefs/base/rate.h"
#include "fusefs/picture/planar.h"
#include "fusefs/picture/tiff.h"
#include "fusefs/picture/y4m.h"

namespace grabfs::cli {
namespace {

std::span<const uint8_t> TextBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class RawRecording final : public Recording {
 public:
  RawRecording(const std::string& path, const DeviceStatus& device)
      : Recording(path), file_(path), index_path_(path + ".jsonl"), index_(index_path_) {
    WriteLine({{"device", device.name},
               {"format", device.format},
               {"width", device.width},
               {"height", device.height},
               {"stride", device.stride},
               {"bytes", device.bytes},
               {"rate", device.rate}});
  }

  void Finish() override {
    file_.Finish();
    index_.flush();
    CheckIndex();
  }
  [[nodiscard]] uint64_t bytes() const override { return file_.size(); }
  [[nodiscard]] bool direct() const override { return file_.direct(); }

 protected:
  void Write(const Frame& frame) override {
    const FrameInfo& info = frame.info();
    WriteLine({{"sequence", info.sequence},
               {"timestamp_ns", info.timestamp_ns},
               {"offset", file_.size()},
               {"bytes_used", info.format.bytes},
               {"dropped", info.dropped},
               {"flags", info.flags}});
    if (!file_.AppendPagesOf(frame.fd(), info.format.bytes)) file_.Append(frame.Read());
  }

 private:
  void WriteLine(const nlohmann::ordered_json& object) {
    index_ << object.dump() << '\n';
    CheckIndex();
  }
  void CheckIndex() const {
    if (!index_) throw Error(EIO, index_path_ + ": cannot be written");
  }

  DirectFile file_;
  const std::string index_path_;
  std::ofstream index_;
};

class Y4mRecording final : public Recording {
 public:
  Y4mRecording(const std::string& path, Rate rate) : Recording(path), file_(path), rate_(rate) {}

  void Finish() override { file_.Finish(); }
  [[nodiscard]] uint64_t bytes() const override { return file_.size(); }
  [[nodiscard]] bool direct() const override { return file_.direct(); }

 protected:
  void Write(const Frame& frame) override {
    const FrameFormat& format = frame.info().format;
    const auto fourcc = PlanarFourcc(format.fourcc);
    if (!fourcc) throw Error(EINVAL, path() + ": Y4M cannot carry " + format.name());
    const FrameFormat planar = MakeFrameFormat(*fourcc, format.width, format.height);
    if (file_.size() == 0) file_.Append(TextBytes(PrintY4mHeader(planar, rate_)));
    file_.Append(TextBytes(kY4mFrameHeader));
    converted_.resize(planar.bytes);
    const Bytes pixels = frame.Read();
    ToPlanar(format, std::as_bytes(std::span(pixels)),
             std::as_writable_bytes(std::span(converted_)));
    file_.Append(converted_);
  }

 private:
  DirectFile file_;
  const Rate rate_;
  Bytes converted_;
};

class TiffRecording final : public Recording {
 public:
  TiffRecording(const std::string& path, bool big) : Recording(path), file_(path, big) {}

  void Finish() override { file_.Close(); }
  [[nodiscard]] uint64_t bytes() const override { return bytes_; }
  [[nodiscard]] bool direct() const override { return false; }

 protected:
  void Write(const Frame& frame) override {
    Image page = Convert(frame.info().format, frame.Read());
    bytes_ += page.samples.size();
    file_.Add(std::move(page));
  }

 private:
  TiffFile file_;
  uint64_t bytes_ = 0;
};

// May the pages and what belongs to them pass what 32 bits can address?
bool NeedsBigTiff(const DeviceStatus& device, uint64_t frames) {
  constexpr uint64_t kLargestPixel = 6;
  constexpr uint64_t kDirectory = 512;
  const uint64_t page = uint64_t{device.width} * device.height * kLargestPixel + kDirectory;
  return frames == 0 || frames > UINT32_MAX / page;
}

}  // namespace

void Recording::Add(const Frame& frame) {
  const FrameFormat& format = frame.info().format;
  if (!format_) format_ = format;
  // Compressed frames differ in size.
  FrameFormat expected = *format_;
  if (FindPixelFormat(format.fourcc) == nullptr) expected.bytes = format.bytes;
  if (format != expected) {
    throw Error(EINVAL, path_ + ": the format has changed to " + format.name() + " " +
                            std::to_string(format.width) + "x" + std::to_string(format.height) +
                            ": the recording ends before it");
  }
  Write(frame);
}

std::unique_ptr<Recording> MakeRecording(const std::string& path, const DeviceStatus& device,
                                         uint64_t frames) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".raw") return std::make_unique<RawRecording>(path, device);
  const PixelFormat* const pixel = FindPixelFormat(device.format);
  if (extension == ".y4m") {
    if (pixel == nullptr || !PlanarFourcc(pixel->fourcc)) {
      throw UsageError(path + ": Y4M cannot carry " + device.format + "; .raw can");
    }
    return std::make_unique<Y4mRecording>(path, Rate::Parse(device.rate));
  }
  if (extension == ".tiff" || extension == ".tif") {
    if (pixel == nullptr || !CanConvert(pixel->fourcc)) {
      throw UsageError(path + ": TIFF pages cannot be made of " + device.format + "; .raw can");
    }
    return std::make_unique<TiffRecording>(path, NeedsBigTiff(device, frames));
  }
  throw UsageError(path + ": the name must end in .raw, .y4m or .tiff");
}

}  // namespace grabfs::cli
