// SPDX-License-Identifier: Apache-2.0
//
// One file, whose changes can be waited for, and storages that do what a test says.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "fusefs/alloc/fair_pool.h"
#include "fusefs/alloc/file.h"
#include "fusefs/alloc/memfd_storage.h"

namespace grabfs::alloc {

// The errno that something ends with which tells so later; 0 when it went well.
class Outcome {
 public:
  [[nodiscard]] File::Done Done() {
    return [promise = promise_](const Error* error) {
      promise->set_value(error != nullptr ? error->code() : 0);
    };
  }
  int Await() { return result_.get(); }
  [[nodiscard]] bool Pending() const {
    return result_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
  }

 private:
  std::shared_ptr<std::promise<int>> promise_ = std::make_shared<std::promise<int>>();
  std::future<int> result_ = promise_->get_future();
};

// Passes everything on to a memfd.
class WrappedStorage : public Storage {
 public:
  [[nodiscard]] int fd() const override { return inner_->fd(); }
  [[nodiscard]] std::shared_ptr<const void> pages() const override { return nullptr; }
  [[nodiscard]] uint64_t bytes() const override { return inner_->bytes(); }
  [[nodiscard]] bool resizes_in_place() const override { return true; }
  [[nodiscard]] bool charged_to_caller() const override { return false; }
  [[nodiscard]] std::unique_ptr<Change> Resize(uint64_t size, uint64_t bytes) override {
    return inner_->Resize(size, bytes);
  }
  [[nodiscard]] std::unique_ptr<Change> Reserve(uint64_t bytes) override {
    return inner_->Reserve(bytes);
  }
  void Release(uint64_t bytes) noexcept override { inner_->Release(bytes); }
  [[nodiscard]] bool Idle() override { return inner_->Idle(); }
  [[nodiscard]] bool leases() const override { return inner_->leases(); }
  [[nodiscard]] std::shared_ptr<Memory> Map(uint64_t bytes) override { return inner_->Map(bytes); }

 private:
  std::unique_ptr<Storage> inner_ = MakeMemfdStorage("test");
};

// Memory whose pages become others with each size, as a device's do.
class FixedStorage final : public WrappedStorage {
 public:
  [[nodiscard]] int fd() const override { return bytes() > 0 ? WrappedStorage::fd() : -1; }
  [[nodiscard]] bool resizes_in_place() const override { return false; }
  [[nodiscard]] std::unique_ptr<Change> Reserve(uint64_t /*bytes*/) override {
    throw Error(EOPNOTSUPP, "fixed");
  }
};

// Finds memory when it is allowed to, slice by slice, and fails when it is told to.
class SlowStorage final : public WrappedStorage {
 public:
  // The next slice begins; waits for the one before to have ended.
  void AwaitSlice() { begun_.acquire(); }
  void AllowSlice() { allowed_.release(); }
  void FailNext(int code) { failure_ = code; }
  // Slices of each change.
  void SetSlices(int count) { slices_ = count; }

  [[nodiscard]] std::unique_ptr<Change> Resize(uint64_t size, uint64_t bytes) override {
    return std::make_unique<Slow>(this, WrappedStorage::Resize(size, bytes));
  }
  [[nodiscard]] std::unique_ptr<Change> Reserve(uint64_t bytes) override {
    return std::make_unique<Slow>(this, WrappedStorage::Reserve(bytes));
  }

 private:
  class Slow final : public Change {
   public:
    Slow(SlowStorage* storage, std::unique_ptr<Change> inner)
        : storage_(*storage), inner_(std::move(inner)), left_(storage->slices_) {}
    bool Work(const Payer& payer) override {
      storage_.begun_.release();
      storage_.allowed_.acquire();
      if (const int code = storage_.failure_.exchange(0)) throw Error(code, "as told");
      if (--left_ > 0) return true;
      while (inner_->Work(payer)) {
      }
      return false;
    }
    void Commit() noexcept override { inner_->Commit(); }

   private:
    SlowStorage& storage_;
    const std::unique_ptr<Change> inner_;
    int left_;
  };

  std::counting_semaphore<> begun_{0};
  std::counting_semaphore<> allowed_{0};
  std::atomic<int> failure_ = 0;
  std::atomic<int> slices_ = 1;
};

class FileTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kQuota = 1 << 20;
  // Threads that live: nothing is done for the dead.
  const Caller kAlice = {.uid = 1001, .gid = 1001, .pid = ::getpid()};
  const Caller kBob = {.uid = 1002, .gid = 1002, .pid = ::getppid()};

  // What has been replied to may not be quite over.
  ~FileTest() override {
    file_.reset();
    pool_.AwaitIdle();
  }

  FilePtr Make(std::shared_ptr<Storage> storage) {
    return File::Make(&dependencies_, ++serial_, kAlice, 0600, true, std::move(storage), "");
  }

  [[nodiscard]] uint64_t Charged(const Caller& who) const { return quota_.Of(who.uid).bytes; }
  [[nodiscard]] std::vector<std::byte> Contents() {
    std::vector<std::byte> data(file_->size());
    EXPECT_EQ(file_->Read(0, data), data.size());
    return data;
  }
  int Resize(uint64_t size, const Caller& caller, File::Handle own = File::kNoHandle) {
    Outcome outcome;
    file_->Resize(size, caller, own, outcome.Done());
    return outcome.Await();
  }
  int Grow(uint64_t size) {
    Outcome outcome;
    file_->Grow(size, kAlice, File::kNoHandle, outcome.Done());
    return outcome.Await();
  }
  int Reserve(uint64_t bytes) {
    Outcome outcome;
    file_->Reserve(bytes, kAlice, File::kNoHandle, outcome.Done());
    return outcome.Await();
  }
  int Write(uint64_t offset, const std::vector<std::byte>& data) {
    Outcome outcome;
    file_->Write(offset, data, kAlice, File::kNoHandle, outcome.Done());
    return outcome.Await();
  }
  int WriteBack(uint64_t offset, const std::vector<std::byte>& data) {
    Outcome outcome;
    file_->WriteBack(offset, data, kAlice, outcome.Done());
    return outcome.Await();
  }
  int Adopt(std::shared_ptr<Storage> storage, const std::string& device) {
    Outcome outcome;
    file_->Adopt(std::move(storage), device, kAlice, outcome.Done());
    return outcome.Await();
  }

  Quota quota_{{.user_bytes = kQuota, .total_bytes = kQuota, .user_files = 10}};
  bool mapped_ = false;
  std::vector<FilePtr> all_;  // who give back
  std::stop_source stop_;
  Backlog backlog_;
  FairPool pool_;
  File::Dependencies dependencies_{
      .quota = &quota_,
      .pool = &pool_,
      .backlog = &backlog_,
      .mapped_by_others = [this](uint64_t, const Caller&) { return mapped_; },
      .give_back =
          [this] {
            for (const FilePtr& file : all_) file->GiveBack();
          },
      .stop = stop_.get_token()};
  uint64_t serial_ = 0;
  FilePtr file_ = Make(MakeMemfdStorage("test"));
};

}  // namespace grabfs::alloc
