// SPDX-License-Identifier: Apache-2.0
//
// The layout of the module's interface, of the ring and of libgrabfs, seen from C: checked when
// this is compiled, and printed when it is run, for comparison with other compilers and machines.
#include <stddef.h>
#include <stdio.h>

#include "cli/lib/include/grabfs/grabfs.h"
#include "cli/lib/include/grabfs/ring.h"
#include "kmod/uapi/grabdma.h"

#define STRUCT(name, bytes) _Static_assert(sizeof(struct name) == (bytes), #name);
#define FIELD(name, field, offset, bytes)                                     \
  _Static_assert(offsetof(struct name, field) == (offset), #name "." #field); \
  _Static_assert(sizeof(((struct name*)0)->field) == (bytes), #name "." #field);
#define VALUE(name, value) _Static_assert((name) == (value), #name);
#include "tests/abi/layout.inc"
#include "tests/abi/library_layout.inc"
#include "tests/abi/ring_layout.inc"
#undef STRUCT
#undef FIELD
#undef VALUE

#define STRUCT(name, bytes) printf("struct %s: %zu bytes\n", #name, sizeof(struct name));
#define FIELD(name, field, offset, bytes) \
  printf("  %4zu  %s\n", offsetof(struct name, field), #field);
#define VALUE(name, value) printf("%s = 0x%llx\n", #name, (unsigned long long)(name));

int main(void) {
#include "tests/abi/layout.inc"
#include "tests/abi/library_layout.inc"
#include "tests/abi/ring_layout.inc"
  return 0;
}
