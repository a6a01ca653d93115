// SPDX-License-Identifier: Apache-2.0
//
// The two roads of a frame that are measured against each other: V4L2's mmap, and a mapping of
// grabfs's buffer files, with a reader that looks at every pixel; and what the machine spends.
//
// VM_MOUNT names a mounted device directory, e.g. /mnt/grabfs/cam0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fusefs/base/unique_fd.h"
#include "tests/vm/guest/pagemap.h"

namespace grabfs::vm {

inline constexpr uint32_t kCameraWidth = 1280;
inline constexpr uint32_t kCameraHeight = 720;
inline constexpr uint32_t kCameraBytes = kCameraWidth * kCameraHeight * 4;  // BGR4
// Slow enough for an emulated machine on a busy host: no frame is painted that nobody reads.
inline constexpr uint32_t kCameraRate = 5;

// Nanoseconds that all processors together have run anything, since boot.
uint64_t MachineTime();

// What an algorithm on the picture would do at least.
void LookAtEveryPixel(std::span<const std::byte> pixels);

// `vivid`, /dev/video0, by V4L2's mmap.
class V4l2Camera {
 public:
  V4l2Camera();

  void ReadFrame() {
    TakeFrame([](std::span<const std::byte> pixels) { LookAtEveryPixel(pixels); });
  }
  // The next frame, which is the driver's again afterwards.
  template <typename Use>
  void TakeFrame(Use use) {
    const uint32_t index = Dequeue();
    use(mappings_[index]->bytes());
    Queue(index);
  }

 private:
  void MapBuffers();
  uint32_t Dequeue();
  void Queue(uint32_t index);
  void Do(unsigned long command, void* argument, const char* name) const;

  UniqueFd fd_;
  std::vector<std::unique_ptr<Mapping>> mappings_;
};

// The same through grabfs: events say which buffer, mappings are made once.
class GrabfsCamera {
 public:
  GrabfsCamera();
  ~GrabfsCamera();
  GrabfsCamera(const GrabfsCamera&) = delete;
  GrabfsCamera& operator=(const GrabfsCamera&) = delete;

  void ReadFrame() { LookAtEveryPixel(Buffer(NextBuffer()).bytes()); }

 private:
  uint32_t NextBuffer();
  const Mapping& Buffer(uint32_t index);

  UniqueFd events_;
  std::string pending_;
  std::map<uint32_t, std::unique_ptr<Mapping>> mappings_;
};

}  // namespace grabfs::vm
