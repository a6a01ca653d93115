// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/environment.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "fusefs/base/error.h"
#include "tests/vm/guest/session.h"

namespace grabfs::vm {
namespace {

std::string Variable(const char* name, const char* fallback) {
  const char* const value = std::getenv(name);
  return value == nullptr ? fallback : value;
}

uint64_t ReadSeed() {
  const uint64_t seed = std::stoull(Variable("VM_SEED", "1"));
  std::printf("seed: %llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace

uint64_t Seed() {
  static const uint64_t seed = ReadSeed();
  return seed;
}

std::string AdapterName() { return Variable("VM_ADAPTER", "virtual"); }

int PatienceFactor() {
  static const int factor = std::stoi(Variable("VM_PATIENCE", "1"));
  return factor;
}

int Repetitions(int rounds) {
  static const int percent = std::stoi(Variable("VM_REPETITIONS", "100"));
  return std::max(1, rounds * percent / 100);
}

std::string AdapterPath() {
  const auto paths = FindAdapters(AdapterName());
  if (paths.empty()) throw Error(ENODEV, "no adapter called " + AdapterName());
  return paths.front();
}

}  // namespace grabfs::vm
