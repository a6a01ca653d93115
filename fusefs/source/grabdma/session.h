// SPDX-License-Identifier: Apache-2.0
//
// One open() of /dev/grabdmaN: the ioctls of kmod/uapi/grabdma.h as functions that throw Error with
// a message. It has no state of its own; grabdma.cc knows how to capture with it.
//
// Threads: any; the kernel serializes the ioctls of one session.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fusefs/base/unique_fd.h"
#include "kmod/uapi/grabdma.h"

namespace grabfs {

// The system calls of a session. Tests implement it to simulate a device.
class GrabdmaPort {
 public:
  virtual ~GrabdmaPort() = default;
  GrabdmaPort(const GrabdmaPort&) = delete;
  GrabdmaPort& operator=(const GrabdmaPort&) = delete;

  // To poll(): readable when there are records. Owned by this object.
  [[nodiscard]] virtual int fd() const = 0;
  // 0, or the errno value.
  virtual int Ioctl(unsigned long command, void* argument) = 0;
  // Bytes, or the negative errno value; never waits.
  virtual int64_t Read(std::span<std::byte> records) = 0;

 protected:
  GrabdmaPort() = default;
};

// Throws Error(ENOENT, EACCES, ENODEV, ...) that says what to do.
std::unique_ptr<GrabdmaPort> OpenGrabdmaPort(const std::string& path);

class GrabdmaSession {
 public:
  enum class Queued {
    kYes,
    kHeld,  // somebody has the frame open or mapped; a GRABDMA_RECORD_IDLE will follow
    kGone,  // the device was unplugged; a GRABDMA_RECORD_GONE will follow
  };
  struct Buffer {
    uint32_t id = 0;
    UniqueFd live_fd;   // readable and writable
    UniqueFd frame_fd;  // read-only; none for output
  };

  // `path` is for messages.
  GrabdmaSession(std::string path, std::unique_ptr<GrabdmaPort> port);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int fd() const { return port_->fd(); }

  // All throw Error unless they say otherwise.
  [[nodiscard]] grabdma_info Info();
  [[nodiscard]] std::vector<grabdma_format_range> Formats();
  [[nodiscard]] grabdma_format Format();
  // Without padding. EINVAL: the adapter does not make it.
  grabdma_format SetFormat(uint32_t fourcc, uint32_t width, uint32_t height);
  // A buffer for capture. `strategy`: one of GRABDMA_ALLOC_*. ENOMEM; EDQUOT and ENOBUFS, whose
  // message names the limit to raise.
  [[nodiscard]] Buffer Allocate(uint64_t bytes, uint32_t strategy);
  // A buffer for output. `writeback_ms`: see struct grabdma_alloc.
  [[nodiscard]] Buffer AllocateOutput(uint64_t bytes, uint32_t strategy, uint32_t writeback_ms);
  // As Allocate(), charged to the memory cgroup of process `caller` if possible; sets `charged`.
  [[nodiscard]] Buffer AllocateFor(pid_t caller, uint64_t bytes, uint32_t strategy, bool& charged);
  // Never fails: a buffer that does not exist any more is ignored.
  void Free(uint32_t buffer) noexcept;
  // Throws EALREADY and the like, which are errors of the caller.
  Queued Queue(uint32_t buffer);
  // An interval of 0/0 is as fast as possible; 0 frames are no limit.
  void Start(uint32_t interval_num, uint32_t interval_den, uint64_t frames);
  // Takes all buffers back. Never fails: an unplugged device has given them back already.
  void Stop() noexcept;
  // Fills in the state of the buffers named by `buffers[i].buffer`. `watch`: a GRABDMA_RECORD_IDLE
  // will follow for each that is held. Works after the device was unplugged, too.
  void Query(std::span<grabdma_buffer_entry> buffers, bool watch);
  // Reads records; returns how many. Fewer than `records` has room for: there are no more now.
  size_t Read(std::span<grabdma_record> records);

 private:
  int Try(unsigned long command, void* argument);
  void Do(const char* what, unsigned long command, void* argument);
  [[nodiscard]] std::string Reason(int code) const;
  [[noreturn]] void Throw(const char* what, int code) const;

  const std::string path_;
  const std::unique_ptr<GrabdmaPort> port_;
};

}  // namespace grabfs
