// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/shrink.h"

#include <algorithm>
#include <utility>

namespace grabfs::differential {
namespace {

using Sequence = std::vector<Operation>;

class Shrinker {
 public:
  Shrinker(Sequence failing, const Fails& fails, unsigned tries)
      : best_(std::move(failing)), fails_(fails), tries_(tries) {}

  Sequence Run() {
    Shorten();
    Simplify();
    Shorten();  // what is simple may be needless
    return std::move(best_);
  }

 private:
  // Whether `candidate` fails, too; if so, it is the best so far.
  bool Take(Sequence candidate) {
    if (tries_ == 0) return false;
    tries_--;
    if (!fails_(candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }

  [[nodiscard]] Sequence Without(size_t first, size_t count) const {
    Sequence rest(best_.begin(), best_.begin() + static_cast<ptrdiff_t>(first));
    const size_t end = std::min(first + count, best_.size());
    rest.insert(rest.end(), best_.begin() + static_cast<ptrdiff_t>(end), best_.end());
    return rest;
  }

  // Tries to leave out each part of `count` operations. Backwards, since what comes last depends on
  // what comes first.
  bool LeaveOut(size_t count) {
    bool any = false;
    for (size_t end = best_.size(); end > 0;) {
      const size_t first = end > count ? end - count : 0;
      any |= Take(Without(first, end - first));
      end = std::min(first, best_.size());
    }
    return any;
  }

  void Shorten() {
    size_t count = std::max<size_t>(1, best_.size() / 2);
    for (;;) {
      const bool any = LeaveOut(count);
      if (count == 1 && !any) return;
      if (count > 1) count /= 2;
    }
  }

  template <typename Change>
  bool Try(size_t place, Change change) {
    Sequence candidate = best_;
    change(candidate[place]);
    return candidate[place] != best_[place] && Take(std::move(candidate));
  }

  void SimplifyNumber(size_t place, size_t argument) {
    const auto set = [&](int64_t value) {
      return Try(place, [&](Operation& operation) { operation.arguments[argument] = value; });
    };
    const auto now = [&] { return best_[place].arguments[argument]; };
    if (set(0)) return;
    while (now() / 2 != 0 && set(now() / 2)) continue;
    set(now() / kPageBytes * kPageBytes);
  }

  void SimplifyBits(size_t place, size_t argument) {
    for (unsigned bit = 0; bit < 63; bit++) {
      Try(place,
          [&](Operation& operation) { operation.arguments[argument] &= ~(int64_t{1} << bit); });
    }
  }

  void SimplifyAt(size_t place) {
    Try(place, [](Operation& operation) { operation.forked = false; });
    Try(place, [](Operation& operation) { operation.actor = 0; });
    const std::vector<Parameter>& parameters = best_[place].verb->parameters;
    for (size_t i = 0; i < parameters.size(); i++) {
      switch (parameters[i].domain->form) {
        case Domain::Form::kNumber:
          SimplifyNumber(place, i);
          break;
        case Domain::Form::kBits:
          SimplifyBits(place, i);
          break;
        case Domain::Form::kChoice:
          Try(place, [&](Operation& operation) {
            operation.arguments[i] = parameters[i].domain->names.front().value;
          });
          break;
      }
    }
  }

  // All by one actor at once, since what they do depends on who did what before.
  void UseOneActor() {
    Sequence candidate = best_;
    for (Operation& operation : candidate) operation.actor = 0;
    if (candidate != best_) Take(std::move(candidate));
  }

  void Simplify() {
    UseOneActor();
    for (size_t place = 0; place < best_.size(); place++) SimplifyAt(place);
  }

  Sequence best_;
  const Fails& fails_;
  unsigned tries_;
};

}  // namespace

std::vector<Operation> Shrink(std::vector<Operation> failing, const Fails& fails, unsigned tries) {
  return Shrinker(std::move(failing), fails, tries).Run();
}

}  // namespace grabfs::differential
