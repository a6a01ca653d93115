// SPDX-License-Identifier: Apache-2.0
//
// Has memory really been written to? It is filled with numbers that no picture has, and looked at
// again, page by page, when a driver says that there is a picture in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace grabfs {

// `seed`: another one each time, so that what was once left is no poison later.
void Poison(std::span<std::byte> memory, uint64_t seed);

// Where the first page begins that is as Poison() left it; nullopt: all have been written to.
std::optional<size_t> FindPoison(std::span<const std::byte> memory, uint64_t seed);

}  // namespace grabfs
