// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/pool.h"

#include <iterator>
#include <span>
#include <utility>

#include "fusefs/base/huge_pages.h"

namespace grabfs {

namespace {

uint64_t InHugePages(const std::vector<std::shared_ptr<Memory>>& buffers) {
  std::vector<std::span<const std::byte>> mappings;
  mappings.reserve(buffers.size());
  for (const auto& buffer : buffers) mappings.emplace_back(buffer->bytes());
  return HugePageBytes(mappings);
}

}  // namespace

Pool::Pool(uint32_t generation_number, const FrameFormat& frame_format,
           std::vector<std::unique_ptr<Memory>> buffers, Policy policy,
           Ring::OnAvailable on_available)
    : generation(generation_number),
      format(frame_format),
      memory(std::make_move_iterator(buffers.begin()), std::make_move_iterator(buffers.end())),
      huge_page_bytes(InHugePages(memory)),
      notes(memory.size()),
      outdated(memory.size()),
      frame_attachments(memory.size()),
      live_attachments(memory.size()),
      ring(
          {.slots = static_cast<uint32_t>(memory.size()),
           .policy = policy,
           .probe = [this](uint32_t slot) { return memory[slot]->Probe() != Memory::Usage::kIdle; },
           .on_available = std::move(on_available)}) {}

}  // namespace grabfs
