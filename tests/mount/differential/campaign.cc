// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/campaign.h"

#include <algorithm>
#include <cstdio>

#include "tests/mount/differential/generator.h"
#include "tests/mount/differential/shrink.h"

namespace grabfs::differential {
namespace {

constexpr unsigned kShrinkTries = 2000;
constexpr std::chrono::seconds kShrinkTime{60};
// Hanging scripts are played again and again: nobody waits so long for each.
constexpr std::chrono::seconds kShrinkPatience{3};

Failure MakeShort(Script script, const Stage& stage, uint64_t seed, Mismatch mismatch) {
  Stage hurried = stage;
  hurried.patience = std::min(stage.patience, kShrinkPatience);
  const auto mismatch_of = [&](const std::vector<Operation>& operations) {
    return Play({script.file_bytes, script.fill_seed, operations}, hurried).mismatch;
  };
  const auto deadline = std::chrono::steady_clock::now() + kShrinkTime;
  script.operations.resize(mismatch.place + 1);
  script.operations = Shrink(
      std::move(script.operations),
      [&](const std::vector<Operation>& operations) {
        return std::chrono::steady_clock::now() < deadline && mismatch_of(operations).has_value();
      },
      kShrinkTries);
  if (auto of_short = mismatch_of(script.operations)) mismatch = *of_short;
  return {seed, std::move(script), std::move(mismatch)};
}

void Add(std::vector<Tally>& sum, const std::vector<Tally>& tallies) {
  for (size_t i = 0; i < sum.size(); i++) {
    sum[i].performed += tallies[i].performed;
    sum[i].succeeded += tallies[i].succeeded;
  }
}

uint64_t Performed(const std::vector<Tally>& tallies) {
  uint64_t sum = 0;
  for (const Tally& tally : tallies) sum += tally.performed;
  return sum;
}

}  // namespace

Campaign RunCampaign(const Stage& stage, uint64_t first_seed, uint64_t operations) {
  Campaign campaign;
  campaign.tallies.resize(Verbs().size());
  for (uint64_t seed = first_seed; campaign.operations < operations; seed++) {
    Script script = Generate(seed, stage.setting.file_bytes, kOperationsPerScript);
    Played played = Play(script, stage);
    Add(campaign.tallies, played.tallies);
    campaign.operations += Performed(played.tallies);
    if (!played.mismatch) continue;
    campaign.failure = MakeShort(std::move(script), stage, seed, *played.mismatch);
    break;
  }
  return campaign;
}

std::string Describe(const Failure& failure) {
  return "# seed " + std::to_string(failure.seed) + "; operation " +
         std::to_string(failure.mismatch.place + 1) + ": " + failure.mismatch.what + "\n" +
         Print(failure.script);
}

std::string Describe(const std::vector<Tally>& tallies) {
  std::string text;
  for (size_t i = 0; i < tallies.size(); i++) {
    std::array<char, 80> line{};
    std::snprintf(line.data(), line.size(), "%-20s %9llu %9llu\n", Verbs()[i].name.data(),
                  static_cast<unsigned long long>(tallies[i].performed),
                  static_cast<unsigned long long>(tallies[i].succeeded));
    text += line.data();
  }
  return text;
}

}  // namespace grabfs::differential
