// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/generator.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace grabfs::differential {
namespace {

// In percent.
constexpr unsigned kHandOver = 25;  // the next operation is another actor's
constexpr unsigned kFork = 2;       // a child performs it

constexpr size_t kOperationsPerCheck = 50;

unsigned TotalWeight() {
  const auto& verbs = Verbs();
  return std::accumulate(verbs.begin(), verbs.end(), 0U,
                         [](unsigned sum, const Verb& verb) { return sum + verb.weight; });
}

const Verb& DrawVerb(Random& random) {
  static const unsigned total = TotalWeight();
  uint64_t ticket = random.Below(total);
  for (const Verb& verb : Verbs()) {
    if (ticket < verb.weight) return verb;
    ticket -= verb.weight;
  }
  return Verbs().back();
}

Operation Draw(Random& random, const Verb& verb, uint64_t file_bytes) {
  Operation operation;
  operation.verb = &verb;
  for (size_t i = 0; i < verb.parameters.size(); i++) {
    operation.arguments[i] = verb.parameters[i].domain->draw(random, file_bytes);
  }
  return operation;
}

// Every actor begins with files that are open for reading and writing, and a shared mapping.
void AddBeginning(Script& script) {
  for (unsigned actor = 0; actor < kActors; actor++) {
    for (int64_t file = 0; file < int64_t{kFiles}; file++) {
      script.operations.push_back({actor, false, FindVerb("open"), {file, file, O_RDWR}});
    }
    script.operations.push_back(
        {actor,
         false,
         FindVerb("mmap"),
         {0, 0, static_cast<int64_t>(script.file_bytes), 0, PROT_READ | PROT_WRITE, MAP_SHARED}});
  }
}

void AddCheck(Script& script, Random& random, unsigned actor) {
  for (int64_t file = 0; file < int64_t{kFiles}; file++) {
    Operation check = Draw(random, *FindVerb("check"), script.file_bytes);
    check.actor = actor;
    check.arguments[0] = file;
    script.operations.push_back(check);
  }
}

}  // namespace

Script Generate(uint64_t seed, uint64_t file_bytes, size_t operations) {
  Random random(seed);
  Script script{file_bytes, random.Next() % 1000, {}};
  script.operations.reserve(operations);
  AddBeginning(script);
  unsigned actor = 0;
  size_t next_check = kOperationsPerCheck;
  while (script.operations.size() < operations) {
    if (random.Chance(kHandOver)) actor = static_cast<unsigned>(random.Below(kActors));
    Operation operation = Draw(random, DrawVerb(random), file_bytes);
    operation.actor = actor;
    operation.forked = random.Chance(kFork);
    script.operations.push_back(operation);
    if (script.operations.size() < next_check) continue;
    AddCheck(script, random, actor);
    next_check = script.operations.size() + kOperationsPerCheck;
  }
  AddCheck(script, random, actor);
  return script;
}

}  // namespace grabfs::differential
