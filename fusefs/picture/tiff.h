// SPDX-License-Identifier: Apache-2.0
//
// Encodes TIFF, by libtiff: uncompressed, each page in one strip.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fusefs/picture/image.h"

namespace grabfs {

// A complete file of one page. Throws Error(EIO) with libtiff's message.
Bytes EncodeTiff(Image image);
// The size of that file; `shape.samples` is not used.
uint64_t TiffBytes(const Image& shape);

// Writes a file of any number of pages. The file is complete after each page, also if writing the
// next one fails or the program dies. Threads: one at a time.
class TiffFile {
 public:
  // Replaces an existing file. A file of more than 4 GiB must be `big` (BigTIFF). Throws Error.
  TiffFile(const std::string& path, bool big);
  ~TiffFile();
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  // Throws Error; the file has the pages from before then, and no more can be added.
  void Add(Image page);
  [[nodiscard]] uint64_t bytes() const;

 private:
  class Storage;
  class Writer;
  friend Bytes EncodeTiff(Image image);

  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace grabfs
