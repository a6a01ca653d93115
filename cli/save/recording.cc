// SPDX-License-Identifier: Apache-2.0
#include "cli/save/recording.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cli/base/exit_code.h"
#include "cli/base/file.h"
#include "cli/base/text.h"
#include "cli/save/direct_file.h"
#include "fusefs/base/error.h"
#include "fusefs/base/rate.h"
#include "fusefs/picture/form.h"
#include "fusefs/picture/planar.h"
#include "fusefs/picture/tiff.h"
#include "fusefs/picture/y4m.h"

namespace grabfs::cli {
namespace {

std::span<const uint8_t> TextBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Frames one behind the other.
class SerialRecording : public Recording {
 public:
  void Finish() override { file_.Finish(); }
  uint64_t Keep() override {
    if (!broken()) FinishIfThereIsRoom();
    CutTo(FramesWritten());
    return ends_.size();
  }
  [[nodiscard]] uint64_t bytes() const override { return file_.size(); }
  [[nodiscard]] bool direct() const override { return file_.direct(); }

 protected:
  explicit SerialRecording(const std::string& path) : Recording(path), file_(path) {}

  [[nodiscard]] DirectFile& file() { return file_; }
  void FrameEnds() { ends_.push_back(file_.size()); }
  // How many frames are wholly in the file.
  [[nodiscard]] size_t FramesWritten() const {
    return static_cast<size_t>(std::ranges::upper_bound(ends_, file_.written()) - ends_.begin());
  }
  // The rest of a block, of frames that are complete.
  void FinishIfThereIsRoom() {
    try {
      file_.Finish();
    } catch (const Error&) {
    }
  }
  void CutTo(size_t frames) {
    ends_.resize(frames);
    file_.CutTo(frames == 0 ? 0 : ends_.back());
  }

 private:
  DirectFile file_;
  std::vector<uint64_t> ends_;  // of each frame: offset in the file
};

// A line for each object, of which none is ever there in part.
class IndexFile {
 public:
  explicit IndexFile(std::string path)
      : path_(std::move(path)),
        fd_(CheckSyscall(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666),
                         path_)) {}

  void Add(const nlohmann::ordered_json& object) {
    const std::string line = object.dump() + '\n';
    try {
      WriteAll(fd_.get(), line, path_);
    } catch (const Error&) {
      CutTo(size_);
      throw;
    }
    size_ += line.size();
  }

 private:
  void CutTo(uint64_t bytes) {
    const auto end = static_cast<off_t>(bytes);
    CheckSyscall(::ftruncate(fd_.get(), end), path_);
    CheckSyscall(::lseek(fd_.get(), end, SEEK_SET), path_);
  }

  const std::string path_;
  const UniqueFd fd_;
  uint64_t size_ = 0;
};

class RawRecording final : public SerialRecording {
 public:
  RawRecording(const std::string& path, const DeviceStatus& device)
      : SerialRecording(path), index_(path + ".jsonl") {
    index_.Add({{"device", device.name},
                {"format", device.format},
                {"width", device.width},
                {"height", device.height},
                {"stride", device.stride},
                {"bytes", device.bytes},
                {"rate", device.rate}});
  }

  void Finish() override {
    SerialRecording::Finish();
    AddWritten();
  }
  uint64_t Keep() override {
    SerialRecording::Keep();  // which makes room for the lines
    try {
      AddWritten();
    } catch (const Error&) {
      CutTo(indexed_);
    }
    return indexed_;
  }

 protected:
  void Write(const grabfs::Frame& frame) override {
    lines_.push_back({{"sequence", frame->sequence},
                      {"timestamp_ns", frame->timestamp_ns},
                      {"offset", file().size()},
                      {"bytes_used", frame->bytes},
                      {"dropped", frame->dropped},
                      {"flags", frame->flags}});
    file().AppendPages(PixelsOf(frame));
    FrameEnds();
    AddWritten();
  }

 private:
  // What the index names is in the file, whatever happens next.
  void AddWritten() {
    for (const size_t written = FramesWritten(); indexed_ < written; ++indexed_) {
      index_.Add(lines_.front());
      lines_.pop_front();
    }
  }

  IndexFile index_;
  std::deque<nlohmann::ordered_json> lines_;  // of the frames that are not in the index yet
  size_t indexed_ = 0;
};

class Y4mRecording final : public SerialRecording {
 public:
  Y4mRecording(const std::string& path, Rate rate) : SerialRecording(path), rate_(rate) {}

 protected:
  void Write(const grabfs::Frame& frame) override {
    const FrameFormat format = FormatOf(frame);
    const auto planar = PlanarFormat(format);
    if (!planar) throw Error(EINVAL, path() + ": Y4M cannot carry " + format.name());
    if (file().size() == 0) file().Append(TextBytes(PrintY4mHeader(*planar, rate_)));
    file().Append(TextBytes(kY4mFrameHeader));
    converted_.resize(planar->bytes);
    ToPlanar(format, std::as_bytes(PixelsOf(frame)), std::as_writable_bytes(std::span(converted_)));
    file().Append(converted_);
    FrameEnds();
  }

 private:
  const Rate rate_;
  Bytes converted_;
};

class TiffRecording final : public Recording {
 public:
  TiffRecording(const std::string& path, bool big) : Recording(path), file_(path, big) {}

  void Finish() override {}
  uint64_t Keep() override { return frames_; }
  [[nodiscard]] uint64_t bytes() const override { return file_.bytes(); }
  [[nodiscard]] bool direct() const override { return false; }

 protected:
  void Write(const grabfs::Frame& frame) override {
    file_.Add(Convert(FormatOf(frame), PixelsOf(frame)));
    ++frames_;
  }

 private:
  TiffFile file_;
  uint64_t frames_ = 0;
};

// May the file become larger than 4 GiB, so that it must be BigTIFF?
bool NeedsBigTiff(const DeviceStatus& device, uint64_t frames) {
  constexpr uint64_t kLargestPixel = 6;
  constexpr uint64_t kDirectory = 512;
  const uint64_t page = uint64_t{device.width} * device.height * kLargestPixel + kDirectory;
  return frames == 0 || frames > UINT32_MAX / page;
}

}  // namespace

void Recording::Add(const grabfs::Frame& frame) {
  const FrameFormat format = FormatOf(frame);
  if (!format_) format_ = format;
  // Compressed frames differ in size.
  FrameFormat expected = *format_;
  if (FindPixelFormat(format.fourcc) == nullptr) expected.bytes = format.bytes;
  if (format != expected) {
    throw Error(EINVAL, path_ + ": the format has changed to " + format.name() + " " +
                            std::to_string(format.width) + "x" + std::to_string(format.height) +
                            ": the recording ends before it");
  }
  if (broken_) throw Error(EIO, path_ + ": not continued after a failure");
  broken_ = true;
  Write(frame);
  broken_ = false;
}

std::unique_ptr<Recording> MakeRecording(const std::string& path, const DeviceStatus& device,
                                         uint64_t frames) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".raw") return std::make_unique<RawRecording>(path, device);
  const bool known = FindPixelFormat(device.format) != nullptr;
  if (extension == ".y4m") {
    if (!known) {
      throw UsageError(path + ": Y4M cannot carry " + device.format + "; .raw can");
    }
    return std::make_unique<Y4mRecording>(path, Rate::Parse(device.rate));
  }
  if (extension == ".tiff" || extension == ".tif") {
    if (!UsualPictureForm(ParseFourcc(device.format).value_or(0))) {
      throw UsageError(path + ": TIFF pages cannot be made of " + device.format + "; .raw can");
    }
    return std::make_unique<TiffRecording>(path, NeedsBigTiff(device, frames));
  }
  throw UsageError(path + ": the name must end in .raw, .y4m or .tiff");
}

}  // namespace grabfs::cli
