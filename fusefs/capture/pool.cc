// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/pool.h"

#include <algorithm>
#include <iterator>
#include <mutex>
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
           Ring::OnAvailable on_available, OnRenew on_renew)
    : generation(generation_number),
      format(frame_format),
      memory(std::make_move_iterator(buffers.begin()), std::make_move_iterator(buffers.end())),
      sees_pages(std::ranges::all_of(memory, [](const auto& m) { return m->SeesPages(); })),
      notes(memory.size()),
      writers(memory.size()),
      followers(memory.size()),
      outdated(memory.size()),
      frame_attachments(memory.size()),
      live_attachments(memory.size()),
      huge_page_bytes(InHugePages(memory)),
      ring({.slots = static_cast<uint32_t>(memory.size()),
            .policy = policy,
            .probe = [this](uint32_t slot) { return MayBeUsed(slot); },
            .on_available = std::move(on_available),
            .on_renew = [this](uint32_t slot) { on_renew_(shared_from_this(), slot); }}),
      on_renew_(std::move(on_renew)) {}

bool Pool::MayBeUsed(uint32_t slot) {
  Memory& of_slot = *memory[slot];
  // Where both are one file, a probe would find the followers and answer kUnclear anyway.
  if (followers[slot] > 0 && of_slot.live_fd() == of_slot.frame_fd()) return true;
  return of_slot.Probe() != Memory::Usage::kIdle;
}

bool Pool::MayBeWritten(uint32_t slot) const {
  return writers[slot] > 0 || (notes[slot] & kBufferWriters) != 0;
}

Pool::SharedRing Pool::ShareRing(uint64_t inode, std::vector<uint64_t> buffer_inodes,
                                 const RingFile::Numbers& numbers) {
  {
    const std::lock_guard lock(mutex_);
    if (shared_ring_.file) return shared_ring_;
  }
  TakesTime();
  auto pages = SharedPages::Make(RingFile::Bytes(memory.size()));
  const std::shared_ptr<void> bytes(pages, pages->bytes().data());
  auto file = std::make_shared<RingFile>(bytes,
                                         RingFile::Shape{.ring = inode,
                                                         .fourcc = format.fourcc,
                                                         .width = format.width,
                                                         .height = format.height,
                                                         .stride = format.stride,
                                                         .frame_bytes = format.bytes,
                                                         .inodes = std::move(buffer_inodes)},
                                         numbers);
  const std::lock_guard lock(mutex_);
  if (!shared_ring_.file) {
    ring.Share(file);
    shared_ring_ = {std::move(pages), std::move(file)};
  }
  return shared_ring_;
}

bool Pool::RenewNow(uint32_t slot) {
  Memory& buffer = *memory[slot];
  const bool wanted = !MayBeWritten(slot);
  const uint64_t before = wanted ? HugePageBytes({buffer.bytes()}) : 0;
  // Checked again: whoever opened it for writing meanwhile may have pinned the old pages.
  if (!wanted || !buffer.Renew() || MayBeWritten(slot)) {
    ring.PutAside(slot);
    return false;
  }
  huge_page_bytes += HugePageBytes({buffer.bytes()}) - before;
  ++renewed;
  ring.Renewed(slot);
  return true;
}

}  // namespace grabfs
