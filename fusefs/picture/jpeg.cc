// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/jpeg.h"

#include <turbojpeg.h>

#include <cerrno>
#include <memory>
#include <new>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr int kQuality = 90;
// Few bytes may order very many passes over the picture: that many are refused.
constexpr int kDecoding = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;

struct Destroy {
  void operator()(void* codec) const { tjDestroy(codec); }
};
using Codec = std::unique_ptr<void, Destroy>;

Codec Required(tjhandle codec) {
  if (codec == nullptr) throw std::bad_alloc();
  return Codec(codec);
}

[[noreturn]] void Refuse(const std::string& why) { throw Error(EIO, "JPEG: " + why); }

int Int(uint32_t number) { return static_cast<int>(number); }

int LayoutOf(const Image& image) { return image.channels == 1 ? TJPF_GRAY : TJPF_RGB; }

// Of each sample of 16 bits the first byte is the upper one.
void DropLowerBytes(Image& image) {
  if (image.bits == 8) return;
  for (size_t i = 0; 2 * i < image.samples.size(); ++i) image.samples[i] = image.samples[2 * i];
  image.bits = 8;
  image.samples.resize(image.bytes());
}

}  // namespace

void DecodeJpeg(std::span<const uint8_t> jpeg, Image& image) {
  const Codec codec = Required(tjInitDecompress());
  int width = 0;
  int height = 0;
  int sampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(codec.get(), jpeg.data(), jpeg.size(), &width, &height, &sampling,
                          &colours) != 0) {
    Refuse(tjGetErrorStr2(codec.get()));
  }
  if (width != Int(image.width) || height != Int(image.height)) {
    Refuse("the picture is " + std::to_string(width) + "x" + std::to_string(height) + ", not " +
           std::to_string(image.width) + "x" + std::to_string(image.height));
  }
  image.samples.resize(image.bytes());
  const int result = tjDecompress2(codec.get(), jpeg.data(), jpeg.size(), image.samples.data(),
                                   Int(image.width), Int(static_cast<uint32_t>(image.row_bytes())),
                                   Int(image.height), LayoutOf(image), kDecoding);
  if (result != 0 && tjGetErrorCode(codec.get()) != TJERR_WARNING) {
    Refuse(tjGetErrorStr2(codec.get()));
  }
}

Bytes EncodeJpeg(Image image) {
  DropLowerBytes(image);
  const Codec codec = Required(tjInitCompress());
  const int sampling = image.channels == 1 ? TJSAMP_GRAY : TJSAMP_444;
  Bytes file(tjBufSize(Int(image.width), Int(image.height), sampling));
  unsigned char* out = file.data();
  unsigned long bytes = file.size();
  if (tjCompress2(codec.get(), image.samples.data(), Int(image.width),
                  Int(static_cast<uint32_t>(image.row_bytes())), Int(image.height), LayoutOf(image),
                  &out, &bytes, sampling, kQuality, TJFLAG_NOREALLOC | TJFLAG_ACCURATEDCT) != 0) {
    Refuse(tjGetErrorStr2(codec.get()));
  }
  file.resize(bytes);
  return file;
}

}  // namespace grabfs
