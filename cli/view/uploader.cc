// SPDX-License-Identifier: Apache-2.0
#include "cli/view/uploader.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "cli/base/text.h"
#include "fusefs/base/error.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/picture/image.h"

namespace grabfs::view {
namespace {

// X shows these bytes as they are: B G R and one that does not matter.
bool IsNative(const FrameFormat& format) {
  const PixelFormat* const pixel = FindPixelFormat(format.fourcc);
  constexpr Components kNative = {{{0, 2, kPixelBytes}, {0, 1, kPixelBytes}, {0, 0, kPixelBytes}}};
  return pixel != nullptr && pixel->family == PixelFamily::kRgb && pixel->components == kNative &&
         format.stride % kPixelBytes == 0;
}

// Invalid: it has gone.
UniqueFd OpenBuffer(const cli::Device& device, const std::filesystem::path& file) {
  try {
    return cli::Open(device.File("buffers" / file), O_RDONLY);
  } catch (const Error&) {
    return {};
  }
}

// Of the frame that a buffer has; nullopt: it has none.
std::optional<uint64_t> SequenceOf(int buffer) {
  std::array<char, 32> text;
  const ssize_t length = ::fgetxattr(buffer, "user.grabfs.sequence", text.data(), text.size());
  if (length < 0) return std::nullopt;
  return cli::ParseCount({text.data(), static_cast<size_t>(length)});
}

}  // namespace

bool Uploader::Show(const grabfs::Frame& frame, const Look& look, Canvas& canvas) {
  const FrameFormat format = cli::FormatOf(frame);
  if (look.clipping || !IsNative(format)) return ShowConverted(frame, look, canvas);
  if (const SharedMemory* memory = Shared(frame->sequence)) {
    canvas.Fill(*memory, format.stride);
    way_ = "MIT-SHM, no copy";
  } else {
    canvas.Fill(cli::PixelsOf(frame), format.stride);
    way_ = "sent by XPutImage";
  }
  return true;
}

const SharedMemory* Uploader::Shared(uint64_t sequence) {
  if (!share_ || !server_.takes_descriptors()) return nullptr;
  for (const Buffer& buffer : buffers_) {
    if (SequenceOf(buffer.fd.get()) == sequence) return buffer.memory.get();
  }
  // Buffers of a format that the device has given up hold no frames any more.
  std::erase_if(buffers_, [](const Buffer& buffer) { return !SequenceOf(buffer.fd.get()); });
  std::error_code ignored;
  for (const auto& file :
       std::filesystem::directory_iterator(device_.directory() / "buffers", ignored)) {
    UniqueFd fd = OpenBuffer(device_, file.path().filename());
    if (!fd.valid() || SequenceOf(fd.get()) != sequence) continue;
    auto memory = SharedMemory::Attach(server_, fd.get());
    if (!memory) break;
    buffers_.push_back({std::move(fd), std::move(memory)});
    return buffers_.back().memory.get();
  }
  return nullptr;
}

bool Uploader::ShowConverted(const grabfs::Frame& frame, const Look& look, Canvas& canvas) {
  const FrameFormat format = cli::FormatOf(frame);
  const uint32_t stride = format.width * kPixelBytes;
  MakeConverted(uint64_t{stride} * format.height);
  try {
    Paint(Convert(format, cli::PixelsOf(frame), Colours::kToRgb), look, converted_.pixels->bytes());
  } catch (const Error& error) {
    way_ = error.what();
    return false;
  }
  if (converted_.memory) {
    canvas.Fill(*converted_.memory, stride);
    way_ = "converted, MIT-SHM";
  } else {
    const std::span<const std::byte> pixels = converted_.pixels->bytes();
    canvas.Fill({reinterpret_cast<const uint8_t*>(pixels.data()), pixels.size()}, stride);
    way_ = "converted, sent by XPutImage";
  }
  return true;
}

void Uploader::MakeConverted(uint64_t bytes) {
  if (converted_.pixels && converted_.pixels->bytes().size() == bytes) return;
  const std::string what = "memory for converted frames";
  converted_ = {};
  converted_.fd = UniqueFd(CheckSyscall(::memfd_create("grabfs-view", MFD_CLOEXEC), what));
  CheckSyscall(::ftruncate(converted_.fd.get(), static_cast<off_t>(bytes)), what);
  converted_.pixels = std::make_unique<Mapping>(converted_.fd.get(), bytes, what);
  if (share_) converted_.memory = SharedMemory::Attach(server_, converted_.fd.get());
}

}  // namespace grabfs::view
