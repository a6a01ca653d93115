// SPDX-License-Identifier: Apache-2.0
//
// Tagged Image File Format, by libtiff: uncompressed, each page in one strip.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fusefs/picture/image.h"

namespace grabfs {

// A complete file of one page. Throws Error(EIO) with libtiff's own words.
Bytes EncodeTiff(Image image);
// The size of that file without the samples, which are not looked at.
uint64_t TiffOverheadBytes(const Image& shape);

// A file of any number of pages.
class TiffFile {
 public:
  // Replaces what is there. Beyond 4 GiB a file must be `big` (BigTIFF). Throws Error.
  TiffFile(const std::string& path, bool big);
  ~TiffFile();
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  // Throws Error(EIO).
  void Add(Image page);
  // Writes what is left; no more pages afterwards. Throws Error(EIO).
  void Close();

 private:
  class Handle;
  friend Bytes EncodeTiff(Image image);

  std::unique_ptr<Handle> handle_;
};

}  // namespace grabfs
