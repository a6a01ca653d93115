// SPDX-License-Identifier: Apache-2.0
//
// ring, readers/ and the hold pages in it: frames without system calls (docs/ring.md). They exist
// only with passthrough, where readers can map the pages that the daemon writes.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "cli/lib/include/grabfs/ring.h"
#include "fusefs/vfs/kinds/table.h"

namespace grabfs {
namespace {

constexpr const char* kRingName = "ring";
constexpr const char* kReadersName = "readers";

bool HasRing(const Place& place) { return place.mount.pages_in_flight.passthrough(); }

uint64_t RingInode(const DeviceNode& node, const Pool& pool) {
  return Inode{node.number, NodeKind::kRing, pool.generation}.number();
}

Pool::SharedRing ShareRing(const DeviceNode& node, Pool& pool) {
  std::vector<uint64_t> inodes;
  inodes.reserve(pool.memory.size());
  for (uint32_t slot = 0; slot < pool.memory.size(); ++slot) {
    inodes.push_back(Inode::Buffer(node.number, pool.generation, slot).number());
  }
  return pool.ShareRing(RingInode(node, pool), std::move(inodes), node.device->ring_numbers());
}

class PagesFile : public OpenFile {
 public:
  PagesFile(std::unique_ptr<DeviceUse> use, std::shared_ptr<SharedPages> pages,
            std::shared_ptr<const void> owner, std::shared_ptr<void>* attachment)
      : use_(std::move(use)),
        pages_(std::move(pages)),
        backing_{std::move(owner), pages_->fd(), attachment} {}

  [[nodiscard]] bool uncached() const override { return false; }
  [[nodiscard]] const Backing* backing() const override { return &backing_; }
  void Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) override {
    reply(Window(pages_->bytes(), offset, size), nullptr);
  }
  void Write(uint64_t /*offset*/, std::span<const std::byte> /*data*/, bool /*writeback*/,
             WriteReply /*reply*/) override {
    throw Error(EPERM, "a hold page is written through its mapping only");
  }

 private:
  const std::unique_ptr<DeviceUse> use_;
  const std::shared_ptr<SharedPages> pages_;
  const Backing backing_;
};

// index: the generation of the pool that it shows
class RingKind final : public Kind {
 public:
  [[nodiscard]] Content content() const override { return Content::kPictures; }
  [[nodiscard]] Names names() const override { return {kRingName}; }
  [[nodiscard]] bool IsOn(const Device& device) const override { return !device.output(); }

  [[nodiscard]] Entry Find(const Place& place) const override {
    if (!HasRing(place)) ThrowNoSuchName(kRingName);
    return *Show(place);
  }
  // Another set of buffers has another ring under this name.
  [[nodiscard]] std::optional<Entry> Show(const Place& place) const override {
    if (!HasRing(place)) return std::nullopt;
    const uint32_t generation = place.node()->device->pool()->generation;
    return Entry{Stat(place.Other(NodeKind::kRing, generation)), kNotAtAll};
  }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    return FileAttr(place, 0444, RingFile::Bytes(PoolOf(place, *place.node())->memory.size()));
  }
  [[nodiscard]] bool IsPossible(const Place& place) const override {
    return HasRing(place) && IsOn(*place.node()->device);
  }

  std::unique_ptr<OpenFile> Open(const Place& place, int flags) const override {
    RequireReading(flags, kRingName);
    const NodePtr node = place.node();
    const auto pool = PoolOf(place, *node);
    if (pool != node->device->pool()) ThrowStale();
    const auto pages = ShareRing(*node, *pool).pages;
    return std::make_unique<PagesFile>(Use(place, node), pages, pool, &pool->ring_attachment);
  }

 private:
  static std::shared_ptr<Pool> PoolOf(const Place& place, const DeviceNode& node) {
    if (auto pool = node.device->pool(); pool->generation == place.inode.index) return pool;
    for (auto& pool : node.device->retired_pools()) {
      if (pool->generation == place.inode.index) return pool;
    }
    ThrowStale();
  }
};

class ReadersDirKind final : public DirectoryKind {
 public:
  [[nodiscard]] Content content() const override { return Content::kPictures; }
  [[nodiscard]] Names names() const override { return {kReadersName}; }
  [[nodiscard]] bool IsOn(const Device& device) const override { return !device.output(); }

  [[nodiscard]] Entry Find(const Place& place) const override {
    if (!HasRing(place)) ThrowNoSuchName(kReadersName);
    return DirectoryKind::Find(place);
  }
  [[nodiscard]] std::optional<Entry> Show(const Place& place) const override {
    if (!HasRing(place)) return std::nullopt;
    return DirectoryKind::Show(place);
  }

  [[nodiscard]] bool IsPossible(const Place& place) const override {
    return HasRing(place) && DirectoryKind::IsPossible(place);
  }

  // Whoever may read frames may make hold pages.
  [[nodiscard]] Attr Stat(const Place& place) const override {
    Attr attr = DirectoryKind::Stat(place);
    const mode_t readers = place.mount.options.modes.OfFile(content(), 0444);
    attr.stat.st_mode = S_IFDIR | readers | readers >> 1 | readers >> 2;
    return attr;
  }

  [[nodiscard]] Entry Lookup(const Place& /*place*/, const std::string& name) const override {
    ThrowNoSuchName(name);
  }
  void List(const Place& /*place*/, uint64_t /*offset*/, const Emit& /*emit*/) const override {}

  Entry Create(const Place& /*place*/, const std::string& name, mode_t /*mode*/) const override {
    throw Error(EPERM, name + ": hold pages have no names: open the directory with O_TMPFILE");
  }

  Opened CreateUnnamed(const Place& place, mode_t /*mode*/) const override {
    if (!HasRing(place)) throw Error(EOPNOTSUPP, "readers: no ring without passthrough");
    const NodePtr node = place.node();
    const auto page = Noting(*node->device, [&] { return MakePage(place, *node); });
    const Place file = place.Other(NodeKind::kHoldPage, place.mount.hold_pages.Add(page));
    return {Entry{KindOf(NodeKind::kHoldPage).Stat(file), kForever},
            std::make_unique<PagesFile>(Use(place, node), page->pages, page, &page->attachment)};
  }

 private:
  static std::shared_ptr<HoldPage> MakePage(const Place& place, const DeviceNode& node) {
    TakesTime();
    const auto pool = node.device->pool();
    const auto file = ShareRing(node, *pool).file;
    const size_t buffers = pool->memory.size();
    const auto most = static_cast<uint32_t>(std::clamp<size_t>(
        buffers - std::min<size_t>(buffers, Ring::kLeftToCapture), 1, GRABFS_HOLD_WORDS));
    auto share = place.mount.hold_limit.TakePage(pool, most, place.caller.uid);
    auto pages = SharedPages::Make(sizeof(grabfs_hold_page));
    auto reader = file->AddReader(std::shared_ptr<void>(pages, pages->bytes().data()), share.words);
    return std::make_shared<HoldPage>(HoldPage{.uid = place.caller.uid,
                                               .gid = place.caller.gid,
                                               .share = std::move(share),
                                               .pages = std::move(pages),
                                               .reader = std::move(reader),
                                               .attachment = nullptr});
  }
};

// index: see HoldPages
class HoldPageKind final : public Kind {
 public:
  [[nodiscard]] Attr Stat(const Place& place) const override {
    const auto page = PageOf(place);
    Attr attr = FileAttr(place, 0600, sizeof(grabfs_hold_page));
    attr.stat.st_uid = page->uid;
    attr.stat.st_gid = page->gid;
    attr.stat.st_nlink = 0;
    return attr;
  }

  // A page is its maker's, and has no name either.
  [[nodiscard]] bool IsPossible(const Place& /*place*/) const override { return false; }

  // Again, through /proc/PID/fd.
  std::unique_ptr<OpenFile> Open(const Place& place, int /*flags*/) const override {
    const auto page = PageOf(place);
    return std::make_unique<PagesFile>(Use(place, place.node()), page->pages, page,
                                       &page->attachment);
  }

 private:
  static std::shared_ptr<HoldPage> PageOf(const Place& place) {
    auto page = place.mount.hold_pages.Find(place.inode.index);
    if (!page) ThrowStale();
    return page;
  }
};

}  // namespace

const Kind& kinds::Ring() { return The<RingKind>(); }
const Kind& kinds::ReadersDir() { return The<ReadersDirKind>(); }
const Kind& kinds::HoldPage() { return The<HoldPageKind>(); }

}  // namespace grabfs
