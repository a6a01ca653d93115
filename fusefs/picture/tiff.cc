// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/tiff.h"

#include <fcntl.h>
#include <tiffio.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

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

}  // namespace

// What libtiff takes for a file: a page is written into memory first. Then it goes to the file's
// end, and after that the pages before are linked with it.
class TiffFile::Storage {
 public:
  Storage() = default;  // in memory only
  explicit Storage(const std::string& path)
      : path_(path),
        fd_(CheckSyscall(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, kMode),
                         path)) {}

  TIFF* Open(const char* mode) {
    return TIFFClientOpen(path_.c_str(), mode, this, Read, Write, Seek, Close, Size, nullptr,
                          nullptr);
  }

  // What libtiff has written since becomes part of the file. Throws Error; nothing does then.
  void Commit() {
    try {
      WriteAt(tail_, stored_);
    } catch (const Error&) {
      [[maybe_unused]] const int ignored = ::ftruncate(fd_.get(), static_cast<off_t>(stored_));
      throw;
    }
    for (const auto& [offset, bytes] : links_) WriteAt(bytes, offset);
    stored_ += tail_.size();
    tail_.clear();
    links_.clear();
  }

  Bytes TakeTail() { return std::move(tail_); }
  [[nodiscard]] uint64_t bytes() const { return stored_; }

 private:
  static constexpr mode_t kMode = 0666;  // the umask takes its share

  // libtiff's callbacks.
  static Storage& Of(thandle_t handle) { return *static_cast<Storage*>(handle); }
  static tmsize_t Read(thandle_t handle, void* buffer, tmsize_t size) {
    return Of(handle).ReadHere(static_cast<uint8_t*>(buffer), static_cast<size_t>(size));
  }
  static tmsize_t Write(thandle_t handle, void* buffer, tmsize_t size) {
    Of(handle).WriteHere({static_cast<const uint8_t*>(buffer), static_cast<size_t>(size)});
    return size;
  }
  static toff_t Seek(thandle_t handle, toff_t offset, int whence) {
    Storage& file = Of(handle);
    const uint64_t from = whence == SEEK_SET   ? 0
                          : whence == SEEK_CUR ? file.position_
                                               : file.size();
    return file.position_ = from + offset;
  }
  static int Close(thandle_t /*handle*/) { return 0; }
  static toff_t Size(thandle_t handle) { return Of(handle).size(); }

  [[nodiscard]] uint64_t size() const { return stored_ + tail_.size(); }

  // libtiff reads what it has written, but no link that it has just changed.
  tmsize_t ReadHere(uint8_t* buffer, size_t size) {
    size_t count = 0;
    if (position_ < stored_) {
      const ssize_t got = ::pread(fd_.get(), buffer, std::min<uint64_t>(size, stored_ - position_),
                                  static_cast<off_t>(position_));
      if (got < 0) return -1;
      count = static_cast<size_t>(got);
    } else if (position_ < this->size()) {
      count = std::min<uint64_t>(size, this->size() - position_);
      std::memcpy(buffer, &tail_[position_ - stored_], count);
    }
    position_ += count;
    return static_cast<tmsize_t>(count);
  }

  void WriteHere(std::span<const uint8_t> bytes) {
    if (position_ < stored_) {
      links_.emplace_back(position_, Bytes(bytes.begin(), bytes.end()));
    } else {
      const uint64_t begin = position_ - stored_;
      if (begin + bytes.size() > tail_.size()) tail_.resize(begin + bytes.size());
      std::ranges::copy(bytes, tail_.begin() + static_cast<ptrdiff_t>(begin));
    }
    position_ += bytes.size();
  }

  void WriteAt(std::span<const uint8_t> bytes, uint64_t offset) {
    while (!bytes.empty()) {
      const ssize_t count =
          ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      CheckSyscall(count, path_);
      bytes = bytes.subspan(static_cast<size_t>(count));
      offset += static_cast<uint64_t>(count);
    }
  }

  const std::string path_ = "memory";
  const UniqueFd fd_;
  uint64_t stored_ = 0;                            // bytes of the file
  Bytes tail_;                                     // what comes behind them
  std::vector<std::pair<uint64_t, Bytes>> links_;  // what comes over them
  uint64_t position_ = 0;
};

class TiffFile::Writer {
 public:
  explicit Writer(TIFF* tiff) : tiff_(tiff) {
    if (tiff_ == nullptr) Fail();
  }
  ~Writer() { TIFFClose(tiff_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

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
        TIFFWriteDirectory(tiff_) == 0 || TIFFFlush(tiff_) == 0) {
      Fail();
    }
  }

 private:
  TIFF* const tiff_;
};

TiffFile::TiffFile(const std::string& path, bool big) : storage_(std::make_unique<Storage>(path)) {
  Quieten();
  writer_ = std::make_unique<Writer>(storage_->Open(big ? "w8" : "w"));
}

TiffFile::~TiffFile() = default;

void TiffFile::Add(Image page) {
  writer_->Add(std::move(page));
  storage_->Commit();
}

uint64_t TiffFile::bytes() const { return storage_->bytes(); }

Bytes EncodeTiff(Image image) {
  Quieten();
  TiffFile::Storage memory;
  TiffFile::Writer(memory.Open("w")).Add(std::move(image));
  return memory.TakeTail();
}

// The directory's size does not depend on that of the picture: all its values but the bits of three
// channels lie in the entries themselves.
uint64_t TiffBytes(const Image& shape) {
  Image small = {2, 2, shape.channels, shape.bits, {}};
  small.samples.resize(small.bytes());
  const uint64_t overhead = EncodeTiff(small).size() - small.bytes();
  // A directory begins at an even offset (TIFF 6.0, section 2), behind the samples.
  return shape.bytes() + shape.bytes() % 2 + overhead;
}

}  // namespace grabfs
