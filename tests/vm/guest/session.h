// SPDX-License-Identifier: Apache-2.0
//
// A grabdma session for guest tests: the ioctls by name, buffers that close their descriptors.
//
// Two ways to call: Try*() returns 0 or the errno value, for tests of refusals; the others throw
// grabfs::Error, which fails a test with the command's name. Not thread-safe beyond the kernel's
// own guarantees.
#pragma once

#include <fcntl.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fusefs/base/unique_fd.h"
#include "kmod/uapi/grabdma.h"

namespace grabfs::vm {

// A buffer as ALLOC handed it out. Closing the descriptors does not free the buffer's number.
struct Buffer {
  uint32_t id = 0;
  uint64_t bytes = 0;
  uint32_t segments = 0;
  UniqueFd live;
  UniqueFd frame;  // invalid for output buffers
};

struct AllocRequest {
  uint64_t bytes = 0;
  uint32_t strategy = GRABDMA_ALLOC_PAGES;
  uint32_t direction = GRABDMA_DIRECTION_CAPTURE;
  uint32_t writeback_ms = 0;
};

class Session {
 public:
  explicit Session(const std::string& path, int flags = O_RDWR | O_CLOEXEC);

  [[nodiscard]] int fd() const { return fd_.get(); }
  void Close() { fd_.reset(); }

  // Any ioctl with any argument: 0 or the errno value.
  [[nodiscard]] int Try(unsigned long command, void* argument) const;

  [[nodiscard]] grabdma_info Info() const;
  [[nodiscard]] grabdma_format Format() const;
  grabdma_format SetFormat(uint32_t fourcc, uint32_t width, uint32_t height, uint64_t bytes = 0);

  Buffer Alloc(const AllocRequest& request);
  [[nodiscard]] int TryAlloc(const AllocRequest& request, Buffer* buffer);
  [[nodiscard]] int TryFree(uint32_t buffer) const;

  void Queue(uint32_t buffer);
  [[nodiscard]] int TryQueue(uint32_t buffer) const;
  // `interval` 0/0: as fast as possible; `frames` 0: no limit.
  void Start(uint32_t interval_num, uint32_t interval_den, uint64_t frames = 0);
  [[nodiscard]] int TryStart(uint32_t interval_num, uint32_t interval_den, uint64_t frames) const;
  void Stop(uint32_t flags = 0);
  [[nodiscard]] int TryTrigger(uint64_t frames) const;
  [[nodiscard]] grabdma_buffer_entry State(uint32_t buffer, uint32_t flags = 0) const;

  // What was left of the fault's last value.
  uint64_t Inject(grabdma_fault fault, uint64_t value = 0);
  [[nodiscard]] int TryInject(grabdma_fault fault, uint64_t value) const;

  // The next record, or nothing when none came in time. Throws ENODEV after the last one.
  [[nodiscard]] std::optional<grabdma_record> Read(std::chrono::milliseconds patience);
  // As Read(), but skips drop and idle records and insists that something comes.
  [[nodiscard]] grabdma_record ReadFrame(std::chrono::milliseconds patience);

  // Queues the buffer, triggers one frame and waits for its record.
  grabdma_record Capture(const Buffer& buffer,
                         std::chrono::milliseconds patience = std::chrono::seconds(10));

 private:
  void Do(const char* what, unsigned long command, void* argument) const;

  UniqueFd fd_;
};

// Paths of all adapters' nodes, in order; those whose INFO names `adapter` unless that is empty.
std::vector<std::string> FindAdapters(const std::string& adapter = "");

}  // namespace grabfs::vm
