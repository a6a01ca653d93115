// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/png.h"

#include <png.h>

#include <cerrno>
#include <csetjmp>
#include <new>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

// Frames come fast and are stored once: a light compression is a third of the time of libpng's
// default and costs a few percent of size.
constexpr int kCompressionLevel = 3;

struct Sink {
  Bytes file;
  std::string error;
};

void OnError(png_structp png, png_const_charp message) {
  static_cast<Sink*>(png_get_error_ptr(png))->error = message;
  png_longjmp(png, 1);
}

void OnWarning(png_structp, png_const_charp) {}

// No exception may cross libpng's frames.
void OnWrite(png_structp png, png_bytep data, size_t length) {
  auto* sink = static_cast<Sink*>(png_get_io_ptr(png));
  try {
    sink->file.insert(sink->file.end(), data, data + length);
  } catch (const std::bad_alloc&) {
    png_error(png, "out of memory");
  }
}

void OnFlush(png_structp) {}

// libpng reports failure by longjmp(): nothing in here has a destructor. False on failure.
bool WriteFile(png_structp png, png_infop info, const Image& image) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_compression_level(png, kCompressionLevel);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB | PNG_FILTER_UP);
  png_set_IHDR(png, info, image.width, image.height, static_cast<int>(image.bits),
               image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (uint32_t row = 0; row < image.height; ++row) {
    png_write_row(png, &image.samples[row * image.row_bytes()]);
  }
  png_write_end(png, info);
  return true;
}

}  // namespace

Bytes EncodePng(Image image) {
  Sink sink;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &sink, OnError, OnWarning);
  if (png == nullptr) throw std::bad_alloc();
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &sink, OnWrite, OnFlush);
  const bool written = info != nullptr && WriteFile(png, info, image);
  png_destroy_write_struct(&png, &info);
  if (!written) throw Error(EIO, "PNG: " + sink.error);
  return std::move(sink.file);
}

}  // namespace grabfs
