// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/display/screen.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/picture/form.h"
#include "fusefs/picture/planar.h"
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
  // EINVAL: pipes and character devices have no fsync().
  if (::fdatasync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) ThrowErrno(path);
}

// Writes to a temporary name first, so that the file always contains a complete picture.
void Replace(const std::string& path, std::span<const std::byte> data) {
  const std::string unfinished = path + ".part";
  const UniqueFd fd = Create(unfinished);
  WriteAll(fd, data, unfinished);
  Sync(fd, unfinished);
  CheckSyscall(::rename(unfinished.c_str(), path.c_str()), path);
}

// One picture after the other.
class Y4mScreen final : public Screen {
 public:
  Y4mScreen(std::string path, Rate rate)
      : path_(std::move(path)), rate_(rate), fd_(Create(path_)) {}

  void Require(const FrameFormat& format) const override {
    if (!shown_ || *shown_ == format) return;
    throw Error(EINVAL, path_ + ": a Y4M stream has one format and one size");
  }

  void Show(const FrameFormat& format, std::span<const std::byte> picture) override {
    Require(format);
    const FrameFormat planar = PlanarFormat(format).value();
    if (!shown_) Write(PrintY4mHeader(planar, rate_));
    shown_ = format;
    planar_.resize(planar.bytes);
    ToPlanar(format, picture, planar_);
    Write(kY4mFrameHeader);
    WriteAll(fd_, planar_, path_);
    Sync(fd_, path_);
  }

 private:
  void Write(std::string_view text) { WriteAll(fd_, std::as_bytes(std::span(text)), path_); }

  const std::string path_;
  const Rate rate_;
  const UniqueFd fd_;
  std::optional<FrameFormat> shown_;
  std::vector<std::byte> planar_;
};

// Writes only the last picture, in a picture form or raw.
class FileScreen final : public Screen {
 public:
  FileScreen(std::string path, std::optional<PictureForm> form)
      : path_(std::move(path)), form_(form) {}

  void Show(const FrameFormat& format, std::span<const std::byte> picture) override {
    if (!form_) return Replace(path_, picture);
    const auto* const pixels = reinterpret_cast<const uint8_t*>(picture.data());
    const Bytes file = EncodePicture(*form_, format, {pixels, picture.size()});
    Replace(path_, std::as_bytes(std::span(file)));
  }

 private:
  const std::string path_;
  const std::optional<PictureForm> form_;
};

}  // namespace

std::unique_ptr<Screen> MakeScreen(const std::string& path, Rate rate) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".y4m") return std::make_unique<Y4mScreen>(path, rate);
  if (extension == ".raw") return std::make_unique<FileScreen>(path, std::nullopt);
  const auto form = FindPictureForm(std::string_view(extension).substr(extension.empty() ? 0 : 1));
  if (form) return std::make_unique<FileScreen>(path, form);
  throw Error(EINVAL, "display:" + path + ": the name must end in a dot and one of y4m raw " +
                          PictureFormNames());
}

}  // namespace grabfs
