// SPDX-License-Identifier: Apache-2.0
//
// Programs for the source `exec`: shell scripts in a folder of the test's own.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace grabfs {

class Scripts : public testing::Test {
 protected:
  static constexpr char kHeader[] = "YUV4MPEG2 W16 H16 F25:1 Ip C420jpeg\n";
  static constexpr size_t kFrameBytes = 16 * 16 * 3 / 2;

  Scripts() {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    directory_ = testing::TempDir() + "exec_" + name;
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    std::filesystem::permissions(directory_, std::filesystem::perms(0755));
  }
  ~Scripts() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  // An executable shell script; $DIR is the folder of the test.
  [[nodiscard]] std::string Script(const std::string& name, const std::string& lines) const {
    std::ofstream(Path(name)) << "#!/bin/sh\nDIR=" << directory_ << "\n" << lines << "\n";
    EXPECT_EQ(::chmod(Path(name).c_str(), 0755), 0);
    return Path(name);
  }

  // The keys that a test needs where it runs as root: folders of tests are root's own.
  static std::string Keys() { return ::geteuid() == 0 ? ",user=root" : ""; }

  // A picture that is different from any other of these tests.
  static std::string Pixels(int number, size_t bytes = kFrameBytes) {
    std::string pixels(bytes, '\0');
    for (size_t i = 0; i < bytes; ++i) {
      pixels[i] = static_cast<char>(static_cast<size_t>(number) * 31 + i * 7 + i / 251);
    }
    return pixels;
  }

  // A Y4M file of the frames from `first` to before `end`, for scripts to cat.
  void WriteClip(const std::string& name, int first, int end, bool header = true) const {
    std::ofstream file(Path(name), std::ios::binary);
    if (header) file << kHeader;
    for (int i = first; i < end; ++i) file << "FRAME\n" << Pixels(i);
  }

  [[nodiscard]] std::string Content(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }

 private:
  std::string directory_;
};

}  // namespace grabfs
