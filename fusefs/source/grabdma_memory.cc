// SPDX-License-Identifier: Apache-2.0
//
// DMA buffers of the module as Memory.
#include "fusefs/source/grabdma_memory.h"

#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/mapping.h"

namespace grabfs {
namespace {

// A buffer's number, given back at the end of its life; so also when mapping it fails.
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

class ModuleMemory final : public GrabdmaMemory {
 public:
  ModuleMemory(std::shared_ptr<GrabdmaSession> session, GrabdmaSession::Buffer buffer,
               uint64_t bytes, const std::string& what)
      : number_(std::move(session), buffer.id),
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
  const BufferNumber number_;
  const UniqueFd live_fd_;
  const UniqueFd frame_fd_;
  const Mapping mapping_;  // of the live view, whose users hold nothing
};

// A question that fails must not let a frame be overwritten.
Memory::Usage ModuleMemory::Probe() {
  grabdma_buffer_entry entry = {};
  entry.buffer = number_.get();
  try {
    number_.session().QueryAndWatch({&entry, 1});
  } catch (const Error&) {
    return Usage::kInUse;
  }
  return (entry.flags & GRABDMA_BUFFER_HELD) != 0 ? Usage::kInUse : Usage::kIdle;
}

bool ModuleMemory::Unused() {
  constexpr uint32_t kOurMapping = 1;  // of the live view, which counts
  grabdma_buffer_entry entry = {};
  entry.buffer = number_.get();
  try {
    number_.session().QueryAndWatch({&entry, 1});
  } catch (const Error&) {
    return false;
  }
  return entry.live_users <= kOurMapping && entry.frame_users == 0;
}

std::unique_ptr<GrabdmaMemory> MakeMemory(std::shared_ptr<GrabdmaSession> session,
                                          GrabdmaSession::Buffer buffer, uint64_t bytes,
                                          const std::string& name) {
  return std::make_unique<ModuleMemory>(std::move(session), std::move(buffer), bytes,
                                        "buffer " + name);
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
