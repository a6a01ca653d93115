// SPDX-License-Identifier: Apache-2.0
//
// Measuring fairly: both sides alternate within one run, so that whatever slows the machine down
// slows both, and medians keep out what hit only one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fusefs/base/clock.h"

namespace grabfs::bench {

// How long `work` takes, in seconds.
template <typename Work>
double Seconds(Work work) {
  const uint64_t start = MonotonicNs();
  work();
  return static_cast<double>(MonotonicNs() - start) / static_cast<double>(kNsPerSecond);
}

// `part` of the samples are at most this large: 0.5 is the median. At least one sample.
double Quantile(std::vector<double> samples, double part);
inline double Median(std::vector<double> samples) { return Quantile(std::move(samples), 0.5); }

// Does one measurement and returns what it measured, usually seconds.
using Sample = std::function<double()>;

struct Comparison {
  double ratio;       // median over the pairs of ours / theirs
  double difference;  // median over the pairs of ours - theirs
  double ours;        // medians of each side
  double theirs;
};

// One unmeasured round to warm up, then `pairs` of both, in turns as to which goes first.
Comparison Compare(int pairs, const Sample& ours, const Sample& theirs);

// "1.25 ms"
std::string FormatSeconds(double seconds);
// "grabfs 1.25 ms, tmpfs 1.31 ms"
std::string BothSides(const Comparison& comparison, const std::string& theirs);

// Keeps the compiler from leaving out the computation of `value`.
template <typename T>
void Use(const T& value) {
  asm volatile("" : : "g"(value) : "memory");
}

}  // namespace grabfs::bench
