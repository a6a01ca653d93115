// SPDX-License-Identifier: Apache-2.0
//
// DMA buffers of the module as Memory.
#include "fusefs/source/grabdma/memory.h"

#include <filesystem>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/mapping.h"

namespace grabfs {
namespace {

// Owns a buffer number: frees the buffer at the end, also if mapping it fails.
class BufferNumber {
 public:
  BufferNumber(std::shared_ptr<GrabdmaSession> session, uint32_t id)
      : session_(std::move(session)), id_(id) {}
  ~BufferNumber() { session_->Free(id_); }
  BufferNumber(const BufferNumber&) = delete;
  BufferNumber& operator=(const BufferNumber&) = delete;

  [[nodiscard]] GrabdmaSession& session() const { return *session_; }
  [[nodiscard]] uint32_t get() const { return id_; }

 private:
  const std::shared_ptr<GrabdmaSession> session_;
  const uint32_t id_;
};

// Whether somebody reads the session's records, so that a GRABDMA_RECORD_IDLE is of use.
enum class Watch { kNo, kYes };

class ModuleMemory final : public GrabdmaMemory {
 public:
  ModuleMemory(std::shared_ptr<GrabdmaSession> session, GrabdmaSession::Buffer buffer,
               uint64_t bytes, const std::string& what, Watch watch)
      : watch_(watch),
        number_(std::move(session), buffer.id),
        live_fd_(std::move(buffer.live_fd)),
        frame_fd_(std::move(buffer.frame_fd)),
        mapping_(live_fd_.get(), bytes, what) {
    bytes_ = mapping_.bytes();
  }

  [[nodiscard]] uint32_t id() const override { return number_.get(); }
  [[nodiscard]] const GrabdmaSession& session() const override { return number_.session(); }
  [[nodiscard]] int live_fd() const override { return live_fd_.get(); }
  [[nodiscard]] int frame_fd() const override {
    return frame_fd_.valid() ? frame_fd_.get() : live_fd_.get();
  }
  [[nodiscard]] Usage Probe() override;
  [[nodiscard]] bool Unused() override;

 private:
  [[nodiscard]] grabdma_buffer_entry Query() const;

  const Watch watch_;
  const BufferNumber number_;
  const UniqueFd live_fd_;
  const UniqueFd frame_fd_;
  const Mapping mapping_;  // of the live view, whose users are no holders
};

grabdma_buffer_entry ModuleMemory::Query() const {
  grabdma_buffer_entry entry = {};
  entry.buffer = number_.get();
  number_.session().Query({&entry, 1}, watch_ == Watch::kYes);
  return entry;
}

// If the query fails the answer is "in use", so that no frame is overwritten.
Memory::Usage ModuleMemory::Probe() {
  try {
    return (Query().flags & GRABDMA_BUFFER_HELD) != 0 ? Usage::kInUse : Usage::kIdle;
  } catch (const Error&) {
    return Usage::kInUse;
  }
}

bool ModuleMemory::Unused() {
  constexpr uint32_t kOurMapping = 1;  // the daemon's mapping of the live view is counted, too
  try {
    const grabdma_buffer_entry entry = Query();
    return entry.live_users <= kOurMapping && entry.frame_users == 0;
  } catch (const Error&) {
    return false;
  }
}

std::unique_ptr<GrabdmaMemory> MakeMemory(std::shared_ptr<GrabdmaSession> session,
                                          GrabdmaSession::Buffer buffer, uint64_t bytes,
                                          const std::string& name, Watch watch = Watch::kYes) {
  return std::make_unique<ModuleMemory>(std::move(session), std::move(buffer), bytes,
                                        "buffer " + name, watch);
}

// The first node of the module; empty: there is none.
std::string FirstNode() {
  std::string first;
  std::error_code unreadable;
  for (std::filesystem::directory_iterator entry("/dev", unreadable), end;
       !unreadable && entry != end; entry.increment(unreadable)) {
    const std::string path = entry->path();
    if (!path.starts_with("/dev/grabdma")) continue;
    if (first.empty() || std::pair(path.size(), path) < std::pair(first.size(), first)) {
      first = path;
    }
  }
  return first;
}

class Allocator final : public MemoryAllocator {
 public:
  Allocator(std::shared_ptr<GrabdmaSession> session, uint32_t strategy)
      : session_(std::move(session)), strategy_(strategy) {}

  [[nodiscard]] Allocated Allocate(const std::string& name, uint64_t bytes, pid_t caller) override {
    bool charged = false;
    auto buffer = session_->AllocateFor(caller, bytes, strategy_, charged);
    return {MakeMemory(session_, std::move(buffer), bytes, name), charged};
  }

 private:
  const std::shared_ptr<GrabdmaSession> session_;
  const uint32_t strategy_;
};

}  // namespace

Source::BufferMaker MakeGrabdmaBufferMaker(std::string node) {
  if (node.empty()) node = FirstNode();
  if (node.empty()) {
    throw Error(
        ENODEV,
        "memory=grabdma: there is no /dev/grabdmaN: load the module (modprobe grabdma_virtual)");
  }
  const auto session = std::make_shared<GrabdmaSession>(node, OpenGrabdmaPort(node));
  return [session](const std::string& name, uint64_t bytes) {
    auto buffer = session->Allocate(bytes, GRABDMA_ALLOC_LARGE);
    return MakeMemory(session, std::move(buffer), bytes, name, Watch::kNo);
  };
}

std::shared_ptr<MemoryAllocator> MakeGrabdmaAllocator(std::shared_ptr<GrabdmaSession> session,
                                                      uint32_t strategy) {
  return std::make_shared<Allocator>(std::move(session), strategy);
}

std::unique_ptr<GrabdmaMemory> AllocateGrabdmaMemory(std::shared_ptr<GrabdmaSession> session,
                                                     const std::string& name, uint64_t bytes,
                                                     uint32_t strategy) {
  auto buffer = session->Allocate(bytes, strategy);
  return MakeMemory(std::move(session), std::move(buffer), bytes, name);
}

std::unique_ptr<GrabdmaMemory> AllocateGrabdmaOutput(std::shared_ptr<GrabdmaSession> session,
                                                     const std::string& name, uint64_t bytes,
                                                     uint32_t strategy, uint32_t writeback_ms) {
  auto buffer = session->AllocateOutput(bytes, strategy, writeback_ms);
  return MakeMemory(std::move(session), std::move(buffer), bytes, name);
}

}  // namespace grabfs
