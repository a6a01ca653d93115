// SPDX-License-Identifier: Apache-2.0
//
// The layout of the module's interface, of the ring and of libgrabfs, seen from C++. The headers
// must stand alone: they come first.
#include "cli/lib/include/grabfs/grabfs.h"
#include "cli/lib/include/grabfs/ring.h"
#include "kmod/uapi/grabdma.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <type_traits>

namespace {

#define STRUCT(name, bytes)                          \
  static_assert(sizeof(name) == (bytes));            \
  static_assert(std::is_trivially_copyable_v<name>); \
  static_assert(std::is_standard_layout_v<name>);
#define FIELD(name, field, offset, bytes)           \
  static_assert(offsetof(name, field) == (offset)); \
  static_assert(sizeof(name::field) == (bytes));
#define VALUE(name, value) static_assert((name) == (value));
#include "tests/abi/layout.inc"
#include "tests/abi/library_layout.inc"
#include "tests/abi/ring_layout.inc"
#undef STRUCT
#undef FIELD
#undef VALUE

// Where every byte of a struct belongs to a field, no kernel memory can leak through padding.
TEST(AbiLayoutTest, StructsHaveNoHoles) {
  size_t end = 0;
  const char* current = nullptr;
  size_t current_bytes = 0;
  const auto begin_struct = [&](const char* name, size_t bytes) {
    EXPECT_EQ(end, current_bytes) << current;
    current = name;
    current_bytes = bytes;
    end = 0;
  };
  const auto add_field = [&](const char* field, size_t offset, size_t bytes) {
    EXPECT_EQ(offset, end) << current << "." << field;
    end = offset + bytes;
  };
#define STRUCT(name, bytes) begin_struct(#name, bytes);
#define FIELD(name, field, offset, bytes) add_field(#field, offset, bytes);
#define VALUE(name, value)
#include "tests/abi/layout.inc"
#include "tests/abi/library_layout.inc"
#include "tests/abi/ring_layout.inc"
  begin_struct("", 0);
}

TEST(AbiLayoutTest, ReadsCarryWholeRecordsInCacheLines) { EXPECT_EQ(sizeof(grabdma_record), 64U); }

}  // namespace
