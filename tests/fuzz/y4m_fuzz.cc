// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a YUV4MPEG2 file: either they are refused with EINVAL and a reason, or every frame
// that the index promises lies within the file and can be read. As a stream they are frames, and
// then an end or EINVAL.
#include "fusefs/picture/y4m.h"

#include <fcntl.h>

#include <vector>

#include "fusefs/base/unique_fd.h"
#include "fusefs/source/exec/y4m_input.h"
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

void CheckStream(std::string_view text) {
  constexpr uint64_t kMost = 1 << 20;
  const ClipFile file(text);
  const UniqueFd fd(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
  Y4mInput input(fd.get());
  std::vector<std::byte> frame;
  uint64_t frames = 0;
  AcceptOrRefuse([&] {
    for (;;) {
      switch (input.Read()) {
        case Y4mInput::Event::kHeader:
          if (input.header().format.bytes <= kMost) frame.resize(input.header().format.bytes);
          break;
        case Y4mInput::Event::kDue:
          // Every other one is not wanted, nor are large ones.
          frame.empty() || frames++ % 2 == 1 ? input.Discard() : input.Into(frame);
          break;
        case Y4mInput::Event::kFrame:
          Require(input.frame_bytes() == frame.size());
          break;
        case Y4mInput::Event::kEnd:
          Require(input.bytes() == text.size());
          return;
        case Y4mInput::Event::kNothing:
          Require(false);
      }
    }
  });
  Require(input.bytes() <= text.size());
}

}  // namespace
}  // namespace grabfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = grabfs::fuzz::TextOf(data, size);
  grabfs::fuzz::CheckHeaders(text);
  grabfs::fuzz::CheckFile(text);
  grabfs::fuzz::CheckStream(text);
  return 0;
}
