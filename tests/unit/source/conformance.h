// SPDX-License-Identifier: Apache-2.0
//
// What every source promises (fusefs/source/source.h), as tests: a new source begins with them. It
// says how it is made, and how its device is made to do something:
//
//     class Subject final : public ConformanceSubject { ... };
//     INSTANTIATE_TEST_SUITE_P(Mine, SourceConformance, testing::Values(
//         ConformanceCase{"Mine", [] { return std::make_unique<Subject>(); }}), CaseName);
//
// and links //tests/unit/source:conformance. docs/adding-a-source.md tells the rest.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "fusefs/source/source.h"

namespace grabfs {

// A source, and the device behind it in the test's hands.
class ConformanceSubject {
 public:
  virtual ~ConformanceSubject() = default;

  [[nodiscard]] virtual Source& source() = 0;
  // Destroys the source; the device may stay.
  virtual void Destroy() = 0;

  // The device makes one more frame, now. False: it makes them by itself.
  virtual bool Produce() { return false; }
  // The device is pulled out. False: that cannot happen to it.
  virtual bool Unplug() { return false; }
  // Memory that can be attached; ENOMEM and the like as an Error.
  [[nodiscard]] virtual std::shared_ptr<Memory> MakeMemory(uint64_t bytes) {
    return AllocateMemory("attached", bytes);
  }
  // Whether the bytes are the frame of this sequence number.
  [[nodiscard]] virtual bool IsFrame(uint64_t sequence, std::span<const std::byte> bytes) const = 0;
};

struct ConformanceCase {
  std::string name;
  std::function<std::unique_ptr<ConformanceSubject>()> make;
};
inline std::ostream& operator<<(std::ostream& out, const ConformanceCase& value) {
  return out << value.name;
}
inline std::string CaseName(const testing::TestParamInfo<ConformanceCase>& info) {
  return info.param.name;
}

// Drives a source as a device does.
class SourceConformance : public testing::TestWithParam<ConformanceCase> {
 protected:
  static constexpr uint32_t kBuffers = 8;

  void SetUp() override;

  [[nodiscard]] Source& source() { return subject_->source(); }
  [[nodiscard]] Memory& buffer(uint32_t index) { return *memory_.at(index); }
  // New memory for all buffers.
  void Bind(uint32_t count = kBuffers);
  void Start(uint64_t frames = 0);
  void Stop();
  // Gives buffers as long as the source wants some and there are free ones.
  void Supply();
  // The next completion. Waits, gives buffers, and has the device make frames; `starve`: gives
  // none.
  Completion Next(bool starve = false);
  // The same; a buffer that comes back is free again.
  Completion NextResult();
  // The next frame, which must be good, after those that were lost.
  Completion NextFrame();
  void ExpectSilence();

  // All bytes of the memory are this one.
  static void Paint(Memory& memory, std::byte value);
  static bool IsPainted(Memory& memory, std::byte value);
  [[nodiscard]] std::span<const std::byte> BytesOf(const Completion& completion);

  std::unique_ptr<ConformanceSubject> subject_;
  std::vector<std::shared_ptr<Memory>> memory_;
  std::map<uint32_t, std::shared_ptr<Memory>> attached_;
  std::deque<uint32_t> free_;
  std::set<uint32_t> queued_;
};

}  // namespace grabfs
