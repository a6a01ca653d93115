// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/name_invalidator.h"

#include <linux/fuse.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "fusefs/base/mutex.h"
#include "fusefs/base/thread.h"

namespace grabfs {

class NameInvalidator::State {
 public:
  explicit State(Notify notify) : notify_(std::move(notify)) {}

  void Opened(uint64_t number, const Reply& reply);
  void Closed(uint64_t number);
  void Invalidate(Kernel::Name name, std::shared_ptr<void> done);
  void Stop();
  // Runs in the thread.
  void Run();

 private:
  struct Waiting {
    Kernel::Name name;
    std::shared_ptr<void> done;
  };
  struct Directory {
    unsigned open = 0;
    bool busy = false;  // a name of it is being invalidated
    std::deque<Waiting> waiting;
    std::vector<Reply> openings;  // wait for `busy` to end

    [[nodiscard]] bool ready() const { return open == 0 && !busy && !waiting.empty(); }
    [[nodiscard]] bool unused() const { return open == 0 && !busy && waiting.empty(); }
  };
  using Place = std::map<uint64_t, Directory>::iterator;

  // The first expects mutex_ to be held.
  Place FindReady();
  void InvalidateOne(std::unique_lock<Mutex>& lock, Place place);

  const Notify notify_;
  Mutex mutex_;  // guards all below; leaf
  Condition changed_;
  std::map<uint64_t, Directory> directories_;  // none that is unused
  bool stopped_ = false;
};

void NameInvalidator::State::Opened(uint64_t number, const Reply& reply) {
  {
    const std::lock_guard lock(mutex_);
    Directory& directory = directories_[number];
    ++directory.open;
    if (directory.busy) {
      directory.openings.push_back(reply);
      return;
    }
  }
  if (!reply()) Closed(number);
}

void NameInvalidator::State::Closed(uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto place = directories_.find(number);
  --place->second.open;
  if (place->second.unused()) {
    directories_.erase(place);
  } else if (place->second.ready()) {
    changed_.notify_one();
  }
}

void NameInvalidator::State::Invalidate(Kernel::Name name, std::shared_ptr<void> done) {
  const uint64_t number = name.parent;
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  Directory& directory = directories_[number];
  if (directory.open > 0) done = nullptr;
  directory.waiting.push_back({std::move(name), std::move(done)});
  if (directory.waiting.size() > kMaxWaiting) directory.waiting.pop_front();
  if (directory.ready()) changed_.notify_one();
}

void NameInvalidator::State::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_one();
}

NameInvalidator::State::Place NameInvalidator::State::FindReady() {
  return std::ranges::find_if(directories_, [](const auto& entry) { return entry.second.ready(); });
}

void NameInvalidator::State::Run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (const auto place = FindReady(); place != directories_.end()) {
      InvalidateOne(lock, place);
    } else {
      changed_.wait(lock);
    }
  }
}

void NameInvalidator::State::InvalidateOne(std::unique_lock<Mutex>& lock, Place place) {
  Directory& directory = place->second;
  Waiting first = std::move(directory.waiting.front());
  directory.waiting.pop_front();
  directory.busy = true;
  lock.unlock();
  notify_(first.name);
  first.done.reset();
  lock.lock();
  directory.busy = false;
  const uint64_t number = place->first;
  const auto openings = std::exchange(directory.openings, {});
  if (directory.unused()) directories_.erase(place);
  lock.unlock();
  for (const Reply& reply : openings) {
    if (!reply()) Closed(number);
  }
  lock.lock();
}

NameInvalidator::NameInvalidator(Notify notify)
    : state_(std::make_shared<State>(std::move(notify))) {
  StartThread("names", [state = state_] { state->Run(); }).detach();
}

NameInvalidator::~NameInvalidator() { state_->Stop(); }

void NameInvalidator::Opened(uint64_t directory, Reply reply) { state_->Opened(directory, reply); }

void NameInvalidator::Closed(uint64_t directory) { state_->Closed(directory); }

void NameInvalidator::Invalidate(Kernel::Name name, std::shared_ptr<void> done) {
  state_->Invalidate(std::move(name), std::move(done));
}

void SendNameInvalidation(int session, const Kernel::Name& name) {
  fuse_out_header header = {};
  fuse_notify_delete_out deleted = {.parent = name.parent,
                                    .child = name.child,
                                    .namelen = static_cast<uint32_t>(name.name.size()),
                                    .padding = 0};
  fuse_notify_inval_entry_out dropped = {};
  dropped.parent = name.parent;
  dropped.namelen = deleted.namelen;
  // FUSE_NOTIFY_DELETE drops more, but takes the lock of the file for that.
  const bool known = name.child != 0;
  const iovec what = known ? iovec{&deleted, sizeof(deleted)} : iovec{&dropped, sizeof(dropped)};
  header.error = known ? FUSE_NOTIFY_DELETE : FUSE_NOTIFY_INVAL_ENTRY;
  const std::array<iovec, 3> message = {
      {{&header, sizeof(header)},
       what,
       {const_cast<char*>(name.name.c_str()), name.name.size() + 1}}};
  for (const iovec& part : message) header.len += static_cast<uint32_t>(part.iov_len);
  // ENOENT: the name is not cached. Other errors cannot be helped: the name expires.
  (void)!::writev(session, message.data(), static_cast<int>(message.size()));
}

}  // namespace grabfs
