// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/targets.h"

#include <utility>

namespace grabfs {

void Targets::Add(Source& source, Target target) {
  const uint32_t buffer = source.Attach(target.memory);
  targets_.emplace(buffer, std::move(target));
  waiting_.push_back(buffer);
}

void Targets::QueueNext(Source& source) {
  const uint32_t buffer = waiting_.front();
  waiting_.pop_front();
  source.Queue(buffer);
}

std::optional<Target> Targets::Take(Source& source, uint32_t buffer) {
  auto node = targets_.extract(buffer);
  if (!node) return std::nullopt;
  source.Detach(buffer);
  return std::move(node.mapped());
}

std::deque<Target> Targets::TakeAll(Source& source) {
  std::deque<Target> all;
  for (auto& [buffer, target] : targets_) {
    source.Detach(buffer);
    all.push_back(std::move(target));
  }
  targets_.clear();
  waiting_.clear();
  return all;
}

std::string Targets::next() const {
  return targets_.empty() ? std::string() : targets_.begin()->second.name;
}

}  // namespace grabfs
