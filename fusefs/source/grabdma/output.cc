// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/grabdma/output.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/source/grabdma/memory.h"
#include "fusefs/source/options.h"
#include "fusefs/source/output.h"

namespace grabfs {
namespace {

constexpr uint32_t kDefaultWidth = 640;
constexpr uint32_t kDefaultHeight = 480;
constexpr uint32_t kDefaultWritebackMs = 1000;

class GrabdmaOutput final : public OutputSource {
 public:
  GrabdmaOutput(std::shared_ptr<GrabdmaSession> session, uint32_t strategy,
                const FormatRequest& request)
      : session_(std::move(session)), info_(session_->Info()), strategy_(strategy) {
    if ((info_.directions & GRABDMA_DIRECTION_OUTPUT) == 0) {
      throw Error(EINVAL, session_->path() + ": the device has no output");
    }
    format_ = ApplyRequest(MakeFrameFormat(kGrey, kDefaultWidth, kDefaultHeight), request);
  }

  [[nodiscard]] std::string description() const override { return "grabdma:" + session_->path(); }
  [[nodiscard]] int event_fd() const override { return session_->fd(); }
  [[nodiscard]] std::map<std::string, std::string> Settings() const override {
    return {{"adapter", info_.adapter}, {"bus", info_.bus}};
  }
  [[nodiscard]] std::shared_ptr<MemoryAllocator> allocator() const override {
    return MakeGrabdmaAllocator(session_, strategy_);
  }

 protected:
  std::vector<std::unique_ptr<Memory>> OnAllocateBuffers(const std::string& name,
                                                         uint32_t count) override {
    CheckMemoryAvailable(count, format_.bytes);
    std::vector<std::unique_ptr<Memory>> buffers;
    while (buffers.size() < count) {
      buffers.push_back(AllocateGrabdmaOutput(session_, name + "/" + std::to_string(buffers.size()),
                                              format_.bytes, strategy_, writeback_ms_));
    }
    return buffers;
  }

  void OnPresent(uint32_t buffer) override {
    CheckSyscall(::fsync(Bound(buffer).live_fd()), session_->path() + ": output");
  }

  void OnSetWriteback(uint32_t milliseconds) override { writeback_ms_ = milliseconds; }

  // The only record of a session that does not capture is GONE.
  std::optional<Completion> OnDequeue() override {
    grabdma_record record = {};
    while (session_->Read({&record, 1}) > 0) {
      if (record.type != GRABDMA_RECORD_GONE) continue;
      return Completion{.kind = Completion::Kind::kGone,
                        .reason = session_->path() + " has been unplugged"};
    }
    return std::nullopt;
  }

 private:
  const std::shared_ptr<GrabdmaSession> session_;
  const grabdma_info info_;
  const uint32_t strategy_;
  uint32_t writeback_ms_ = kDefaultWritebackMs;
};

}  // namespace

std::unique_ptr<Source> MakeGrabdmaOutput(std::shared_ptr<GrabdmaSession> session,
                                          uint32_t strategy, const FormatRequest& request) {
  return std::make_unique<GrabdmaOutput>(std::move(session), strategy, request);
}

}  // namespace grabfs
