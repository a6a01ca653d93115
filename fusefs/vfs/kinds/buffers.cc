// SPDX-License-Identifier: Apache-2.0
//
// buffers/: the buffers by slot, their memory live. An open file holds nothing; a lock (flock)
// holds the buffer.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fusefs/vfs/kinds/frame.h"
#include "fusefs/vfs/kinds/table.h"
#include "fusefs/vfs/names.h"

namespace grabfs {
namespace {

class BufferFile final : public OpenFile {
 public:
  // `writes`: it is open for writing.
  BufferFile(std::unique_ptr<DeviceUse> use, std::shared_ptr<Pool> pool, uint32_t slot, bool writes)
      : use_(std::move(use)),
        pool_(std::move(pool)),
        slot_(slot),
        writes_(writes),
        backing_{pool_, pool_->memory[slot_]->live_fd(), &pool_->live_attachments[slot_]} {
    ++pool_->followers[slot_];
    (void)pool_->ring.At(slot_);  // locks the ring's mutex: a probe under way has ended
    if (!writes_) return;
    ++pool_->writers[slot_];
    pool_->notes[slot_] |= Pool::kBufferWriters;
  }
  ~BufferFile() override {
    if (writes_) --pool_->writers[slot_];
    --pool_->followers[slot_];
  }

  [[nodiscard]] bool uncached() const override { return false; }
  // With passthrough, msync() goes to the backing file and not to the daemon. So an output device
  // may use passthrough only if it notices writes itself.
  [[nodiscard]] const Backing* backing() const override {
    const Device& device = use_->device();
    return !device.output() || device.sees_writes() ? &backing_ : nullptr;
  }

  void Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) override {
    pool_->outdated[slot_].Read(offset, size);
    reply(Window(pool_->memory[slot_]->bytes(), offset, size), nullptr);
  }

  void Write(uint64_t offset, std::span<const std::byte> data, bool writeback,
             WriteReply reply) override {
    if (data.empty()) return reply(0, nullptr);
    const auto bytes = pool_->memory[slot_]->bytes();
    if (offset >= bytes.size()) {
      throw Error(ENOSPC, "write past the end of a buffer of " + std::to_string(bytes.size()) +
                              " bytes: buffers do not grow");
    }
    const size_t count = std::min<uint64_t>(data.size(), bytes.size() - offset);
    Put(offset, data.first(count), writeback);
    if (use_->device().output()) pool_->notes[slot_] |= Pool::kBufferDirty;
    reply(count, nullptr);
  }

  void Sync(SyncReply reply) override {
    Device& device = use_->device();
    if (!device.output()) return reply(nullptr);
    device.Output(pool_, slot_, device.sees_writes(), std::move(reply));
  }

 private:
  void Put(uint64_t offset, std::span<const std::byte> data, bool writeback) {
    const auto put = [bytes = pool_->memory[slot_]->bytes()](uint64_t place,
                                                             std::span<const std::byte> part) {
      std::memcpy(bytes.data() + place, part.data(), part.size());
    };
    OutdatedPages& outdated = pool_->outdated[slot_];
    if (!writeback) {
      outdated.Written(offset, data.size());
      put(offset, data);
    } else if (!pool_->ring.Filling(slot_)) {
      // A page that a mapping dirtied before this capture must not overwrite the new frame.
      outdated.WriteBack(offset, data, put);
    }
  }

  const std::unique_ptr<DeviceUse> use_;
  const std::shared_ptr<Pool> pool_;
  const uint32_t slot_;
  const bool writes_;
  const Backing backing_;
};

// The pool that the buffer is in; nullptr: gone.
std::shared_ptr<Pool> FindPool(const Place& place, const DeviceNode& node) {
  const auto has = [&place](const Pool& pool) {
    return pool.generation == place.inode.generation() && place.inode.slot() < pool.memory.size();
  };
  if (auto pool = node.device->pool(); has(*pool)) return pool;
  for (auto& pool : node.device->retired_pools()) {
    if (has(*pool)) return pool;
  }
  return nullptr;
}

std::shared_ptr<Pool> PoolOf(const Place& place, const DeviceNode& node) {
  auto pool = FindPool(place, node);
  if (!pool) ThrowStale();
  return pool;
}

class BufferKind final : public KindWithFrame {
 public:
  [[nodiscard]] Attr Stat(const Place& place) const override {
    const auto pool = PoolOf(place, *place.node());
    const uint32_t slot = place.inode.slot();
    // Sets the bit before it reads the ring: a frame that completes in between then invalidates
    // this.
    pool->notes[slot] |= Pool::kBufferAttrKnown;
    Attr attr = FileAttr(place, 0644, pool->format.bytes, kForever);
    if (const auto info = pool->ring.At(slot)) SetTimes(attr, info->realtime_ns);
    SetBlocks(attr, pool->format.bytes);
    return attr;
  }
  // Stat() knows which there are.
  [[nodiscard]] bool IsPossible(const Place& /*place*/) const override { return true; }

  std::unique_ptr<OpenFile> Open(const Place& place, int flags) const override {
    const NodePtr node = place.node();
    const uint32_t slot = place.inode.slot();
    auto pool = PoolOf(place, *node);
    if (pool != node->device->pool()) ThrowStale();
    pool->notes[slot] |= Pool::kBufferPagesKnown;
    if (node->device->output()) place.mount.kernel->WakeHousekeeper();
    return std::make_unique<BufferFile>(Use(place, node), std::move(pool), slot, Writes(flags));
  }

  [[nodiscard]] LockTerms Locking(const Place& place) const override {
    const NodePtr node = place.node();
    const auto pool = PoolOf(place, *node);
    const uint32_t slot = place.inode.slot();
    LockTerms terms;
    terms.share = Noting(*node->device, [&] {
      return place.mount.hold_limit.TakeBuffer(pool, slot, place.caller.uid);
    });
    // While the device captures, a lock is granted on a complete frame. So a renewed, still empty
    // slot is not locked: its next frame will come.
    terms.hold.acquire = [node, pool, slot] {
      const bool to_be_filled = pool->ring.AwaitsFrame(slot) && node->device->state().capturing();
      return !to_be_filled && pool->ring.HoldSlot(slot);
    };
    // A frame of the slot that was closed during the lock may be mapped: have the housekeeper look.
    terms.hold.release = [&mount = place.mount, device = node->number, pool, slot] {
      if (!mount.pages_in_flight.Collect(device, *pool)) pool->ring.SlotInFlight(slot);
      pool->ring.Release(slot, false);
      mount.kernel->WakeHousekeeper();
    };
    return terms;
  }

  [[nodiscard]] std::optional<FormatAndInfo> FrameIn(const Place& place) const override {
    const auto pool = FindPool(place, *place.node());
    const auto info = pool ? pool->ring.At(place.inode.slot()) : std::nullopt;
    return info ? std::optional(FormatAndInfo(pool->format, *info)) : std::nullopt;
  }
};

class BuffersDirKind final : public DirectoryKind {
 public:
  [[nodiscard]] Content content() const override { return Content::kPictures; }
  [[nodiscard]] Names names() const override { return {std::string(kBuffersName)}; }

  [[nodiscard]] Entry Lookup(const Place& place, const std::string& name) const override {
    const auto slot = ParseBufferName(name);
    const NodePtr node = place.node();
    const auto pool = node->device->pool();
    if (!slot || *slot >= pool->memory.size()) ThrowNoSuchName(name);
    return EntryOf(place, *node, *pool, *slot);
  }

  void List(const Place& place, uint64_t offset, const Emit& emit) const override {
    const NodePtr node = place.node();
    for (uint64_t i = offset;; ++i) {
      const auto pool = node->device->pool();
      if (i >= pool->memory.size()) return;
      const auto slot = static_cast<uint32_t>(i);
      if (!emit(BufferName(slot), EntryOf(place, *node, *pool, slot), i + 1)) return;
    }
  }

 private:
  static Entry EntryOf(const Place& place, const DeviceNode& node, Pool& pool, uint32_t slot) {
    pool.notes[slot] |= Pool::kBufferNameKnown;
    const Place buffer{place.mount, node.OfBuffer(pool, slot)};
    return {buffer.kind().Stat(buffer), kBriefly};
  }
};

}  // namespace

const Kind& kinds::Buffer() { return The<BufferKind>(); }

const Kind& kinds::BuffersDir() { return The<BuffersDirKind>(); }

}  // namespace grabfs
