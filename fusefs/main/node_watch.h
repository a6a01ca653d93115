// SPDX-License-Identifier: Apache-2.0
//
// Reports device nodes that appear in a directory (inotify). A new node often cannot be used at
// once: udev gives it its group a moment later, and an unplugged device of the same name may still
// be in the mount. So the callback can ask to be called again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

// The nodes called PREFIX and a number that are in `directory` now: number, path.
std::map<uint32_t, std::string> ListNodes(const std::string& directory, const std::string& prefix);

class NodeWatch {
 public:
  enum class Answer {
    kDone,   // do not report this node again
    kLater,  // report it again soon, unless this was the last time
  };
  // Called by the watch's thread. `last`: the node will not be reported again, unless it is created
  // anew or its owner or mode changes.
  using OnNode = std::function<Answer(const std::string& path, bool last)>;

  static constexpr std::chrono::milliseconds kRetryInterval{100};
  static constexpr std::chrono::milliseconds kPatience{3000};

  // Watches for nodes called PREFIX and a number; nodes that appear after this are not missed.
  // Throws Error.
  NodeWatch(std::string directory, std::string prefix);
  // Joins the thread.
  ~NodeWatch();
  NodeWatch(const NodeWatch&) = delete;
  NodeWatch& operator=(const NodeWatch&) = delete;

  // Before Start(): the node exists but cannot be used now. Report it when its owner or mode
  // changes.
  void Expect(const std::string& path);
  // Starts the thread, which reports all nodes that have appeared since the construction.
  void Start(OnNode on_node);

 private:
  using Clock = std::chrono::steady_clock;

  void Run();
  void ReadEvents();
  void OnEvent(uint32_t mask, const std::string& name);
  void Retry();
  void Report(const std::string& name);

  const std::string directory_;
  const std::string prefix_;
  UniqueFd inotify_;
  UniqueFd stop_;
  OnNode on_node_;
  std::map<std::string, Clock::time_point> pending_;  // to be reported again, until this time
  std::set<std::string> given_up_;                    // until their owner or mode changes
  std::thread thread_;
};

}  // namespace grabfs
