// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a YUV4MPEG2 file: either they are refused with EINVAL and a reason, or every frame
// that the index promises lies within the file and can be read.
#include "fusefs/picture/y4m.h"

#include "fusefs/source/software/clip.h"
#include "tests/fuzz/clip_file.h"
#include "tests/fuzz/fuzz.h"

namespace grabfs::fuzz {
namespace {

void CheckHeaders(std::string_view text) {
  AcceptOrRefuse([text] {
    const Y4mHeader header = ParseY4mHeader(text);
    Require(header.length <= text.size() && text[header.length - 1] == '\n');
    Require(header.format ==
            MakeFrameFormat(header.format.fourcc, header.format.width, header.format.height));
    Require(!header.rate || Rate::Parse(header.rate->ToString()) == *header.rate);
  });
  AcceptOrRefuse([text] {
    const size_t length = ParseY4mFrameHeader(text, 0);
    Require(length <= text.size() && text[length - 1] == '\n');
  });
}

void CheckFile(std::string_view text) {
  const ClipFile file(text);
  AcceptOrRefuse([&file, text] {
    const Clip clip(file.path(), {});
    Require(clip.frames() > 0 && clip.frames() * clip.format().bytes < text.size());
    ReadEveryFrame(clip);
  });
}

}  // namespace
}  // namespace grabfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = grabfs::fuzz::TextOf(data, size);
  grabfs::fuzz::CheckHeaders(text);
  grabfs::fuzz::CheckFile(text);
  return 0;
}
