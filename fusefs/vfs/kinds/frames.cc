// SPDX-License-Identifier: Apache-2.0
//
// frames/: every complete frame that is still in a buffer, by its sequence number; and latest.raw,
// which is the newest of them.
#include "fusefs/vfs/kinds/frame.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include <array>

#include "fusefs/vfs/kernel_caches.h"
#include "fusefs/vfs/kinds/table.h"
#include "fusefs/vfs/names.h"
#include "fusefs/vfs/xattr.h"

namespace grabfs {
namespace {

// O_LARGEFILE of the kernel on x86 and on arm64, which it adds to most opens.
constexpr int kLargeFile = 0100000 | 0400000;
// All flags that programs use, except O_NOATIME: with that the kernel opens files for itself
// (overlayfs), and then fanotify does not report reads.
constexpr int kOrdinaryFlags = O_ACCMODE | O_APPEND | O_ASYNC | O_CLOEXEC | O_CREAT | O_DIRECT |
                               O_DSYNC | O_EXCL | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_SYNC |
                               O_TRUNC | kLargeFile;

// What the device says about a frame, and the attribute that the file of its memory has of it.
constexpr char kChunk[] = "user.grabfs.chunk";
constexpr char kChunkOfMemory[] = "user.grabdma.chunk";
constexpr size_t kMaxChunk = 4096;

// Whether fanotify reports reads through a file that was opened with these flags.
bool AccessIsReported(int flags) { return (flags & ~kOrdinaryFlags) == 0; }

// An open frame: it holds its slot.
class FrameFile final : public OpenFile {
 public:
  FrameFile(const Place& place, const NodePtr& node, FrameOpening opening)
      : mount_(place.mount),
        use_(Use(place, node)),
        device_(node->number),
        pool_(std::move(opening.pool)),
        frame_(opening.frame),
        share_(std::move(opening.share)),
        backing_{pool_, pool_->memory[frame_.slot]->frame_fd(),
                 &pool_->frame_attachments[frame_.slot]} {}

  ~FrameFile() override {
    if (direct_ && !mount_.pages_in_flight.Collect(device_, *pool_)) {
      pool_->ring.InFlight(frame_.info.sequence);
    }
    pool_->ring.Release(frame_.slot, direct_);
    if (!direct_) return;
    if (share_) share_->MayBeMapped();
    mount_.kernel->WakeHousekeeper();
  }

  [[nodiscard]] bool uncached() const override { return false; }
  // The backing file has the size of the buffer: a shorter frame must be read through the daemon.
  [[nodiscard]] const Backing* backing() const override {
    return frame_.info.bytes_used == pool_->format.bytes ? &backing_ : nullptr;
  }
  void UsesBackingDirectly() override { direct_ = true; }

  void Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) override {
    const auto bytes = pool_->memory[frame_.slot]->bytes().first(frame_.info.bytes_used);
    reply(Window(bytes, offset, size), nullptr);
  }

 private:
  Mount& mount_;
  const std::unique_ptr<DeviceUse> use_;
  const uint32_t device_;
  const std::shared_ptr<Pool> pool_;
  const Ring::Frame frame_;
  const std::unique_ptr<HoldLimit::Share> share_;
  const Backing backing_;
  bool direct_ = false;
};

// What the caller is announcing of a frame (see Kernel).
Kernel::Announcement AnnouncementOf(const Place& place, uint64_t sequence) {
  const Inode frame{place.inode.device, NodeKind::kFrame, sequence};
  return place.mount.kernel->AnnouncementBy(place.caller.pid, frame.number());
}

// A frame that is open to be announced. Nobody reads or writes it, but it uses the same data path
// as all that are open, which the kernel insists on.
class AnnouncedFrame final : public OpenFile {
 public:
  explicit AnnouncedFrame(FrameOpening opening)
      : opening_(std::move(opening)),
        backing_{opening_.pool, opening_.pool->memory[slot()]->frame_fd(),
                 &opening_.pool->frame_attachments[slot()]} {}
  ~AnnouncedFrame() override { opening_.pool->ring.Release(slot(), false); }

  [[nodiscard]] bool uncached() const override { return true; }
  [[nodiscard]] const Backing* backing() const override {
    const Pool& pool = *opening_.pool;
    return opening_.frame.info.bytes_used == pool.format.bytes ? &backing_ : nullptr;
  }
  void Read(uint64_t /*offset*/, size_t /*size*/, bool /*wait*/, ReadReply /*reply*/) override {
    throw Error(EACCES, "a frame that is being announced is not read");
  }

 private:
  [[nodiscard]] uint32_t slot() const { return opening_.frame.slot; }

  const FrameOpening opening_;
  const Backing backing_;
};

class FrameKind final : public KindWithFrame {
 public:
  [[nodiscard]] Names names() const override { return {LatestName(kRaw)}; }

  [[nodiscard]] Entry Find(const Place& place) const override {
    const auto newest = FindNewest(place);
    if (!newest) ThrowNoSuchName(LatestName(kRaw));
    return EntryOf(place, *newest);
  }

  [[nodiscard]] std::optional<Entry> Show(const Place& place) const override {
    const auto newest = ShowNewest(place);
    return newest ? std::optional(EntryOf(place, *newest)) : std::nullopt;
  }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    const FrameInfo info = GetFrame(place, place.inode.index).second;
    return FrameAttr(place, info, info.bytes_used);
  }
  // Stat() knows which there are.
  [[nodiscard]] bool IsPossible(const Place& /*place*/) const override { return true; }

  std::unique_ptr<OpenFile> Open(const Place& place, int flags) const override {
    const NodePtr node = place.node();
    const uint64_t sequence = place.inode.index;
    if (AnnouncementOf(place, sequence) == Kernel::Announcement::kMade) {
      return std::make_unique<AnnouncedFrame>(HoldForOpen(place, *node, sequence));
    }
    if (Writes(flags)) throw Error(EACCES, "frames are read-only");
    FrameOpening opening = HoldForOpen(place, *node, sequence);
    if (place.mount.pages_in_flight.NeedsWatch(*opening.pool) && !AccessIsReported(flags)) {
      opening.pool->ring.InFlight(sequence);
    }
    return std::make_unique<FrameFile>(place, node, std::move(opening));
  }

  [[nodiscard]] std::optional<FormatAndInfo> FrameIn(const Place& place) const override {
    return FindFrame(place, place.inode.index);
  }

 private:
  static Entry EntryOf(const Place& place, const NewestFrame& newest) {
    const Place frame = place.Other(NodeKind::kFrame, newest.info.sequence);
    return {FrameAttr(frame, newest.info, newest.info.bytes_used), kNotAtAll};
  }
};

// nullopt: there is no such frame in the pool.
std::optional<FrameOpening> TryHold(const Place& place, const std::shared_ptr<Pool>& pool,
                                    uint64_t sequence) {
  if (!pool->ring.Find(sequence)) return std::nullopt;
  auto share = place.mount.hold_limit.TakeFrame(pool, sequence, place.caller.uid);
  const auto frame = pool->ring.Hold(sequence);
  if (!frame) return std::nullopt;
  return FrameOpening{pool, *frame, std::move(share)};
}

// Looks into earlier pools only if necessary, because an open should be quick.
std::optional<FrameOpening> TryHoldAny(const Place& place, const Device& device,
                                       uint64_t sequence) {
  if (auto opening = TryHold(place, device.pool(), sequence)) return opening;
  for (const auto& pool : device.retired_pools()) {
    if (auto opening = TryHold(place, pool, sequence)) return opening;
  }
  return std::nullopt;
}

class FramesDirKind final : public DirectoryKind {
 public:
  [[nodiscard]] Content content() const override { return Content::kPictures; }
  [[nodiscard]] Names names() const override { return {std::string(kFramesName)}; }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    const NodePtr node = place.node();
    // Set before the times are read, so that a name that appears in between invalidates them.
    node->frames_time_known = true;
    return FramesDirAttr(place, *node);
  }

  [[nodiscard]] Entry Lookup(const Place& place, const std::string& name) const override {
    const auto sequence = ParseFrameName(name);
    if (!sequence) ThrowNoSuchName(name);
    switch (AnnouncementOf(place, *sequence)) {
      case Kernel::Announcement::kMade:
        ThrowNoSuchName(name);
      case Kernel::Announcement::kGone:
        return GoneEntry(place, *sequence);
      case Kernel::Announcement::kNone:
        break;
    }
    return FindName(place, *sequence, name);
  }

  Entry Create(const Place& place, const std::string& name, mode_t mode) const override {
    const auto sequence = ParseFrameName(name);
    if (!sequence || AnnouncementOf(place, *sequence) != Kernel::Announcement::kMade) {
      return DirectoryKind::Create(place, name, mode);
    }
    return FindName(place, *sequence, name);
  }

  // The offset is the next sequence number to show: it stays right while frames come and go.
  void List(const Place& place, uint64_t offset, const Emit& emit) const override {
    const NodePtr node = place.node();
    const auto pool = node->device->pool();
    for (auto frame = pool->ring.NextFrom(offset); frame;
         frame = pool->ring.NextFrom(frame->info.sequence + 1)) {
      const uint64_t sequence = frame->info.sequence;
      pool->notes[frame->slot] |= Pool::kFrameNameKnown;
      if (!emit(FrameName(sequence), EntryOf(place, *node, frame->info), sequence + 1)) return;
    }
  }

  void Unlink(const Place& place, const std::string& name) const override {
    const auto sequence = ParseFrameName(name);
    const NodePtr node = place.node();
    if (sequence && AnnouncementOf(place, *sequence) == Kernel::Announcement::kGone) return;
    if (!sequence || !node->device->Unlink(*sequence)) ThrowNoSuchName(name);
    KernelCaches::FramesChanged(*place.mount.kernel, *node);
    KernelCaches::Announce(*place.mount.kernel, *node, *sequence, Kernel::Announcement::kNone);
  }

 private:
  // Who has the frame open still needs its attributes.
  static Entry GoneEntry(const Place& place, uint64_t sequence) {
    const auto frame = FindFrame(place, sequence);
    const FrameInfo info = frame ? frame->second : FrameInfo{};
    return {FrameAttr(place.Other(NodeKind::kFrame, sequence), info, info.bytes_used), kNotAtAll};
  }
  static Entry FindName(const Place& place, uint64_t sequence, const std::string& name) {
    const NodePtr node = place.node();
    const auto pool = node->device->pool();
    // The bit is set before the last look, so that the name cannot go in between without an
    // invalidation.
    const auto seen = pool->ring.NextFrom(sequence);
    if (!seen || seen->info.sequence != sequence) ThrowNoSuchName(name);
    pool->notes[seen->slot] |= Pool::kFrameNameKnown;
    if (!pool->ring.Named(sequence)) ThrowNoSuchName(name);
    return EntryOf(place, *node, seen->info);
  }

  static Entry EntryOf(const Place& place, const DeviceNode& node, const FrameInfo& info) {
    const Place frame = place.Other(NodeKind::kFrame, info.sequence);
    // The process that announces frames can make a name that was looked up only if the kernel asks
    // again.
    const double timeout = node.device->announces() ? kNotAtAll : kBriefly;
    return {FrameAttr(frame, info, info.bytes_used), timeout};
  }
};

}  // namespace

const Kind& kinds::Frame() { return The<FrameKind>(); }

Attr FrameAttr(const Place& place, const FrameInfo& info, uint64_t bytes) {
  Attr attr = FileAttr(place, 0444, bytes, kForever);
  SetTimes(attr, info.realtime_ns);
  SetBlocks(attr, bytes);
  return attr;
}

std::optional<FormatAndInfo> FindFrame(const Place& place, uint64_t sequence) {
  for (const auto& pool : place.node()->Pools()) {
    if (const auto frame = pool->ring.Find(sequence)) {
      return FormatAndInfo(pool->format, frame->info);
    }
  }
  return std::nullopt;
}

FormatAndInfo GetFrame(const Place& place, uint64_t sequence) {
  const auto frame = FindFrame(place, sequence);
  if (!frame) {
    place.node()->lookup_holds.FrameWasGone();
    ThrowStale();
  }
  return *frame;
}

namespace {

// What the device says about a frame beside the pixels, in its own format. The file of memory that
// a device of grabdma fills has it as an attribute of its own, which changes with each frame.
std::optional<std::string> FrameChunk(const Place& place, uint64_t sequence) {
  for (const auto& pool : place.node()->Pools()) {
    const auto frame = pool->ring.Find(sequence);
    if (!frame) continue;
    std::array<char, kMaxChunk> chunk;
    const ssize_t length = ::fgetxattr(pool->memory[frame->slot]->frame_fd(), kChunkOfMemory,
                                       chunk.data(), chunk.size());
    const bool still_there = pool->ring.Find(sequence).has_value();
    if (length < 0 || !still_there) return std::nullopt;
    return std::string(chunk.data(), static_cast<size_t>(length));
  }
  return std::nullopt;
}

}  // namespace

std::string KindWithFrame::XattrNames(const Place& place) const {
  const auto frame = FrameIn(place);
  if (!frame) return {};
  std::string names = FrameXattrNames(frame->first, frame->second);
  if (FrameChunk(place, frame->second.sequence)) names.append(kChunk).push_back('\0');
  return names;
}

std::optional<std::string> KindWithFrame::Xattr(const Place& place, std::string_view name) const {
  if (!name.starts_with("user.grabfs.")) return std::nullopt;
  const auto frame = FrameIn(place);
  if (!frame) return std::nullopt;
  if (name == kChunk) return FrameChunk(place, frame->second.sequence);
  return FrameXattr(name, frame->first, frame->second);
}

std::optional<NewestFrame> FindNewest(const Place& place) {
  const NodePtr node = place.node();
  if (node->device->gone()) {
    throw Error(ENODEV, node->device->name() + ": the device has been unplugged");
  }
  if (!node->lookup_holds.Wanted()) return ShowNewest(place);
  auto pool = node->device->pool();
  const auto newest = node->lookup_holds.HoldNewest(pool, place.caller.pid);
  place.mount.kernel->WakeHousekeeper();
  if (!newest) return std::nullopt;
  return NewestFrame{std::move(pool), newest->info};
}

std::optional<NewestFrame> ShowNewest(const Place& place) {
  const NodePtr node = place.node();
  if (node->device->gone()) return std::nullopt;
  auto pool = node->device->pool();
  const auto newest = pool->ring.Newest();
  if (!newest) return std::nullopt;
  return NewestFrame{std::move(pool), newest->info};
}

FrameOpening HoldForOpen(const Place& place, DeviceNode& node, uint64_t sequence) {
  auto opening = Noting(*node.device, [&] { return TryHoldAny(place, *node.device, sequence); });
  if (!opening) {
    node.lookup_holds.FrameWasGone();
    ThrowStale();
  }
  if (node.lookup_holds.Wanted())
    node.lookup_holds.Opened(*opening->pool, sequence, place.caller.pid);
  return std::move(*opening);
}

FrameStreams::Permit PermitFor(const Place& place) {
  return [&mount = place.mount, user = place.caller.uid](const auto& pool, uint64_t sequence) {
    return std::shared_ptr<void>(mount.hold_limit.TakeFrame(pool, sequence, user));
  };
}

const Kind& kinds::FramesDir() { return The<FramesDirKind>(); }

Attr FramesDirAttr(const Place& place, const DeviceNode& node) {
  Attr attr = DirAttr(place, 0);
  const timespec accessed = attr.stat.st_atim;
  if (const uint64_t changed = node.device->names_changed_ns()) SetTimes(attr, changed);
  attr.stat.st_atim = accessed;
  return attr;
}

}  // namespace grabfs
