// SPDX-License-Identifier: Apache-2.0
//
// exec keeps the promises of every source.
#include "tests/unit/source/conformance.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

namespace fs = std::filesystem;

// Numbers are the source's: those of a program begin anew with each of its runs.
class ExecSubject final : public ConformanceSubject {
 public:
  ExecSubject() : directory_(testing::TempDir() + "exec_conformance") {
    fs::create_directories(directory_);
    std::ofstream clip(directory_ + "/clip", std::ios::binary);
    clip << "YUV4MPEG2 W64 H128 F25:1 Cmono\n";
    for (int i = 0; i < 200; ++i) {
      clip << "FRAME\n" << std::string(64 * 128, static_cast<char>(i + 1));
    }
    clip.close();
    const std::string program = directory_ + "/program";
    std::ofstream(program) << "#!/bin/sh\ncat " << directory_ << "/clip; sleep 100\n";
    EXPECT_EQ(::chmod(program.c_str(), 0755), 0);
    source_ = MakeSourceFrom("exec:" + program + (::geteuid() == 0 ? ",user=root" : ""));
  }
  ~ExecSubject() override {
    source_.reset();
    fs::remove_all(directory_);
  }

  [[nodiscard]] Source& source() override { return *source_; }
  void Destroy() override { source_.reset(); }
  [[nodiscard]] bool IsFrame(uint64_t /*sequence*/,
                             std::span<const std::byte> bytes) const override {
    return bytes.size() == 64 * 128 && bytes.front() != std::byte{0} &&
           std::ranges::all_of(bytes, [&](std::byte b) { return b == bytes.front(); });
  }

 private:
  std::string directory_;
  std::unique_ptr<Source> source_;
};

INSTANTIATE_TEST_SUITE_P(Exec, SourceConformance,
                         testing::Values(ConformanceCase{
                             "Exec", [] { return std::make_unique<ExecSubject>(); }}),
                         CaseName);

}  // namespace
}  // namespace grabfs
