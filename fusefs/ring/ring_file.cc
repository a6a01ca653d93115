// SPDX-License-Identifier: Apache-2.0
#include "fusefs/ring/ring_file.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <mutex>

namespace grabfs {
namespace {

// The four accesses of the protocol that decide about a hold, and those that decide about a sleep.
uint64_t Load(const uint64_t& word) { return __atomic_load_n(&word, __ATOMIC_SEQ_CST); }
void Store(uint64_t& word, uint64_t value) { __atomic_store_n(&word, value, __ATOMIC_SEQ_CST); }
// Plain fields, ordered by those accesses.
template <typename T>
void Set(T& field, T value) {
  __atomic_store_n(&field, value, __ATOMIC_RELEASE);
}

static_assert(__atomic_always_lock_free(sizeof(uint64_t), nullptr));

}  // namespace

size_t RingFile::Bytes(size_t slots) {
  return sizeof(grabfs_ring_header) + slots * sizeof(grabfs_ring_slot);
}

RingFile::RingFile(std::shared_ptr<void> memory, const Shape& shape, Numbers numbers)
    : memory_(std::move(memory)),
      numbers_(std::move(numbers)),
      header_(static_cast<grabfs_ring_header*>(memory_.get())),
      generations_(shape.inodes.size()),
      seen_held_(shape.inodes.size()),
      seen_in_word_(shape.inodes.size()) {
  const auto slots = static_cast<uint32_t>(shape.inodes.size());
  header_->version = GRABFS_RING_VERSION;
  header_->header_bytes = sizeof(grabfs_ring_header);
  header_->slot_bytes = sizeof(grabfs_ring_slot);
  header_->slots = slots;
  header_->ring = shape.ring;
  header_->fourcc = shape.fourcc;
  header_->width = shape.width;
  header_->height = shape.height;
  header_->stride = shape.stride;
  header_->frame_bytes = shape.frame_bytes;
  for (uint32_t slot = 0; slot < slots; ++slot) {
    Slot(slot).inode = shape.inodes[slot];
    SetGeneration(slot, grabfs_generation(0, slot, GRABFS_SLOT_NONE));
  }
  Set(header_->magic, GRABFS_RING_MAGIC);
}

grabfs_ring_slot& RingFile::Slot(uint32_t slot) const {
  auto* const first = static_cast<std::byte*>(memory_.get()) + sizeof(grabfs_ring_header);
  return reinterpret_cast<grabfs_ring_slot*>(first)[slot];
}

void RingFile::SetGeneration(uint32_t slot, uint64_t generation) {
  generations_[slot] = generation;
  Store(Slot(slot).generation, generation);
}

std::unique_ptr<RingFile::Reader> RingFile::AddReader(std::shared_ptr<void> page, uint32_t words) {
  assert(words > 0 && words <= GRABFS_HOLD_WORDS);
  auto* const fields = static_cast<grabfs_hold_page*>(page.get());
  fields->version = GRABFS_RING_VERSION;
  fields->words = words;
  fields->ring = header_->ring;
  Set(fields->magic, GRABFS_HOLD_PAGE_MAGIC);
  const std::lock_guard lock(mutex_);
  const uint64_t id = next_id_++;
  readers_.push_back({id, std::move(page), fields, words});
  return std::unique_ptr<Reader>(new Reader(shared_from_this(), id));
}

void RingFile::Remove(uint64_t id) {
  std::shared_ptr<void> last;  // unmapped without the lock
  const std::lock_guard lock(mutex_);
  const auto it = std::ranges::find(readers_, id, &Entry::id);
  last = std::move(it->memory);
  readers_.erase(it);
}

void RingFile::Wake() {
  const std::lock_guard lock(mutex_);
  for (const Entry& reader : readers_) {
    uint32_t& waiting = reader.page->waiting;
    if (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) == 0) continue;
    __atomic_store_n(&waiting, 0U, __ATOMIC_SEQ_CST);
    // Wakes one thread: a hostile reader may have very many asleep here, which would take long.
    (void)syscall(SYS_futex, &waiting, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
}

void RingFile::Look(const std::map<uint64_t, uint32_t>& named, size_t most) {
  ++look_;
  kept_.clear();
  {
    const std::lock_guard lock(mutex_);
    for (const Entry& reader : readers_) LookAt(reader, named);
  }
  std::ranges::sort(kept_);
  const auto twice = std::ranges::unique(kept_);
  kept_.erase(twice.begin(), twice.end());
  std::erase_if(kept_, [this](const Kept& kept) { return Held(kept.slot); });
  // If there are too many, the reader that is furthest behind loses its frames.
  const size_t excess = kept_.size() - std::min(kept_.size(), most);
  for (const Kept& kept : std::span(kept_).subspan(excess)) seen_held_[kept.slot] = look_;
}

// Reads the words before the cursor: a reader puts a frame into a word before it moves its cursor
// past it, so one of the two shows the frame.
void RingFile::LookAt(const Entry& reader, const std::map<uint64_t, uint32_t>& named) {
  words_.clear();
  for (uint32_t index = 0; index < reader.words; ++index) {
    const uint64_t word = Load(reader.page->held[index]);
    if (word == 0) continue;
    words_.push_back(word);
    const uint32_t slot = grabfs_generation_slot(word);
    if (slot >= generations_.size()) continue;
    const uint64_t generation = generations_[slot];
    if (grabfs_generation_state(generation) == GRABFS_SLOT_NONE) continue;
    if (grabfs_same_filling(word, generation)) NoteInWord(slot);
  }
  const uint64_t cursor = Load(reader.page->cursor);
  if (cursor != 0) KeepFrom(cursor - 1, reader.words - words_.size(), named);
}

void RingFile::NoteInWord(uint32_t slot) {
  seen_held_[slot] = look_;
  seen_in_word_[slot] = generations_[slot];
}

void RingFile::KeepFrom(uint64_t sequence, size_t count,
                        const std::map<uint64_t, uint32_t>& named) {
  for (auto it = named.lower_bound(sequence); it != named.end() && count > 0; ++it) {
    const uint32_t slot = it->second;
    const auto is_it = [this, slot](uint64_t word) {
      return grabfs_same_filling(word, generations_[slot]);
    };
    if (std::ranges::any_of(words_, is_it)) continue;
    kept_.push_back({it->first, slot});
    --count;
  }
}

bool RingFile::InAWord(uint64_t generation) const {
  return std::ranges::any_of(readers_, [generation](const Entry& reader) {
    const std::span words(reader.page->held, reader.words);
    return std::ranges::any_of(words, [generation](const uint64_t& word) {
      return grabfs_same_filling(Load(word), generation);
    });
  });
}

bool RingFile::Claim(uint32_t slot) {
  const uint64_t generation = generations_[slot];
  const grabfs_slot_state state = grabfs_generation_state(generation);
  if (state == GRABFS_SLOT_NONE) return true;
  if (state == GRABFS_SLOT_READY) {
    Store(Slot(slot).generation, generation | GRABFS_SLOT_UNDECIDED);
  }
  bool held = false;
  {
    // Readers that are added after this find the slot undecided.
    const std::lock_guard lock(mutex_);
    held = InAWord(generation);
  }
  if (held) {
    NoteInWord(slot);
    if (state == GRABFS_SLOT_READY) Store(Slot(slot).generation, generation);
    return false;
  }
  SetGeneration(slot, (generation & ~uint64_t{GRABFS_SLOT_UNLINKED}) | GRABFS_SLOT_NONE);
  return true;
}

void RingFile::Publish(uint32_t slot, const FrameInfo& info) {
  assert(grabfs_generation_state(generations_[slot]) == GRABFS_SLOT_NONE);
  grabfs_ring_slot& fields = Slot(slot);
  Set(fields.sequence, info.sequence);
  Set(fields.timestamp_ns, info.timestamp_ns);
  Set(fields.realtime_ns, info.realtime_ns);
  Set(fields.bytes_used, info.bytes_used);
  Set(fields.dropped, info.dropped);
  Set(fields.flags, info.flags);
  SetNext(info.sequence + 1);
  SetGeneration(slot, grabfs_generation(++*numbers_, slot, GRABFS_SLOT_READY));
}

bool RingFile::Unlink(uint32_t slot) {
  const uint64_t generation = generations_[slot];
  if (grabfs_generation_state(generation) == GRABFS_SLOT_READY) {
    SetGeneration(slot, generation | GRABFS_SLOT_UNLINKED);
  }
  return Claim(slot);
}

void RingFile::SetNewest(std::optional<uint32_t> slot) {
  if (superseded_) return;
  Store(header_->newest, slot ? generations_[*slot] : GRABFS_NEWEST_NONE);
}

void RingFile::Supersede() {
  superseded_ = true;
  Store(header_->newest, GRABFS_NEWEST_SUPERSEDED);
}

void RingFile::SetState(uint64_t state) { Store(header_->state, state); }

void RingFile::SetNext(uint64_t sequence) { Set(header_->next_sequence, sequence); }

void RingFile::CountFailed(uint64_t count) { SetNext(header_->next_sequence + count); }

void RingFile::CountDropped(uint64_t count) {
  CountFailed(count);
  Set(header_->dropped, header_->dropped + count);
}

}  // namespace grabfs
