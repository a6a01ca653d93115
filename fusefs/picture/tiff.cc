// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/tiff.h"

#include <tiffio.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

// libtiff's complaints of this thread; its own way is to print them.
std::string& LastWords() {
  thread_local std::string words;
  return words;
}

void OnError(const char* module, const char* format, va_list arguments) {
  char text[256];
  std::vsnprintf(text, sizeof text, format, arguments);
  LastWords() = std::string(module) + ": " + text;
}

void Quieten() {
  static const bool done = [] {
    TIFFSetErrorHandler(OnError);
    TIFFSetWarningHandler(nullptr);
    return true;
  }();
  (void)done;
}

[[noreturn]] void Fail() { throw Error(EIO, "TIFF: " + LastWords()); }

// A file in memory, as libtiff's client I/O wants it.
struct MemoryFile {
  Bytes bytes;
  uint64_t position = 0;
};

tmsize_t Read(thandle_t handle, void* buffer, tmsize_t size) {
  auto& file = *static_cast<MemoryFile*>(handle);
  const uint64_t left = file.bytes.size() - std::min<uint64_t>(file.position, file.bytes.size());
  const uint64_t count = std::min(left, static_cast<uint64_t>(size));
  if (count > 0) std::memcpy(buffer, &file.bytes[file.position], count);
  file.position += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t Write(thandle_t handle, void* buffer, tmsize_t size) {
  auto& file = *static_cast<MemoryFile*>(handle);
  const uint64_t end = file.position + static_cast<uint64_t>(size);
  if (end > file.bytes.size()) file.bytes.resize(end);
  std::memcpy(&file.bytes[file.position], buffer, static_cast<size_t>(size));
  file.position = end;
  return size;
}

toff_t Seek(thandle_t handle, toff_t offset, int whence) {
  auto& file = *static_cast<MemoryFile*>(handle);
  const uint64_t from = whence == SEEK_SET   ? 0
                        : whence == SEEK_CUR ? file.position
                                             : file.bytes.size();
  return file.position = from + offset;
}

int CloseFile(thandle_t) { return 0; }

toff_t Size(thandle_t handle) { return static_cast<MemoryFile*>(handle)->bytes.size(); }

}  // namespace

class TiffFile::Handle {
 public:
  explicit Handle(TIFF* tiff) : tiff_(tiff) {
    if (tiff_ == nullptr) Fail();
  }
  ~Handle() {
    if (tiff_ != nullptr) TIFFClose(tiff_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  void Add(Image page) {
    if (std::endian::native == std::endian::little) SwapBytes(page);
    TIFFSetField(tiff_, TIFFTAG_IMAGEWIDTH, page.width);
    TIFFSetField(tiff_, TIFFTAG_IMAGELENGTH, page.height);
    TIFFSetField(tiff_, TIFFTAG_BITSPERSAMPLE, static_cast<int>(page.bits));
    TIFFSetField(tiff_, TIFFTAG_SAMPLESPERPIXEL, static_cast<int>(page.channels));
    TIFFSetField(tiff_, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
    TIFFSetField(tiff_, TIFFTAG_PHOTOMETRIC,
                 page.channels == 1 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
    TIFFSetField(tiff_, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff_, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    TIFFSetField(tiff_, TIFFTAG_ROWSPERSTRIP, page.height);
    const auto size = static_cast<tmsize_t>(page.samples.size());
    if (TIFFWriteEncodedStrip(tiff_, 0, page.samples.data(), size) != size ||
        TIFFWriteDirectory(tiff_) == 0) {
      Fail();
    }
  }

  void Finish() {
    if (TIFFFlush(tiff_) == 0) Fail();
    TIFFClose(std::exchange(tiff_, nullptr));
  }

 private:
  TIFF* tiff_;
};

TiffFile::TiffFile(const std::string& path, bool big) {
  Quieten();
  handle_ = std::make_unique<Handle>(TIFFOpen(path.c_str(), big ? "w8" : "w"));
}

TiffFile::~TiffFile() = default;

void TiffFile::Add(Image page) { handle_->Add(std::move(page)); }

void TiffFile::Close() { handle_->Finish(); }

Bytes EncodeTiff(Image image) {
  Quieten();
  MemoryFile file;
  TiffFile::Handle handle(
      TIFFClientOpen("memory", "w", &file, Read, Write, Seek, CloseFile, Size, nullptr, nullptr));
  handle.Add(std::move(image));
  handle.Finish();
  return std::move(file.bytes);
}

// The directory's size does not depend on that of the picture: all its values but the bits of three
// channels lie in the entries themselves.
uint64_t TiffOverheadBytes(const Image& shape) {
  Image small = {2, 2, shape.channels, shape.bits, {}};
  small.samples.resize(small.row_bytes() * small.height);
  const size_t samples = small.samples.size();
  return EncodeTiff(std::move(small)).size() - samples;
}

}  // namespace grabfs
