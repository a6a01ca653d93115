// SPDX-License-Identifier: Apache-2.0
//
// pattern and replay keep the promises of every source.
#include "tests/unit/source/conformance.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "fusefs/source/software/test_picture.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

class PatternSubject final : public ConformanceSubject {
 public:
  explicit PatternSubject(const std::string& keys)
      : source_(MakeSourceFrom("pattern,format=GREY,width=64,height=128" + keys)),
        picture_(*TestPicture::Make(kGrey, 64, 128)) {}

  [[nodiscard]] Source& source() override { return *source_; }
  void Destroy() override { source_.reset(); }
  [[nodiscard]] bool IsFrame(uint64_t sequence, std::span<const std::byte> bytes) const override {
    std::vector<std::byte> expected(picture_.bytes());
    picture_.Paint(sequence, expected);
    return std::ranges::equal(bytes, expected);
  }

 private:
  std::unique_ptr<Source> source_;
  TestPicture picture_;
};

class ReplaySubject final : public ConformanceSubject {
 public:
  ReplaySubject() : path_(testing::TempDir() + "conformance.y4m") {
    std::ofstream file(path_, std::ios::binary);
    file << "YUV4MPEG2 W64 H128 F1000:1 Cmono\n";
    for (int i = 0; i < kFrames; ++i) file << "FRAME\n" << std::string(64 * 128, Value(i));
    file.close();
    source_ = MakeSourceFrom("replay:" + path_);
  }
  ~ReplaySubject() override { std::filesystem::remove(path_); }

  [[nodiscard]] Source& source() override { return *source_; }
  void Destroy() override { source_.reset(); }
  [[nodiscard]] bool IsFrame(uint64_t sequence, std::span<const std::byte> bytes) const override {
    const char value = Value(static_cast<int>(sequence % kFrames));
    return std::ranges::all_of(bytes, [&](std::byte b) { return b == std::byte(value); });
  }

 private:
  static constexpr int kFrames = 17;
  static char Value(int frame) { return static_cast<char>(frame + 1); }

  std::string path_;
  std::unique_ptr<Source> source_;
};

INSTANTIATE_TEST_SUITE_P(
    Software, SourceConformance,
    testing::Values(ConformanceCase{"Pattern",
                                    [] { return std::make_unique<PatternSubject>(",rate=1000"); }},
                    ConformanceCase{"PatternUnpaced",
                                    [] { return std::make_unique<PatternSubject>(",rate=0"); }},
                    ConformanceCase{"Replay", [] { return std::make_unique<ReplaySubject>(); }}),
    CaseName);

}  // namespace
}  // namespace grabfs
