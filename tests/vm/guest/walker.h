// SPDX-License-Identifier: Apache-2.0
//
// A process that does with the boards whatever comes to its mind: every command, plausible or not,
// arguments in memory that comes late, files and mappings of buffers, children that inherit them.
//
// Nothing that it does may harm the machine, and no call may fail in a way that the interface does
// not know. What it does next depends on a seed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "fusefs/base/unique_fd.h"
#include "tests/vm/guest/absent_memory.h"
#include "tests/vm/guest/pagemap.h"

namespace grabfs::vm {

class Walker {
 public:
  Walker(uint64_t seed, unsigned boards);

  // Walks until `deadline`. Returns the number of steps.
  uint64_t Run(std::chrono::steady_clock::time_point deadline);

 private:
  static constexpr size_t kArgumentBytes = 256;

  void Step();
  void OpenSession();
  void Command();
  void Fill(unsigned command, uint32_t* words);
  void FillStates(uint32_t* words);
  void FillFault(uint32_t* words);
  void KeepFiles(const void* argument);
  void ReadRecords();
  void UseFile();
  void Copy(int fd);
  void Splice(int fd);
  void Map(int fd);
  void UseMapping();
  void Reopen(int fd);
  void Fork();

  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool OneIn(uint64_t count) { return Below(count) == 0; }
  std::byte* Somewhere();
  template <typename Element>
  void Keep(std::vector<Element>& kept, Element element);

  std::mt19937_64 random_;
  const unsigned boards_;
  UniqueFd session_;
  std::vector<UniqueFd> files_;
  std::vector<std::unique_ptr<Mapping>> mappings_;
  std::vector<std::byte> memory_;
  AbsentMemory late_;
};

}  // namespace grabfs::vm
