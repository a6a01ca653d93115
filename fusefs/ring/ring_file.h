// SPDX-License-Identifier: Apache-2.0
//
// The daemon's side of docs/ring.md: a ring that readers map, their hold pages, and the two passes
// that make sure that nobody holds a frame before its slot is filled. It works on memory that it is
// given, and knows neither files nor FUSE nor devices. The Ring decides what is in the slots.
//
// Readers may write anything into their pages at any time. The daemon reads only the words, the
// cursor and `waiting` of a page, each once for each decision. It never uses a value from there as
// an address, and as an index only after a check.
//
// Threads: the functions for a Ring are called with the Ring's mutex held; the others by any
// thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "cli/lib/include/grabfs/ring.h"
#include "fusefs/base/mutex.h"
#include "fusefs/ring/frame_info.h"

namespace grabfs {

class RingFile : public std::enable_shared_from_this<RingFile> {
 public:
  struct Shape {
    uint64_t ring = 0;  // inode number of the file
    uint32_t fourcc = 0;
    uint32_t width = 0;
    uint32_t height = 0;
    uint32_t stride = 0;
    uint64_t frame_bytes = 0;
    std::vector<uint64_t> inodes = {};  // of the buffers' files, by slot
  };
  // The number of the last filling of any slot, shared by all rings of a device.
  using Numbers = std::shared_ptr<std::atomic<uint64_t>>;

  [[nodiscard]] static size_t Bytes(size_t slots);

  // `memory`: zeroed, Bytes() long, aligned to cache lines. Readers see a ring without frames at
  // first.
  RingFile(std::shared_ptr<void> memory, const Shape& shape, Numbers numbers);
  RingFile(const RingFile&) = delete;
  RingFile& operator=(const RingFile&) = delete;

  // --- Readers: any thread.

  // A registered reader. Its destructor ends all holds of its page.
  class Reader;
  // `page`: zeroed, sizeof(grabfs_hold_page) long. The caller hands it to the reader only after
  // this returns. `words`: how many words it may use, 1 to GRABFS_HOLD_WORDS.
  std::unique_ptr<Reader> AddReader(std::shared_ptr<void> page, uint32_t words);
  // Wakes the readers whose pages say that they wait.
  void Wake();

  // --- For a Ring.

  // The first pass: finds out which slots are held. `named`: the frames by sequence number. Cursors
  // of lossless readers hold at most `most` frames that are in no word.
  void Look(const std::map<uint64_t, uint32_t>& named, size_t most);
  // The result of the last Look(), or of a Claim() since.
  [[nodiscard]] bool Held(uint32_t slot) const { return seen_held_[slot] == look_; }
  // A pass has found the frame that is, or was last, in the slot in a word.
  [[nodiscard]] bool WasHeld(uint32_t slot) const {
    return grabfs_same_filling(seen_in_word_[slot], generations_[slot]) != 0;
  }
  // The second pass: takes the slot from all readers, so that none can hold it any more. False:
  // somebody holds it, and nothing has changed.
  bool Claim(uint32_t slot);
  // Publishes a complete frame in a slot that was claimed, or never published.
  void Publish(uint32_t slot, const FrameInfo& info);
  // From now on nobody can begin to hold the frame in it. True: nobody holds it now, and the slot
  // is claimed.
  bool Unlink(uint32_t slot);
  // The slot of the newest frame, which must be published; nullopt: there is none.
  void SetNewest(std::optional<uint32_t> slot);
  // No more frames will come here: the device has another ring.
  void Supersede();
  void SetState(uint64_t state);  // GRABFS_STATE_*
  // All frames with lower numbers were published or lost.
  void SetNext(uint64_t sequence);
  // `count` more frames were lost: because no buffer was free, or for another reason.
  void CountDropped(uint64_t count);
  void CountFailed(uint64_t count);

 private:
  struct Entry {
    uint64_t id;
    std::shared_ptr<void> memory;
    grabfs_hold_page* page;
    uint32_t words;
  };
  using Words = std::vector<uint64_t>;
  struct Kept {
    uint64_t sequence;
    uint32_t slot;
    auto operator<=>(const Kept&) const = default;
  };

  [[nodiscard]] grabfs_ring_slot& Slot(uint32_t slot) const;
  void SetGeneration(uint32_t slot, uint64_t generation);
  void Remove(uint64_t id);
  // These expect mutex_ to be held.
  [[nodiscard]] bool InAWord(uint64_t generation) const;
  void LookAt(const Entry& reader, const std::map<uint64_t, uint32_t>& named);
  void NoteInWord(uint32_t slot);
  void KeepFrom(uint64_t sequence, size_t count, const std::map<uint64_t, uint32_t>& named);

  const std::shared_ptr<void> memory_;
  const Numbers numbers_;
  grabfs_ring_header* const header_;
  std::vector<uint64_t> generations_;  // as they were published last, by slot
  uint64_t look_ = 1;
  std::vector<uint64_t> seen_held_;     // by slot: the look that found it held
  std::vector<uint64_t> seen_in_word_;  // by slot: the last generation that was found in a word
  std::vector<Kept> kept_;              // by cursors, in this look
  Words words_;                         // of one reader, in this look
  bool superseded_ = false;

  mutable Mutex mutex_;  // guards the two below, during a whole pass; leaf, after Ring's
  std::vector<Entry> readers_;
  uint64_t next_id_ = 0;
};

class RingFile::Reader {
 public:
  ~Reader() { file_->Remove(id_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

 private:
  friend class RingFile;
  Reader(std::shared_ptr<RingFile> file, uint64_t id) : file_(std::move(file)), id_(id) {}

  const std::shared_ptr<RingFile> file_;
  const uint64_t id_;
};

}  // namespace grabfs
