// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/screen.h"

#include <fcntl.h>
#include <png.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/picture/y4m.h"

namespace grabfs {
namespace {

constexpr mode_t kMode = 0644;

UniqueFd Create(const std::string& path) {
  return UniqueFd(
      CheckSyscall(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode), path));
}

void WriteAll(const UniqueFd& fd, std::span<const std::byte> data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t count = ::write(fd.get(), data.data(), data.size());
    if (count < 0 && errno == EINTR) continue;
    CheckSyscall(count, path);
    data = data.subspan(static_cast<size_t>(count));
  }
}

void Sync(const UniqueFd& fd, const std::string& path) {
  // Pipes and character devices have nothing to be synchronized.
  if (::fdatasync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) ThrowErrno(path);
}

// Under a name of its own until it is whole, so that whoever opens the file sees a whole picture.
void Replace(const std::string& path, std::span<const std::byte> data) {
  const std::string unfinished = path + ".part";
  const UniqueFd fd = Create(unfinished);
  WriteAll(fd, data, unfinished);
  Sync(fd, unfinished);
  CheckSyscall(::rename(unfinished.c_str(), path.c_str()), path);
}

// --- Y4M

class Y4mScreen final : public Screen {
 public:
  Y4mScreen(std::string path, Rate rate)
      : path_(std::move(path)), rate_(rate), fd_(Create(path_)) {}

  void Require(const FrameFormat& format) const override {
    if (IsY4mFormat(format.fourcc) && (!shown_ || *shown_ == format)) return;
    throw Error(EINVAL, path_ + ": a Y4M stream has GREY, Y16, YU12, 422P or 444P, and one size");
  }

  void Show(const FrameFormat& format, std::span<const std::byte> picture) override {
    Require(format);
    if (!shown_) Write(PrintY4mHeader(format, rate_));
    shown_ = format;
    Write(kY4mFrameHeader);
    WriteAll(fd_, picture, path_);
    Sync(fd_, path_);
  }

 private:
  void Write(std::string_view text) { WriteAll(fd_, std::as_bytes(std::span(text)), path_); }

  const std::string path_;
  const Rate rate_;
  const UniqueFd fd_;
  std::optional<FrameFormat> shown_;
};

// --- PNG

std::optional<png_uint_32> PngFormatOf(const FrameFormat& format) {
  switch (format.fourcc) {
    case kGrey:
      return PNG_FORMAT_GRAY;
    case kRgb3:
      return PNG_FORMAT_RGB;
    case kBgr3:
    case kBgr4:  // without its fourth byte
      return PNG_FORMAT_BGR;
    default:
      return std::nullopt;
  }
}

// Three bytes of every four.
std::vector<std::byte> WithoutPadding(std::span<const std::byte> picture) {
  std::vector<std::byte> pixels;
  pixels.reserve(picture.size() / 4 * 3);
  for (size_t i = 0; i < picture.size(); ++i) {
    if (i % 4 != 3) pixels.push_back(picture[i]);
  }
  return pixels;
}

std::vector<std::byte> EncodePng(const FrameFormat& format, std::span<const std::byte> picture) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = format.width;
  image.height = format.height;
  image.format = *PngFormatOf(format);
  std::vector<std::byte> unpadded;
  if (format.fourcc == kBgr4) picture = unpadded = WithoutPadding(picture);
  png_alloc_size_t bytes = 0;
  std::vector<std::byte> file;
  // Once for its size, once for its bytes.
  if (png_image_write_to_memory(&image, nullptr, &bytes, 0, picture.data(), 0, nullptr) != 0) {
    file.resize(bytes);
    png_image_write_to_memory(&image, file.data(), &bytes, 0, picture.data(), 0, nullptr);
  }
  if (PNG_IMAGE_FAILED(image)) throw Error(EIO, std::string("PNG: ") + image.message);
  return file;
}

class PngScreen final : public Screen {
 public:
  explicit PngScreen(std::string path) : path_(std::move(path)) {}

  void Require(const FrameFormat& format) const override {
    if (PngFormatOf(format)) return;
    throw Error(EINVAL, path_ + ": a PNG file is made of GREY, RGB3, BGR3 or BGR4");
  }

  void Show(const FrameFormat& format, std::span<const std::byte> picture) override {
    Require(format);
    Replace(path_, EncodePng(format, picture));
  }

 private:
  const std::string path_;
};

// --- Bytes

class RawScreen final : public Screen {
 public:
  explicit RawScreen(std::string path) : path_(std::move(path)) {}

  void Require(const FrameFormat& /*format*/) const override {}
  void Show(const FrameFormat& /*format*/, std::span<const std::byte> picture) override {
    Replace(path_, picture);
  }

 private:
  const std::string path_;
};

}  // namespace

std::unique_ptr<Screen> MakeScreen(const std::string& path, Rate rate) {
  if (path.ends_with(".y4m")) return std::make_unique<Y4mScreen>(path, rate);
  if (path.ends_with(".png")) return std::make_unique<PngScreen>(path);
  if (path.ends_with(".raw")) return std::make_unique<RawScreen>(path);
  throw Error(EINVAL, "display:" + path + ": the name must end in .y4m, .png or .raw");
}

}  // namespace grabfs
