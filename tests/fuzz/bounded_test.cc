// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target as an ordinary test: over every file of its corpus, then over mutations of
// them until there were enough or the time is up. The mutations are the same in every run, so a
// failure repeats. The search for new inputs is libFuzzer's: search.sh.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace grabfs::fuzz {
namespace {

constexpr int kMutations = 20000;
constexpr std::chrono::seconds kEnough{5};
constexpr uint64_t kSeed = 1995;

using Input = std::string;

std::vector<Input> ReadCorpus() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::getenv("GRABFS_CORPUS"))) {
    if (entry.path().filename() != "dictionary") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<Input> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

void FeedTarget(const Input& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Input>& corpus) : corpus_(corpus) {}

  Input Next() {
    Input input = AnyInput();
    for (size_t i = 0, steps = 1 + Below(4); i < steps; ++i) Mutate(input);
    return input;
  }

 private:
  // A number in [0, limit); 0 when the limit is 0.
  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  const Input& AnyInput() { return corpus_[Below(corpus_.size())]; }

  void Mutate(Input& input) {
    // Headers are at the beginning, and that is where most mistakes hide.
    const size_t reach = Below(2) == 0 ? std::min<size_t>(input.size(), 80) : input.size();
    const size_t place = Below(reach + 1);
    switch (Below(5)) {
      case 0:  // another byte
        if (place < input.size()) input[place] = static_cast<char>(random_());
        break;
      case 1:  // one more, of those that mean something
        input.insert(place, 1, " \n:09-WHFCX\0\xff"[Below(13)]);
        break;
      case 2:  // some fewer
        input.erase(place, Below(16));
        break;
      case 3:  // an end too early
        input.resize(place);
        break;
      default: {  // a piece of another input
        const Input& other = AnyInput();
        const size_t begin = Below(other.size());
        input.insert(place, other, begin, Below(64));
      }
    }
  }

  const std::vector<Input>& corpus_;
  std::mt19937_64 random_{kSeed};
};

TEST(BoundedFuzz, TheCorpusPasses) {
  const std::vector<Input> corpus = ReadCorpus();
  ASSERT_FALSE(corpus.empty());
  for (const Input& input : corpus) FeedTarget(input);
}

TEST(BoundedFuzz, MutationsOfTheCorpusPass) {
  const std::vector<Input> corpus = ReadCorpus();
  Mutator mutator(corpus);
  const auto end = std::chrono::steady_clock::now() + kEnough;
  for (int i = 0; i < kMutations && std::chrono::steady_clock::now() < end; ++i) {
    FeedTarget(mutator.Next());
  }
}

}  // namespace
}  // namespace grabfs::fuzz
