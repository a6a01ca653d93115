// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/poison.h"

#include <algorithm>
#include <cstring>

namespace grabfs {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kWord = sizeof(uint64_t);

// The finalizer of splitmix64: neighbours have nothing in common, as in no picture.
uint64_t WordAt(size_t offset, uint64_t seed) {
  uint64_t word = seed + (offset / kWord + 1) * 0x9e3779b97f4a7c15U;
  word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9U;
  word = (word ^ word >> 27) * 0x94d049bb133111ebU;
  return word ^ word >> 31;
}

// The last word of a memory may be a part of one.
size_t WordSize(size_t offset, size_t size) { return std::min(kWord, size - offset); }

bool Untouched(std::span<const std::byte> memory, size_t begin, size_t end, uint64_t seed) {
  for (size_t offset = begin; offset < end; offset += kWord) {
    const uint64_t word = WordAt(offset, seed);
    if (std::memcmp(memory.data() + offset, &word, WordSize(offset, end)) != 0) return false;
  }
  return true;
}

}  // namespace

void Poison(std::span<std::byte> memory, uint64_t seed) {
  for (size_t offset = 0; offset < memory.size(); offset += kWord) {
    const uint64_t word = WordAt(offset, seed);
    std::memcpy(memory.data() + offset, &word, WordSize(offset, memory.size()));
  }
}

std::optional<size_t> FindPoison(std::span<const std::byte> memory, uint64_t seed) {
  for (size_t begin = 0; begin < memory.size(); begin += kPage) {
    if (Untouched(memory, begin, std::min(begin + kPage, memory.size()), seed)) return begin;
  }
  return std::nullopt;
}

}  // namespace grabfs
