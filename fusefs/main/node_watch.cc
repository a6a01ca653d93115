// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/node_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/thread.h"

namespace grabfs {
namespace {

constexpr uint32_t kEvents = IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM;
constexpr size_t kEventSpace = 4096;

std::optional<uint32_t> NumberAfter(const std::string& prefix, const std::string& name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  uint32_t number = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

std::map<uint32_t, std::string> ListNodes(const std::string& directory, const std::string& prefix) {
  std::map<uint32_t, std::string> nodes;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (const auto number = NumberAfter(prefix, entry.path().filename())) {
      nodes.emplace(*number, entry.path());
    }
  }
  return nodes;
}

NodeWatch::NodeWatch(std::string directory, std::string prefix)
    : directory_(std::move(directory)),
      prefix_(std::move(prefix)),
      inotify_(CheckSyscall(inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "inotify_init1")),
      stop_(CheckSyscall(eventfd(0, EFD_CLOEXEC), "eventfd")) {
  CheckSyscall(inotify_add_watch(inotify_.get(), directory_.c_str(), kEvents | IN_ONLYDIR),
               "watching " + directory_);
}

NodeWatch::~NodeWatch() {
  (void)eventfd_write(stop_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void NodeWatch::Expect(const std::string& path) {
  given_up_.insert(std::filesystem::path(path).filename());
}

void NodeWatch::Start(OnNode on_node) {
  on_node_ = std::move(on_node);
  thread_ = StartThread("watching " + directory_, [this] { Run(); });
}

void NodeWatch::Run() {
  for (;;) {
    pollfd fds[2] = {{stop_.get(), POLLIN, 0}, {inotify_.get(), POLLIN, 0}};
    (void)poll(fds, 2, pending_.empty() ? -1 : static_cast<int>(kRetryInterval.count()));
    if (fds[0].revents != 0) return;
    if (fds[1].revents != 0) {
      ReadEvents();
    } else {
      Retry();
    }
  }
}

void NodeWatch::ReadEvents() {
  alignas(inotify_event) std::array<char, kEventSpace> space;
  const ssize_t bytes = read(inotify_.get(), space.data(), space.size());
  for (ssize_t at = 0; at < bytes;) {
    const auto* event = reinterpret_cast<const inotify_event*>(space.data() + at);
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
      for (const auto& [number, path] : ListNodes(directory_, prefix_)) {
        Report(std::filesystem::path(path).filename());
      }
    } else if (event->len > 0) {
      OnEvent(event->mask, event->name);
    }
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
}

void NodeWatch::OnEvent(uint32_t mask, const std::string& name) {
  if (!NumberAfter(prefix_, name)) return;
  if ((mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
    pending_.erase(name);
    given_up_.erase(name);
  } else if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0 || given_up_.contains(name) ||
             pending_.contains(name)) {
    Report(name);
  }
}

void NodeWatch::Retry() {
  const auto due = pending_;
  for (const auto& [name, deadline] : due) Report(name);
}

void NodeWatch::Report(const std::string& name) {
  const auto now = Clock::now();
  const auto deadline = pending_.try_emplace(name, now + kPatience).first->second;
  const bool last = now >= deadline;
  Answer answer = Answer::kDone;
  CatchAndLog(directory_ + "/" + name, [&] { answer = on_node_(directory_ + "/" + name, last); });
  if (answer == Answer::kLater && !last) return;
  pending_.erase(name);
  if (answer == Answer::kLater) {
    given_up_.insert(name);
  } else {
    given_up_.erase(name);
  }
}

}  // namespace grabfs
