// SPDX-License-Identifier: Apache-2.0
//
// What README.md shows: its commands are run, one after the other, and print what stands below
// them.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

struct Step {
  std::string command;
  std::string prints;  // empty: README does not say
};

std::vector<std::string> Words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// The lines of the blocks of a document that are marked as of this language.
std::vector<std::string> Blocks(const std::string& document, const std::string& language) {
  std::ifstream lines(document);
  std::vector<std::string> found;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "```") inside = false;
    if (inside) found.push_back(line);
    if (line == "```" + language) inside = true;
  }
  return found;
}

std::vector<Step> Steps(const std::string& document) {
  std::vector<Step> steps;
  for (const std::string& line : Blocks(document, "console")) {
    if (line.starts_with("$ ")) {
      steps.push_back({line.substr(2), ""});
    } else if (!steps.empty()) {
      steps.back().prints += line + "\n";
    }
  }
  return steps;
}

// The same, of a mount elsewhere.
std::string Moved(std::string text, const std::string& place) {
  const std::string there = "/mnt/grabfs";
  for (size_t at = 0; (at = text.find(there, at)) != std::string::npos; at += place.size()) {
    text.replace(at, there.size(), place);
  }
  return text;
}

class DocumentsTest : public EnvironmentTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    place_ = MakeScratchDirectory("readme");
    work_ = MakeScratchDirectory("work");
    const std::string programs = MakeScratchDirectory("bin");
    path_ = programs + ":$PATH PYTHONPATH=" + Absolute("cli/python") +
            " GRABFS_LIBRARY=" + Absolute("cli/lib/libgrabfs.so.0");
    std::filesystem::create_symlink(Absolute(DaemonPath()), programs + "/grabfs");
    std::filesystem::create_symlink(Absolute(CliPath()), programs + "/grabfs-cli");
  }
  void TearDown() override { ForceUnmount(place_); }

  static std::string Absolute(const std::string& path) {
    return std::filesystem::absolute(path).string();
  }
  [[nodiscard]] CommandResult Run(const std::string& command) const {
    return RunCommand({"bash", "-c",
                       "cd " + work_ + " && export GRABFS_MOUNT=" + place_ + " PATH=" + path_ +
                           " && " + Moved(command, place_)});
  }

  std::string place_;
  std::string work_;
  std::string path_;
};

TEST_F(DocumentsTest, ReadmeDoesWhatItShows) {
  const std::vector<Step> steps = Steps("README.md");
  ASSERT_GE(steps.size(), 8U);
  for (const Step& step : steps) {
    const CommandResult result = Run(step.command);
    EXPECT_EQ(result.status, 0) << step.command << ": " << result.err;
    if (!step.prints.empty()) {
      EXPECT_EQ(Words(result.out), Words(Moved(step.prints, place_))) << step.command;
    }
  }
  std::string program;
  for (const std::string& line : Blocks("README.md", "python")) program += line + "\n";
  ASSERT_FALSE(program.empty());
  std::ofstream(work_ + "/readme.py") << Moved(program, place_);
  // It goes on for ever.
  const CommandResult result = Run("/usr/bin/python3 -B -u readme.py | head -n 3");
  EXPECT_EQ(Words(result.out).size(), 3 * Words("0 (1080, 1920, 4) 127.5").size())
      << result.out << result.err;
}

}  // namespace
}  // namespace grabfs::mount_test
