// SPDX-License-Identifier: Apache-2.0
//
// The threads that serve a session, against a kernel that the test plays: what it says instead of a
// request, and requests that hang.
#include "fusefs/fuse/workers.h"

#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/fuse/fuse.h"
#include "fusefs/vfs/inode.h"

namespace grabfs {
namespace {

constexpr std::chrono::seconds kPatience{60};

// One session at a time, because libfuse's input and output functions know no object.
class KernelTest : public ::testing::Test {
 protected:
  using Message = std::vector<char>;

  void SetUp() override {
    self_ = this;
    static char program[] = "test";
    char* argv[] = {program, nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, argv);
    fuse_lowlevel_ops table = {};
    table.getattr = [](fuse_req_t req, fuse_ino_t, fuse_file_info*) {
      fuse_reply_err(req, ENOENT);
    };
    table.fsync = [](fuse_req_t req, fuse_ino_t ino, int, fuse_file_info*) {
      self_->Hang(req, ino);
    };
    session_ = fuse_session_new(&args, &table, sizeof(table), nullptr);
    fuse_opt_free_args(&args);
    ASSERT_NE(session_, nullptr);
    fuse_custom_io io = {};
    io.read = [](int, void* buffer, size_t size, void*) { return self_->Read(buffer, size); };
    io.writev = [](int, iovec* parts, int count, void*) { return self_->Write(parts, count); };
    ready_.reset(::eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE));
    ASSERT_EQ(fuse_session_custom_io(session_, &io, sizeof(io), ready_.get()), 0);
    workers_ = std::make_unique<Workers>(session_);
    SayHello();
    server_ = std::async(std::launch::async, [this] { workers_->Run(); });
  }
  void TearDown() override {
    Release();
    if (server_.valid()) {
      workers_->Stop();
      EXPECT_NO_THROW(server_.get());
    }
    workers_.reset();
    fuse_session_destroy(session_);
    (void)ready_.release();  // the session has closed it
  }

  // What the kernel says next: a request, or an errno value.
  void Say(Message message) { Queue({std::move(message), 0}); }
  void Say(int code) { Queue({{}, code}); }
  void Ask(uint32_t opcode, uint64_t unique, uint64_t inode, uint32_t user = 0) {
    Message message(sizeof(fuse_in_header) + sizeof(fuse_fsync_in), '\0');
    fuse_in_header header = {};
    header.len = static_cast<uint32_t>(message.size());
    header.opcode = opcode;
    header.unique = unique;
    header.nodeid = inode;
    header.uid = user;
    std::memcpy(message.data(), &header, sizeof(header));
    Say(std::move(message));
  }
  [[nodiscard]] bool IsAnswered(uint64_t unique) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return answers_.contains(unique); });
  }
  [[nodiscard]] int AnswerTo(uint64_t unique) {
    EXPECT_TRUE(IsAnswered(unique));
    const std::lock_guard lock(mutex_);
    return answers_[unique];
  }
  // So many calls of a device hang now.
  [[nodiscard]] bool HaveHung(uint32_t device, unsigned count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return hanging_[device] == count; });
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  static uint64_t InodeOf(uint32_t device) { return Inode{device, NodeKind::kBuffer, 0}.number(); }

  std::future<void> server_;
  std::unique_ptr<Workers> workers_;

 private:
  struct Said {
    Message message;
    int code;
  };

  void Queue(Said said) {
    {
      const std::lock_guard lock(mutex_);
      said_.push_back(std::move(said));
    }
    ::eventfd_write(ready_.get(), 1);
  }
  void SayHello() {
    Message message(sizeof(fuse_in_header) + sizeof(fuse_init_in), '\0');
    fuse_in_header header = {};
    header.len = static_cast<uint32_t>(message.size());
    header.opcode = FUSE_INIT;
    header.unique = 1;
    fuse_init_in init = {};
    init.major = FUSE_KERNEL_VERSION;
    init.minor = 31;
    std::memcpy(message.data(), &header, sizeof(header));
    std::memcpy(message.data() + sizeof(header), &init, sizeof(init));
    Say(std::move(message));
  }
  ssize_t Read(void* buffer, size_t size) {
    eventfd_t one = 0;
    const std::lock_guard lock(mutex_);
    if (said_.empty()) {
      errno = EAGAIN;
      return -1;
    }
    (void)::eventfd_read(ready_.get(), &one);
    const Said said = std::move(said_.front());
    said_.pop_front();
    if (said.code != 0) {
      errno = said.code;
      return -1;
    }
    EXPECT_LE(said.message.size(), size);
    std::memcpy(buffer, said.message.data(), said.message.size());
    return static_cast<ssize_t>(said.message.size());
  }
  ssize_t Write(const iovec* parts, int count) {
    fuse_out_header header = {};
    std::memcpy(&header, parts[0].iov_base, sizeof(header));
    ssize_t written = 0;
    for (int i = 0; i < count; ++i) written += static_cast<ssize_t>(parts[i].iov_len);
    const std::lock_guard lock(mutex_);
    answers_[header.unique] = header.error;
    changed_.notify_all();
    return written;
  }
  void Hang(fuse_req_t req, fuse_ino_t inode) {
    if (Workers::Refuses()) {
      fuse_reply_err(req, EDQUOT);
      return;
    }
    {
      std::unique_lock lock(mutex_);
      ++hanging_[Inode::Decode(inode).device];
      changed_.notify_all();
      changed_.wait(lock, [this] { return released_; });
    }
    fuse_reply_err(req, 0);
  }

  inline static KernelTest* self_ = nullptr;
  fuse_session* session_ = nullptr;
  UniqueFd ready_;  // eventfd: as many as there are in said_
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Said> said_;
  std::map<uint64_t, int> answers_;
  std::map<uint32_t, unsigned> hanging_;
  bool released_ = false;
};

using WorkersTest = KernelTest;

TEST_F(WorkersTest, LackOfMemoryForARequestIsNotTheEndOfTheMount) {
  for (const int code : {ENOMEM, EFAULT, ENOBUFS, EINTR}) Say(code);
  Ask(FUSE_GETATTR, 10, FUSE_ROOT_ID);
  EXPECT_TRUE(IsAnswered(10));
}

TEST_F(WorkersTest, AnythingElseIsItsEndAndSaysSo) {
  Say(EBADF);
  EXPECT_THROW(server_.get(), Error);
}

TEST_F(WorkersTest, AHungDeviceLeavesThreadsToTheOthers) {
  for (uint64_t i = 0; i < 40; ++i) Ask(FUSE_FSYNC, 100 + i, InodeOf(1));
  Ask(FUSE_FSYNC, 200, InodeOf(2));
  Ask(FUSE_GETATTR, 201, FUSE_ROOT_ID);
  EXPECT_TRUE(IsAnswered(201));
  EXPECT_TRUE(HaveHung(2, 1));
  Release();
  for (uint64_t i = 0; i < 40; ++i) EXPECT_TRUE(IsAnswered(100 + i)) << i;
  EXPECT_TRUE(IsAnswered(200));
}

// The queue is long, but his part of it is not.
TEST_F(WorkersTest, AUserWithVeryManyCallsIsRefusedMoreAndNobodyElseWaits) {
  constexpr uint64_t kCalls = 6000;
  for (uint64_t i = 0; i < kCalls; ++i) Ask(FUSE_FSYNC, 10000 + i, InodeOf(1), 1);
  Ask(FUSE_FSYNC, 200, InodeOf(2), 2);
  Ask(FUSE_GETATTR, 201, FUSE_ROOT_ID);
  EXPECT_TRUE(IsAnswered(201));
  EXPECT_TRUE(HaveHung(2, 1));
  EXPECT_EQ(AnswerTo(10000 + kCalls - 1), -EDQUOT);
  Release();
  EXPECT_EQ(AnswerTo(10000), 0);
  EXPECT_EQ(AnswerTo(200), 0);
}

TEST_F(WorkersTest, WithEveryThreadBusySomebodyStillLeads) {
  for (uint32_t device = 1; device <= 10; ++device) {
    for (uint64_t i = 0; i < 10; ++i) Ask(FUSE_FSYNC, 100 * device + i, InodeOf(device));
  }
  Ask(FUSE_GETATTR, 5000, FUSE_ROOT_ID);
  EXPECT_TRUE(IsAnswered(5000));
  Release();
  for (uint32_t device = 1; device <= 10; ++device) {
    EXPECT_TRUE(IsAnswered(100 * device + 9)) << device;
  }
}

}  // namespace
}  // namespace grabfs
