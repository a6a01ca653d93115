// SPDX-License-Identifier: Apache-2.0
//
// Checks whether a driver has really written to memory: it is *poisoned*, filled with numbers that
// no picture has, and checked page by page when the driver reports a frame in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace grabfs {

// `seed`: another one each time, so that remains of an earlier poison do not count.
void Poison(std::span<std::byte> memory, uint64_t seed);

// The offset of the first page that is still poisoned; nullopt: all pages were written to.
std::optional<size_t> FindPoison(std::span<const std::byte> memory, uint64_t seed);

}  // namespace grabfs
