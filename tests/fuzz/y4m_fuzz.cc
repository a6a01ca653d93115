// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a YUV4MPEG2 file: either they are refused with EINVAL and a reason, or every frame
// that the index promises lies within the file and can be read.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/source/clip.h"
#include "fusefs/source/y4m.h"

namespace grabfs {
namespace {

// Larger pictures cost time and show nothing new.
constexpr uint64_t kLargestFrame = 1 << 20;

void Require(bool condition) {
  if (!condition) std::abort();
}

// Runs `action`; an Error must say EINVAL and why.
template <typename Action>
void AcceptOrRefuse(Action action) {
  try {
    action();
  } catch (const Error& error) {
    Require(error.code() == EINVAL && error.what()[0] != '\0');
  }
}

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
  const UniqueFd file(CheckSyscall(::memfd_create("y4m", MFD_CLOEXEC), "memfd_create"));
  Require(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  AcceptOrRefuse([&file, text] {
    const Clip clip("/proc/self/fd/" + std::to_string(file.get()), {});
    Require(clip.frames() > 0 && clip.frames() * clip.format().bytes < text.size());
    if (clip.format().bytes > kLargestFrame) return;
    std::vector<std::byte> frame(clip.format().bytes);
    for (uint64_t i = 0; i < clip.frames(); ++i) clip.Read(i, frame);
  });
}

}  // namespace
}  // namespace grabfs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  grabfs::CheckHeaders(text);
  grabfs::CheckFile(text);
  return 0;
}
