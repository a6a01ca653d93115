// SPDX-License-Identifier: Apache-2.0
//
// One open() of /dev/grabdmaN: the commands of kmod/uapi/grabdma.h as functions, with its errors in
// words. It keeps no state; what a session means for capturing is the business of grabdma.cc.
//
// Threads: any; the kernel lets commands of one session follow each other.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fusefs/base/unique_fd.h"
#include "kmod/uapi/grabdma.h"

namespace grabfs {

// The system calls that a session is made of: the seam where tests put a device of their own.
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
    kHeld,  // somebody has the frame open or mapped; a GRABDMA_RECORD_IDLE follows
    kGone,  // no device any more; a GRABDMA_RECORD_GONE follows
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
  // A buffer for capture. `strategy`: one of GRABDMA_ALLOC_*.
  [[nodiscard]] Buffer Allocate(uint64_t bytes, uint32_t strategy);
  // A buffer for output. `writeback_ms`: see struct grabdma_alloc.
  [[nodiscard]] Buffer AllocateOutput(uint64_t bytes, uint32_t strategy, uint32_t writeback_ms);
  // As Allocate(), in the memory cgroup of process `caller` where that is possible; `charged`
  // tells.
  [[nodiscard]] Buffer AllocateFor(pid_t caller, uint64_t bytes, uint32_t strategy, bool& charged);
  // Never fails: a buffer that is gone already is as good.
  void Free(uint32_t buffer) noexcept;
  // EALREADY and the like are mistakes of the caller and are thrown.
  Queued Queue(uint32_t buffer);
  // An interval of 0/0 is as fast as possible; 0 frames are no limit.
  void Start(uint32_t interval_num, uint32_t interval_den, uint64_t frames);
  // Takes all buffers back. Never fails: an unplugged device has given them back already.
  void Stop() noexcept;
  // Fills in what is asked for by number; a buffer found held is watched: a GRABDMA_RECORD_IDLE
  // comes when it is not held any more. Works on unplugged devices too.
  void QueryAndWatch(std::span<grabdma_buffer_entry> buffers);
  // What happened since; fewer than there is room for when there is no more now.
  size_t Read(std::span<grabdma_record> records);

 private:
  int Try(unsigned long command, void* argument);
  void Do(const char* what, unsigned long command, void* argument);
  [[noreturn]] void Throw(const char* what, int code) const;

  const std::string path_;
  const std::unique_ptr<GrabdmaPort> port_;
};

}  // namespace grabfs
