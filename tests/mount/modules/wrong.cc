// SPDX-License-Identifier: Apache-2.0
//
// Shared objects that the daemon must refuse. The layout is that of SourceModule.
#include <cstdint>

struct Module {
  const char* version;
  const char* compiler;
  uint64_t layout;
  const char* usage;
  void (*make)();
};

// Whoever calls it has not looked at the rest.
extern "C" void grabfs_wrong_make();
#ifdef WRONG_INCOMPLETE
extern "C" void grabfs_function_that_nobody_has();
void grabfs_wrong_make() { grabfs_function_that_nobody_has(); }
#else
void grabfs_wrong_make() { __builtin_trap(); }
#endif

#ifdef WRONG_OLDER
#define WRONG_VERSION "0.0.9"
#else
#define WRONG_VERSION "0.1.0"
#endif

#ifndef WRONG_NOTHING
extern "C" const Module grabfs_source_module;
const Module grabfs_source_module = {WRONG_VERSION, "a compiler of another time", 1, "wrong",
                                     grabfs_wrong_make};
#endif
