// SPDX-License-Identifier: Apache-2.0
//
// Tells when device nodes appear in a directory. A node is often not usable yet when it appears:
// the rules of udev give it its group a moment later, and its predecessor of the same name may
// still be on its way out. So whoever is told can ask to be told again.
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
    kDone,   // this node needs no more attention
    kLater,  // tell me again, soon, unless this was the last time
  };
  // Called by the watch's thread. `last`: nobody will ask again, unless the node is created anew or
  // its owner or mode changes.
  using OnNode = std::function<Answer(const std::string& path, bool last)>;

  static constexpr std::chrono::milliseconds kRetryInterval{100};
  static constexpr std::chrono::milliseconds kPatience{3000};

  // From here on nothing is missed. Watches for nodes called PREFIX and a number. Throws Error.
  NodeWatch(std::string directory, std::string prefix);
  // Ends the thread.
  ~NodeWatch();
  NodeWatch(const NodeWatch&) = delete;
  NodeWatch& operator=(const NodeWatch&) = delete;

  // Before Start(): the node is there but cannot be used now. Tell when its owner or mode changes.
  void Expect(const std::string& path);
  // Begins to tell, of what has appeared since the construction.
  void Start(OnNode on_node);

 private:
  using Clock = std::chrono::steady_clock;

  void Run();
  void ReadEvents();
  void OnEvent(uint32_t mask, const std::string& name);
  void Retry();
  void Tell(const std::string& name);

  const std::string directory_;
  const std::string prefix_;
  UniqueFd inotify_;
  UniqueFd stop_;
  OnNode on_node_;
  std::map<std::string, Clock::time_point> pending_;  // to be told again, until then
  std::set<std::string> given_up_;                    // until their owner or mode changes
  std::thread thread_;
};

}  // namespace grabfs
