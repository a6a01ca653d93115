// SPDX-License-Identifier: Apache-2.0
//
// The three ways, and finding out which of them a device goes.
#include "fusefs/source/v4l2_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/source/udmabuf.h"

namespace grabfs {
namespace {

// As many as every driver takes (VIDEO_MAX_FRAME).
constexpr size_t kMostIndices = 32;
// For memory that is lent beside the bound buffers.
constexpr size_t kSpareIndices = 2;
// Of the driver's own, where frames are copied: they bridge the time between two looks.
constexpr uint32_t kOwnBuffers = 4;
// How often a driver may refuse to queue one buffer before it is given up, and the time between.
constexpr uint32_t kMostRefusals = 4;
constexpr uint64_t kRefusalPauseNs = kNsPerSecond / 10;

constexpr struct {
  V4l2Path path;
  std::string_view name;
  uint32_t memory;
} kPaths[] = {
    {V4l2Path::kUserptr, "userptr", V4L2_MEMORY_USERPTR},
    {V4l2Path::kDmabuf, "dmabuf", V4L2_MEMORY_DMABUF},
    {V4l2Path::kMmap, "mmap", V4L2_MEMORY_MMAP},
};

uint32_t MemoryOf(V4l2Path path) { return kPaths[static_cast<size_t>(path)].memory; }

// The driver's buffers of one kind.
class Buffers {
 public:
  Buffers(V4l2Device& device, uint32_t memory, size_t planes, uint32_t count)
      : device_(device),
        memory_(memory),
        planes_(planes),
        count_(device.RequestBuffers(memory, count)) {}
  // Stopping takes all queued buffers back, after which the driver forgets them.
  ~Buffers() {
    device_.StreamOff();
    v4l2_requestbuffers none = {};
    none.type = device_.type();
    none.memory = memory_;
    (void)device_.Try(VIDIOC_REQBUFS, &none);
  }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  [[nodiscard]] uint32_t count() const { return count_; }
  // Throws Error when the driver has not taken any yet: it takes none of this kind. A driver that
  // has is tried again with every Dequeue().
  void Queue(uint32_t index, const std::vector<V4l2PlaneMemory>& planes) {
    QueueAgain({.index = index, .planes = planes});
  }
  // Throws Error, also when the driver keeps refusing a buffer.
  std::optional<V4l2Filled> Dequeue() {
    for (Refused& refused : std::exchange(refused_, {})) QueueAgain(std::move(refused));
    auto filled = device_.Dequeue(memory_, planes_);
    if (filled && filled->index >= count_) throw Error(EPROTO, device_.path() + ": no such buffer");
    return filled;
  }

 private:
  struct Refused {
    uint32_t index = 0;
    std::vector<V4l2PlaneMemory> planes;
    uint32_t times = 0;
    uint64_t again_ns = 0;  // CLOCK_MONOTONIC: not before
  };

  void QueueAgain(Refused buffer) {
    const uint64_t now = MonotonicNs();
    if (now < buffer.again_ns) return refused_.push_back(std::move(buffer));
    try {
      device_.Queue(memory_, buffer.index, buffer.planes);
      accepted_ = true;
    } catch (const Error& error) {
      if (!accepted_ || error.code() == ENODEV || buffer.times == kMostRefusals) throw;
      if (buffer.times == 0) LogWarning(std::string(error.what()) + ": it is tried again");
      // At once the first time.
      if (buffer.times > 0) buffer.again_ns = now + kRefusalPauseNs;
      ++buffer.times;
      refused_.push_back(std::move(buffer));
    }
  }

  V4l2Device& device_;
  const uint32_t memory_;
  const size_t planes_;
  const uint32_t count_;
  bool accepted_ = false;  // any
  std::vector<Refused> refused_;
};

// Where each plane begins in a frame: directly behind the one before.
std::vector<uint64_t> OffsetsOf(const V4l2Format& format) {
  std::vector<uint64_t> offsets;
  uint64_t next = 0;
  for (const V4l2Plane& plane : format.planes) {
    offsets.push_back(next);
    next += plane.bytes;
  }
  return offsets;
}

// A frame ends where its last plane does; in all but the last, planes are whole.
uint64_t BytesUsed(const std::vector<uint64_t>& offsets, const V4l2PlaneMemory& last) {
  return offsets.back() + last.bytes_used - std::min(last.data_offset, last.bytes_used);
}

// Our memory for the driver to write to. The kernel pins the pages of an index once and takes them
// for known when the same address comes again: so memory is given to an index that knows it, or to
// one whose last address was another.
class DirectIo final : public V4l2Io {
 public:
  DirectIo(V4l2Device& device, V4l2Path path, const V4l2Format& format, size_t memories)
      : path_(path),
        what_(device.path()),
        planes_(format.planes),
        offsets_(OffsetsOf(format)),
        buffers_(device, MemoryOf(path), planes_.size(),
                 static_cast<uint32_t>(std::min(memories + kSpareIndices, kMostIndices))),
        indices_(std::min<size_t>(buffers_.count(), kMostIndices)) {}

  [[nodiscard]] bool direct() const override { return true; }
  void Queue(uint32_t buffer, Memory& memory) override;
  std::optional<Done> Dequeue() override;
  void Forget(uint32_t buffer) override { dmabufs_.erase(buffer); }

 private:
  struct Index {
    std::optional<uint32_t> queued;  // our number of what is in it
    std::optional<uint32_t> last;    // of what was in it
    const std::byte* address = nullptr;
  };

  uint32_t Choose(uint32_t buffer, const Memory& memory) const;
  std::vector<V4l2PlaneMemory> PlanesOf(uint32_t buffer, Memory& memory);
  const std::vector<UniqueFd>& DmabufsOf(uint32_t buffer, const Memory& memory);

  const V4l2Path path_;
  const std::string what_;
  const std::vector<V4l2Plane> planes_;
  const std::vector<uint64_t> offsets_;
  std::unordered_map<uint32_t, std::vector<UniqueFd>> dmabufs_;  // a descriptor for each plane
  Buffers buffers_;
  std::vector<Index> indices_;
};

uint32_t DirectIo::Choose(uint32_t buffer, const Memory& memory) const {
  std::optional<uint32_t> choice;
  for (uint32_t i = 0; i < indices_.size(); ++i) {
    const Index& index = indices_[i];
    if (index.queued) continue;
    if (index.last == buffer) return i;
    if (index.address == memory.bytes().data()) continue;
    if (!choice || !index.last) choice = i;
  }
  if (!choice) throw Error(ENOBUFS, what_ + ": the driver has no buffer left");
  return *choice;
}

void DirectIo::Queue(uint32_t buffer, Memory& memory) {
  const uint32_t i = Choose(buffer, memory);
  buffers_.Queue(i, PlanesOf(buffer, memory));
  indices_[i] = {.queued = buffer, .last = buffer, .address = memory.bytes().data()};
}

std::vector<V4l2PlaneMemory> DirectIo::PlanesOf(uint32_t buffer, Memory& memory) {
  std::vector<V4l2PlaneMemory> planes;
  for (size_t i = 0; i < planes_.size(); ++i) {
    V4l2PlaneMemory plane = {.length = planes_[i].bytes};
    if (path_ == V4l2Path::kDmabuf) {
      plane.fd = DmabufsOf(buffer, memory)[i].get();
    } else {
      plane.address = reinterpret_cast<uintptr_t>(memory.bytes().data() + offsets_[i]);
    }
    planes.push_back(plane);
  }
  return planes;
}

const std::vector<UniqueFd>& DirectIo::DmabufsOf(uint32_t buffer, const Memory& memory) {
  auto& fds = dmabufs_[buffer];
  for (size_t i = fds.size(); i < planes_.size(); ++i) {
    fds.push_back(MakeUdmabuf(memory.live_fd(), offsets_[i], planes_[i].bytes));
  }
  return fds;
}

std::optional<V4l2Io::Done> DirectIo::Dequeue() {
  auto filled = buffers_.Dequeue();
  if (!filled) return std::nullopt;
  Index& index = indices_.at(filled->index);
  if (!index.queued) throw Error(EPROTO, what_ + ": a buffer came back that was not queued");
  const uint32_t buffer = *std::exchange(index.queued, std::nullopt);
  for (const V4l2PlaneMemory& plane : filled->planes) {
    if (plane.data_offset != 0) {
      throw Error(EPROTO, what_ + ": pictures do not begin where their memory does");
    }
  }
  const uint64_t bytes_used = BytesUsed(offsets_, filled->planes.back());
  return Done{.buffer = buffer, .bytes_used = bytes_used, .filled = std::move(*filled)};
}

// One buffer of the driver's own, mapped.
class OwnBuffer {
 public:
  OwnBuffer(std::shared_ptr<V4l2Port> port, const std::vector<V4l2PlaneMemory>& planes)
      : port_(std::move(port)) {
    for (const V4l2PlaneMemory& plane : planes) {
      planes_.push_back(port_->Map(plane.offset, plane.length));
    }
  }
  ~OwnBuffer() {
    for (const auto plane : planes_) port_->Unmap(plane);
  }
  OwnBuffer(OwnBuffer&& other) noexcept = default;
  OwnBuffer& operator=(OwnBuffer&&) = delete;

  [[nodiscard]] const std::vector<std::span<std::byte>>& planes() const { return planes_; }

 private:
  const std::shared_ptr<V4l2Port> port_;
  std::vector<std::span<std::byte>> planes_;
};

// The driver's memory, copied once.
class CopyIo final : public V4l2Io {
 public:
  CopyIo(V4l2Device& device, const V4l2Format& format)
      : offsets_(OffsetsOf(format)),
        buffers_(device, V4L2_MEMORY_MMAP, format.planes.size(), kOwnBuffers),
        nothing_(format.planes.size()) {
    const auto port = device.port();
    if (!port) device.Throw("buffers", ENODEV);
    for (uint32_t i = 0; i < buffers_.count(); ++i) {
      own_.emplace_back(port, device.QueryBuffer(i, nothing_.size()));
    }
    for (uint32_t i = 0; i < buffers_.count(); ++i) buffers_.Queue(i, nothing_);
  }

  [[nodiscard]] bool direct() const override { return false; }
  void Queue(uint32_t buffer, Memory& memory) override { wanted_.emplace_back(buffer, &memory); }
  std::optional<Done> Dequeue() override;
  void Forget(uint32_t buffer) override {
    std::erase_if(wanted_, [&](const auto& wanted) { return wanted.first == buffer; });
  }

 private:
  uint64_t Copy(const V4l2Filled& filled, std::span<std::byte> to) const;

  const std::vector<uint64_t> offsets_;
  Buffers buffers_;
  const std::vector<V4l2PlaneMemory> nothing_;
  std::vector<OwnBuffer> own_;  // unmapped before buffers_ frees them
  std::deque<std::pair<uint32_t, Memory*>> wanted_;
};

std::optional<V4l2Io::Done> CopyIo::Dequeue() {
  auto filled = buffers_.Dequeue();
  if (!filled) return std::nullopt;
  Done done;
  if (!wanted_.empty()) {
    const auto [buffer, memory] = wanted_.front();
    wanted_.pop_front();
    done.buffer = buffer;
    done.bytes_used = Copy(*filled, memory->bytes());
  }
  buffers_.Queue(filled->index, nothing_);
  done.filled = std::move(*filled);
  return done;
}

// Returns where the picture ends.
uint64_t CopyIo::Copy(const V4l2Filled& filled, std::span<std::byte> to) const {
  uint64_t end = 0;
  const auto& from = own_[filled.index].planes();
  for (size_t i = 0; i < from.size(); ++i) {
    const V4l2PlaneMemory& plane = filled.planes[i];
    const size_t begin = std::min<size_t>(plane.data_offset, from[i].size());
    const size_t bytes = std::min<size_t>(std::max(plane.bytes_used, plane.data_offset) - begin,
                                          from[i].size() - begin);
    if (offsets_[i] + bytes > to.size()) throw Error(EPROTO, "a plane is larger than its format");
    std::memcpy(to.data() + offsets_[i], from[i].data() + begin, bytes);
    end = offsets_[i] + bytes;
  }
  return end;
}

}  // namespace

std::string_view PathName(V4l2Path path) { return kPaths[static_cast<size_t>(path)].name; }

std::optional<V4l2Path> ParsePath(std::string_view name) {
  for (const auto& entry : kPaths) {
    if (entry.name == name) return entry.path;
  }
  return std::nullopt;
}

std::unique_ptr<V4l2Io> MakeV4l2Io(V4l2Device& device, V4l2Path path, const V4l2Format& format,
                                   size_t memories) {
  if (path == V4l2Path::kMmap) return std::make_unique<CopyIo>(device, format);
  return std::make_unique<DirectIo>(device, path, format, memories);
}

std::optional<std::string> WhyNot(V4l2Device& device, V4l2Path path, const V4l2Format& format) {
  try {
    const auto io = MakeV4l2Io(device, path, format, 1);
    if (path == V4l2Path::kMmap) return std::nullopt;
    uint64_t bytes = 0;
    for (const V4l2Plane& plane : format.planes) bytes += plane.bytes;
    const auto memory = AllocateMemory("v4l2 probe", bytes, PageSize::kSmall);
    io->Queue(0, *memory);
    return std::nullopt;
  } catch (const Error& error) {
    if (error.code() == EBUSY || error.code() == ENODEV) throw;
    return error.what();
  }
}

uint32_t LeastBuffers(V4l2Device& device, V4l2Path path) {
  // Where frames are copied, the driver keeps its own.
  if (path == V4l2Path::kMmap) return 1;
  return Buffers(device, MemoryOf(path), 1, 1).count();
}

}  // namespace grabfs
