// SPDX-License-Identifier: Apache-2.0
//
// The public half of Source: the checks that every source may rely on.
#include "fusefs/source/source.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/memory_limit.h"

namespace grabfs {
namespace {

std::string BufferName(const std::string& name, uint32_t index) {
  char number[16];
  std::snprintf(number, sizeof number, "/%03u", index);
  return name + number;
}

}  // namespace

void Source::RequireIdle(const char* what) const {
  if (capturing_) throw Error(EBUSY, std::string(what) + ": not while capturing");
}

// The device would write past the end of buffers of a smaller format.
void Source::RequireBuffersOfFormat(const char* what) const {
  if (bound_ == format_) return;
  throw Error(EINVAL, std::string(what) + ": the buffers are not those of this format");
}

void Source::SetFormat(const FormatRequest& request) {
  RequireIdle("format");
  format_ = OnSetFormat(request);
}

void Source::SetRate(Rate rate) {
  OnSetRate(rate);
  rate_ = rate;
}

std::vector<std::unique_ptr<Memory>> Source::AllocateBuffers(const std::string& name,
                                                             uint32_t count) {
  RequireIdle("buffers");
  if (count == 0) throw Error(EINVAL, "buffers: at least one is needed");
  if (!maker_) return OnAllocateBuffers(name, count);
  return MakeBuffers(name, count, maker_);
}

void Source::SetBufferMaker(BufferMaker maker) {
  if (!fills_any_memory()) {
    throw Error(EINVAL, "memory: " + description() + " fills memory of its own only");
  }
  maker_ = std::move(maker);
}

std::vector<std::unique_ptr<Memory>> Source::MakeBuffers(const std::string& name, uint32_t count,
                                                         const BufferMaker& maker) const {
  CheckMemoryAvailable(count, format_.bytes);
  std::vector<std::unique_ptr<Memory>> buffers;
  buffers.reserve(count);
  for (uint32_t i = 0; i < count; ++i) buffers.push_back(maker(BufferName(name, i), format_.bytes));
  return buffers;
}

void Source::Bind(const std::vector<std::shared_ptr<Memory>>& buffers) {
  RequireIdle("buffers");
  OnBind(buffers);
  bound_ = format_;
}

void Source::Present(uint32_t buffer) {
  if (!output()) throw Error(EOPNOTSUPP, "present: the device makes pictures and takes none");
  RequireBuffersOfFormat("present");
  OnPresent(buffer);
}

void Source::OnPresent(uint32_t /*buffer*/) {}

void Source::SetControl(const std::string& name, std::string_view value) {
  const auto all = controls();
  if (!all) throw Error(ENOENT, name + ": the device has no controls");
  all->Write(name, value);
  OnControlWritten();
}

uint32_t Source::Attach(std::shared_ptr<Memory> memory) {
  if (output()) throw Error(EOPNOTSUPP, "into: the device takes pictures and makes none");
  if (memory->bytes().size() < format_.bytes) {
    throw Error(ENOSPC, "the memory has " + std::to_string(memory->bytes().size()) +
                            " bytes, an image has " + std::to_string(format_.bytes));
  }
  OnAttach(next_attached_, std::move(memory));
  const uint32_t buffer = next_attached_++;
  if (next_attached_ < kFirstAttached) next_attached_ = kFirstAttached;  // wrapped around
  return buffer;
}

void Source::Detach(uint32_t buffer) { OnDetach(buffer); }

void Source::Start(uint64_t frames) {
  RequireIdle("start");
  if (output()) throw Error(EOPNOTSUPP, "start: the device takes pictures and makes none");
  RequireBuffersOfFormat("start");
  OnStart(frames);
  capturing_ = true;
}

void Source::Extend(uint64_t frames) {
  if (capturing_) OnExtend(frames);
}

void Source::Stop() {
  if (!capturing_) return;
  capturing_ = false;
  OnStop();
}

uint32_t Source::Wanted() { return capturing_ ? OnWanted() : 0; }

void Source::Queue(uint32_t buffer) {
  if (!capturing_) throw Error(EINVAL, "queue: not capturing");
  OnQueue(buffer);
}

void Source::Starve() {
  if (capturing_) OnStarve();
}

std::optional<Completion> Source::Dequeue() {
  std::optional<Completion> completion = OnDequeue();
  if (completion && completion->kind == Completion::Kind::kGone) capturing_ = false;
  return completion;
}

std::vector<std::unique_ptr<Memory>> Source::OnAllocateBuffers(const std::string& name,
                                                               uint32_t count) {
  return MakeBuffers(name, count, [](const std::string& buffer, uint64_t bytes) {
    return AllocateMemory(buffer, bytes);
  });
}

}  // namespace grabfs
