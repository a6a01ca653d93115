// SPDX-License-Identifier: Apache-2.0
//
// The base class of output devices, which show pictures instead of capturing. It never wants
// buffers nor completes frames; derived classes implement OnPresent().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "fusefs/source/source.h"

namespace grabfs {

class OutputSource : public Source {
 public:
  [[nodiscard]] bool output() const final { return true; }
  // -1: it never has completions.
  [[nodiscard]] int event_fd() const override { return -1; }

 protected:
  // The memory of a bound buffer. Throws Error(EINVAL).
  [[nodiscard]] Memory& Bound(uint32_t buffer) const;

  FrameFormat OnSetFormat(const FormatRequest& request) override;
  void OnSetRate(Rate /*rate*/) override {}
  void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) override { buffers_ = buffers; }
  void OnAttach(uint32_t /*buffer*/, std::shared_ptr<Memory> /*memory*/) final {}
  void OnDetach(uint32_t /*buffer*/) final {}
  void OnStart(uint64_t /*frames*/) final {}
  void OnExtend(uint64_t /*frames*/) final {}
  void OnStop() final {}
  uint32_t OnWanted() final { return 0; }
  void OnQueue(uint32_t /*buffer*/) final {}
  std::optional<Completion> OnDequeue() override { return std::nullopt; }
  void OnPresent(uint32_t buffer) override = 0;

 private:
  std::vector<std::shared_ptr<Memory>> buffers_;
};

}  // namespace grabfs
