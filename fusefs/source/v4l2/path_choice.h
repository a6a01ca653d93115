// SPDX-License-Identifier: Apache-2.0
//
// Which way frames take from the driver into the buffers (io.h), and why that one.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "fusefs/source/v4l2/device.h"
#include "fusefs/source/v4l2/io.h"

namespace grabfs {

class V4l2PathChoice {
 public:
  // nullopt: the best one that the driver has.
  explicit V4l2PathChoice(std::optional<V4l2Path> forced) : forced_(forced) {}

  // nullopt: not chosen yet.
  [[nodiscard]] std::optional<V4l2Path> path() const { return path_; }
  // For people: why that one, or why none could be chosen yet.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // The driver does not begin with fewer buffers.
  [[nodiscard]] uint32_t least_queued() const { return least_queued_; }

  // `pins_are_uses`: the memory counts what the driver pins as a use. Throws Error(EINVAL): there
  // is none; EBUSY: it cannot be told while another program has the device.
  void Choose(V4l2Device& device, const V4l2Format& format, bool pins_are_uses);
  // The same, but without a choice while another program has the device.
  void TryToChoose(V4l2Device& device, const V4l2Format& format, bool pins_are_uses);
  // The format has changed: choose again.
  void Forget() { path_.reset(); }
  // Never choose this one again.
  void Exclude(V4l2Path path, const std::string& why) { unfit_.try_emplace(path, why); }

 private:
  [[nodiscard]] std::optional<std::string> Objection(V4l2Device& device, const V4l2Format& format,
                                                     V4l2Path path, bool pins_are_uses) const;

  const std::optional<V4l2Path> forced_;
  std::optional<V4l2Path> path_;
  std::string reason_;
  uint32_t least_queued_ = 1;
  std::map<V4l2Path, std::string> unfit_;
};

}  // namespace grabfs
