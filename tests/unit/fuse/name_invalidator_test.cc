// SPDX-License-Identifier: Apache-2.0
//
// Invalidating names: the kernel is told when no other process holds the directory's lock, and no
// caller waits for it.
#include "fusefs/fuse/name_invalidator.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <vector>

namespace grabfs {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr uint64_t kFrames = 7;
constexpr uint64_t kOther = 8;

// Stands for the kernel: a test can make it block whoever invalidates a name.
class Kept {
 public:
  NameInvalidator::Notify Notify() {
    return [this](const Kernel::Name& name) {
      std::unique_lock lock(mutex_);
      entered_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !closed_; });
      names_.push_back(name.name);
      changed_.notify_all();
    };
  }
  void Close() { Set(true); }
  void Open() { Set(false); }
  void AwaitEntered() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [this] { return entered_; }));
  }
  // The first so many, as they come.
  std::vector<std::string> Await(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return names_.size() >= count; }));
    return names_;
  }

 private:
  void Set(bool closed) {
    const std::lock_guard lock(mutex_);
    closed_ = closed;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  bool entered_ = false;
  std::vector<std::string> names_;
};

bool Answer() { return true; }

// Whose end can be waited for. It may outlive the test.
std::shared_ptr<void> Token(std::future<void>& dropped) {
  auto promise = std::make_shared<std::promise<void>>();
  dropped = promise->get_future();
  return {nullptr, [promise](void*) { promise->set_value(); }};
}

bool Comes(std::future<void>& future) {
  return future.wait_for(kPatience) == std::future_status::ready;
}

TEST(NameInvalidator, NamesAreInvalidatedInOrder) {
  Kept kernel;
  NameInvalidator names(kernel.Notify());
  std::future<void> done;
  names.Invalidate({kFrames, 1, "a"}, nullptr);
  names.Invalidate({kFrames, 2, "b"}, Token(done));
  EXPECT_EQ(kernel.Await(2), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(Comes(done));
}

TEST(NameInvalidator, NothingIsInvalidatedWhileTheDirectoryIsOpen) {
  Kept kernel;
  NameInvalidator names(kernel.Notify());
  names.Opened(kFrames, Answer);
  names.Opened(kFrames, Answer);
  std::future<void> done;
  names.Invalidate({kFrames, 1, "a"}, Token(done));
  EXPECT_TRUE(Comes(done));  // the caller does not wait for whoever lists
  names.Invalidate({kOther, 1, "elsewhere"}, nullptr);
  EXPECT_EQ(kernel.Await(1), std::vector<std::string>{"elsewhere"});
  names.Closed(kFrames);
  names.Invalidate({kOther, 2, "still"}, nullptr);
  EXPECT_EQ(kernel.Await(2).back(), "still");
  names.Closed(kFrames);
  EXPECT_EQ(kernel.Await(3).back(), "a");
}

TEST(NameInvalidator, AnOpeningWaitsOnlyForTheNameThatIsBeingInvalidated) {
  Kept kernel;
  kernel.Close();
  NameInvalidator names(kernel.Notify());
  names.Invalidate({kFrames, 1, "a"}, nullptr);
  names.Invalidate({kFrames, 2, "b"}, nullptr);
  kernel.AwaitEntered();
  std::promise<void> opened;
  std::future<void> opening = opened.get_future();
  bool early = true;
  names.Opened(kFrames, [&] {
    EXPECT_FALSE(early);
    opened.set_value();
    return true;
  });
  bool other = false;
  names.Opened(kOther, [&other] { return other = true; });
  EXPECT_TRUE(other);
  early = false;
  kernel.Open();
  EXPECT_TRUE(Comes(opening));
  names.Invalidate({kOther + 1, 1, "elsewhere"}, nullptr);
  EXPECT_EQ(kernel.Await(2), (std::vector<std::string>{"a", "elsewhere"}));
  names.Closed(kFrames);
  EXPECT_EQ(kernel.Await(3).back(), "b");
}

TEST(NameInvalidator, WhoGivesUpOpeningHasNotOpened) {
  Kept kernel;
  NameInvalidator names(kernel.Notify());
  names.Opened(kFrames, [] { return false; });
  names.Invalidate({kFrames, 1, "a"}, nullptr);
  EXPECT_EQ(kernel.Await(1), std::vector<std::string>{"a"});
}

TEST(NameInvalidator, TooManyNamesExpireByThemselves) {
  Kept kernel;
  NameInvalidator names(kernel.Notify());
  names.Opened(kFrames, Answer);
  for (size_t i = 0; i <= NameInvalidator::kMaxWaiting; ++i) {
    names.Invalidate({kFrames, i + 1, std::to_string(i)}, nullptr);
  }
  names.Closed(kFrames);
  EXPECT_EQ(kernel.Await(NameInvalidator::kMaxWaiting).front(), "1");
}

// The kernel may never give the directory's lock back.
TEST(NameInvalidator, ItsEndWaitsForNobody) {
  const auto kernel = std::make_shared<Kept>();
  kernel->Close();
  {
    NameInvalidator names(
        [kernel, notify = kernel->Notify()](const Kernel::Name& name) { notify(name); });
    names.Invalidate({kFrames, 1, "a"}, nullptr);
    kernel->AwaitEntered();
    std::future<void> done;
    names.Invalidate({kOther, 1, "b"}, Token(done));
  }
  kernel->Open();
  EXPECT_EQ(kernel->Await(1).front(), "a");
}

}  // namespace
}  // namespace grabfs
