// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/measure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace grabfs::bench {

double Quantile(std::vector<double> samples, double part) {
  const auto last = static_cast<double>(samples.size() - 1);
  const auto nth = samples.begin() + std::lround(last * part);
  std::ranges::nth_element(samples, nth);
  return *nth;
}

Comparison Compare(int pairs, const Sample& ours, const Sample& theirs) {
  Use(ours());
  Use(theirs());
  std::vector<double> our_samples;
  std::vector<double> their_samples;
  std::vector<double> ratios;
  std::vector<double> differences;
  for (int pair = 0; pair < pairs; ++pair) {
    if (pair % 2 == 0) our_samples.push_back(ours());
    their_samples.push_back(theirs());
    if (pair % 2 != 0) our_samples.push_back(ours());
    ratios.push_back(our_samples.back() / their_samples.back());
    differences.push_back(our_samples.back() - their_samples.back());
  }
  return {Median(ratios), Median(differences), Median(our_samples), Median(their_samples)};
}

std::string FormatSeconds(double seconds) {
  struct Unit {
    double seconds;
    const char* name;
  };
  static constexpr std::array<Unit, 4> kUnits = {
      {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}}};
  const Unit* unit = kUnits.data();
  while (unit != &kUnits.back() && seconds < unit->seconds) ++unit;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g %s", seconds / unit->seconds, unit->name);
  return text.data();
}

std::string BothSides(const Comparison& comparison, const std::string& theirs) {
  return "grabfs " + FormatSeconds(comparison.ours) + ", " + theirs + " " +
         FormatSeconds(comparison.theirs);
}

}  // namespace grabfs::bench
