// SPDX-License-Identifier: Apache-2.0
//
// Random numbers that are the same for the same seed on every machine, which the distributions of
// <random> do not promise. The generator is SplitMix64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace grabfs::differential {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15U;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
  }
  // 0 to `limit` - 1; a bias of 2^-64 per unit of `limit` does not matter here.
  uint64_t Below(uint64_t limit) { return Next() % limit; }
  bool Chance(unsigned percent) { return Below(100) < percent; }

 private:
  uint64_t state_;
};

// Fills `bytes` with the noise of `seed`.
inline void FillWithNoise(std::span<std::byte> bytes, uint64_t seed) {
  Random random(seed);
  for (size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
    const uint64_t word = random.Next();
    std::memcpy(bytes.data() + i, &word, std::min(sizeof word, bytes.size() - i));
  }
}

}  // namespace grabfs::differential
