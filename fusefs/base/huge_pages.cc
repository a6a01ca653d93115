// SPDX-License-Identifier: Apache-2.0
//
// Two ways to ask the kernel for the size of page table entries.
#include "fusefs/base/huge_pages.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

// The PAGEMAP_SCAN ioctl of /proc/PID/pagemap (Linux 6.7), newer than the headers of Debian 12.
struct PageRegion {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};
struct PagemapScan {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t vec;
  uint64_t vec_len;
  uint64_t max_pages;
  uint64_t category_inverted;
  uint64_t category_mask;
  uint64_t category_anyof_mask;
  uint64_t return_mask;
};
static_assert(sizeof(PagemapScan) == 96);
constexpr unsigned long kPagemapScan = _IOWR('f', 16, PagemapScan);
constexpr uint64_t kPageIsHuge = 1 << 6;

// nullopt when the kernel does not know the ioctl.
std::optional<uint64_t> ScanMapping(int pagemap, std::span<const std::byte> mapping) {
  std::array<PageRegion, 64> regions;
  PagemapScan scan{};
  scan.size = sizeof scan;
  scan.start = reinterpret_cast<uintptr_t>(mapping.data());
  scan.end = scan.start + mapping.size();
  scan.vec = reinterpret_cast<uintptr_t>(regions.data());
  scan.vec_len = regions.size();
  scan.category_mask = kPageIsHuge;
  scan.return_mask = kPageIsHuge;
  uint64_t bytes = 0;
  while (scan.start < scan.end) {
    const int count = ::ioctl(pagemap, kPagemapScan, &scan);
    if (count < 0 || scan.walk_end <= scan.start) return std::nullopt;
    for (int i = 0; i < count; ++i) bytes += regions[i].end - regions[i].start;
    scan.start = scan.walk_end;
  }
  return bytes;
}

std::optional<uint64_t> ScanAll(const std::vector<std::span<const std::byte>>& mappings) {
  const UniqueFd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!pagemap.valid()) return std::nullopt;
  uint64_t total = 0;
  for (const std::span<const std::byte> mapping : mappings) {
    const std::optional<uint64_t> bytes = ScanMapping(pagemap.get(), mapping);
    if (!bytes) return std::nullopt;
    total += *bytes;
  }
  return total;
}

// A header line of smaps, "START-END ...", in hexadecimal; other lines have no '-' after a number.
std::optional<uint64_t> MappingStart(std::string_view line) {
  uint64_t start = 0;
  const char* end = line.data() + line.size();
  const auto [stop, error] = std::from_chars(line.data(), end, start, 16);
  if (error != std::errc() || stop == end || *stop != '-') return std::nullopt;
  return start;
}

// The value of a "ShmemPmdMapped:    2048 kB" line; 0 for all other lines.
uint64_t ShmemPmdMapped(std::string_view line) {
  constexpr std::string_view kKey = "ShmemPmdMapped:";
  if (!line.starts_with(kKey)) return 0;
  line.remove_prefix(std::min(line.find_first_of("0123456789"), line.size()));
  uint64_t kilobytes = 0;
  std::from_chars(line.data(), line.data() + line.size(), kilobytes);
  return kilobytes * 1024;
}

uint64_t ReadSmaps(const std::vector<std::span<const std::byte>>& mappings) {
  std::set<uint64_t> starts;
  for (const auto& mapping : mappings) starts.insert(reinterpret_cast<uintptr_t>(mapping.data()));
  std::ifstream smaps("/proc/self/smaps");
  std::string line;
  bool ours = false;
  uint64_t total = 0;
  while (std::getline(smaps, line)) {
    if (const auto start = MappingStart(line)) ours = starts.contains(*start);
    if (ours) total += ShmemPmdMapped(line);
  }
  return total;
}

}  // namespace

uint64_t HugePageBytes(const std::vector<std::span<const std::byte>>& mappings) {
  const std::optional<uint64_t> scanned = ScanAll(mappings);
  return scanned ? *scanned : ReadSmaps(mappings);
}

}  // namespace grabfs
