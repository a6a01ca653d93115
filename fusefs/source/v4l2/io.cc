// SPDX-License-Identifier: Apache-2.0
//
// The three I/O methods, and the test whether a device supports one.
#include "fusefs/source/v4l2/io.h"

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
#include "fusefs/base/mapping.h"
#include "fusefs/source/v4l2/udmabuf.h"

namespace grabfs {
namespace {

// As many as every driver takes (VIDEO_MAX_FRAME).
constexpr size_t kMostIndices = 32;
// For memory that is attached beside the bound buffers.
constexpr size_t kSpareIndices = 2;
// The number of the driver's own buffers, where frames are copied: enough for the delays of the
// daemon.
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
  // STREAMOFF dequeues all buffers; REQBUFS with 0 frees them.
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
  // If the driver refuses its first buffer it does not support this kind: throws Error. If it
  // refuses a later one, each Dequeue() tries again.
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
    uint64_t again_ns = 0;  // CLOCK_MONOTONIC: when to try again
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
      // The first time it tries again at once.
      if (buffer.times > 0) buffer.again_ns = now + kRefusalPauseNs;
      ++buffer.times;
      refused_.push_back(std::move(buffer));
    }
  }

  V4l2Device& device_;
  const uint32_t memory_;
  const size_t planes_;
  const uint32_t count_;
  bool accepted_ = false;  // the driver has accepted a buffer
  std::vector<Refused> refused_;
};

// The offset of each plane in a frame: directly behind the one before.
std::vector<uint64_t> OffsetsOf(const V4l2Format& format) {
  std::vector<uint64_t> offsets;
  uint64_t next = 0;
  for (const V4l2Plane& plane : format.planes) {
    offsets.push_back(next);
    next += plane.bytes;
  }
  return offsets;
}

// A frame ends with the used bytes of its last plane; the other planes are complete.
uint64_t BytesUsed(const std::vector<uint64_t>& offsets, const V4l2PlaneMemory& last) {
  return offsets.back() + last.bytes_used - std::min(last.data_offset, last.bytes_used);
}

// Lets the driver write to our memory. The kernel pins the pages of a V4L2 buffer index once, and
// keeps the pin if the same address, or the same DMA buffer, is queued at that index again. So
// renewed memory (Memory::Renew()), which has other pages, is queued at another address, and an
// index never gets an address that it has had before.
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
  void Forget(uint32_t buffer) override { given_.erase(buffer); }

 private:
  struct Index {
    std::optional<uint32_t> queued;  // our number of the memory that is queued at it
    std::optional<uint32_t> last;    // of the memory that was queued at it last
    uint64_t renewals = 0;           // Memory::renewals() of that memory at that time
    const std::byte* address = nullptr;
  };
  // How the driver sees a memory.
  struct Given {
    uint64_t renewals = 0;             // of the memory, when this was made
    std::unique_ptr<Mapping> mapping;  // null: as the memory itself is mapped
    std::vector<UniqueFd> dmabufs;     // for each plane
  };

  std::optional<uint32_t> Choose(uint32_t buffer, const Given& given,
                                 const std::byte* address) const;
  Given& GivenAs(uint32_t buffer, const Memory& memory);
  void MapElsewhere(Given& given, const Memory& memory) const;
  static const std::byte* AddressOf(const Given& given, const Memory& memory);
  std::vector<V4l2PlaneMemory> PlanesOf(Given& given, const Memory& memory);

  const V4l2Path path_;
  const std::string what_;
  const std::vector<V4l2Plane> planes_;
  const std::vector<uint64_t> offsets_;
  std::unordered_map<uint32_t, Given> given_;  // by our number
  Buffers buffers_;
  std::vector<Index> indices_;
};

std::optional<uint32_t> DirectIo::Choose(uint32_t buffer, const Given& given,
                                         const std::byte* address) const {
  std::optional<uint32_t> choice;
  for (uint32_t i = 0; i < indices_.size(); ++i) {
    const Index& index = indices_[i];
    if (index.queued) continue;
    if (index.last == buffer && index.renewals == given.renewals) return i;
    if (path_ == V4l2Path::kUserptr && index.address == address) continue;
    if (!choice || !index.last) choice = i;
  }
  return choice;
}

DirectIo::Given& DirectIo::GivenAs(uint32_t buffer, const Memory& memory) {
  Given& given = given_[buffer];
  if (const uint64_t now = memory.renewals(); given.renewals != now) {
    given.renewals = now;
    given.dmabufs.clear();
    if (path_ == V4l2Path::kUserptr) MapElsewhere(given, memory);
  }
  return given;
}

// Makes the new mapping before it removes the old one, so that the address differs.
void DirectIo::MapElsewhere(Given& given, const Memory& memory) const {
  given.mapping = std::make_unique<Mapping>(memory.live_fd(), memory.bytes().size(), what_);
}

const std::byte* DirectIo::AddressOf(const Given& given, const Memory& memory) {
  return given.mapping ? given.mapping->bytes().data() : memory.bytes().data();
}

void DirectIo::Queue(uint32_t buffer, Memory& memory) {
  Given& given = GivenAs(buffer, memory);
  auto i = Choose(buffer, given, AddressOf(given, memory));
  // Each free index may have had this address once; none has had as many as there are indices.
  std::vector<std::unique_ptr<Mapping>> known;
  while (!i && path_ == V4l2Path::kUserptr && known.size() < indices_.size()) {
    known.push_back(std::move(given.mapping));
    MapElsewhere(given, memory);
    i = Choose(buffer, given, AddressOf(given, memory));
  }
  if (!i) throw Error(ENOBUFS, what_ + ": the driver has no buffer left");
  buffers_.Queue(*i, PlanesOf(given, memory));
  indices_[*i] = {.queued = buffer,
                  .last = buffer,
                  .renewals = given.renewals,
                  .address = AddressOf(given, memory)};
}

std::vector<V4l2PlaneMemory> DirectIo::PlanesOf(Given& given, const Memory& memory) {
  std::vector<V4l2PlaneMemory> planes;
  for (size_t i = 0; i < planes_.size(); ++i) {
    V4l2PlaneMemory plane = {.length = planes_[i].bytes};
    if (path_ == V4l2Path::kDmabuf) {
      if (i == given.dmabufs.size()) {
        given.dmabufs.push_back(MakeUdmabuf(memory.live_fd(), offsets_[i], planes_[i].bytes));
      }
      plane.fd = given.dmabufs[i].get();
    } else {
      plane.address = reinterpret_cast<uintptr_t>(AddressOf(given, memory) + offsets_[i]);
    }
    planes.push_back(plane);
  }
  return planes;
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
  // Where frames are copied, the driver fills buffers of its own.
  if (path == V4l2Path::kMmap) return 1;
  return Buffers(device, MemoryOf(path), 1, 1).count();
}

}  // namespace grabfs
