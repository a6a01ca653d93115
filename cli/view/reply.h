// SPDX-License-Identifier: Apache-2.0
//
// Ownership of what libxcb allocates with malloc().
#pragma once

#include <cstdlib>
#include <memory>

namespace grabfs::view {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

template <typename T>
using Reply = std::unique_ptr<T, Free>;

template <typename T>
Reply<T> Own(T* reply) {
  return Reply<T>(reply);
}

}  // namespace grabfs::view
