// SPDX-License-Identifier: Apache-2.0
//
// A file whose size is being changed, which takes as long as the test wants: everything else that
// is done with it, and with other files, goes on; and what is given up leaves nothing behind.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <vector>

#include "tests/unit/alloc/error_of.h"
#include "tests/unit/alloc/file_fixture.h"

namespace grabfs::alloc {
namespace {

class FileBlockedTest : public FileTest {
 protected:
  FileBlockedTest() {
    file_ = Make(slow_);
    handle_ = file_->Opened(kAlice);
    slow_->AllowSlice();
    EXPECT_EQ(Resize(kBefore, kAlice, handle_), 0);
    slow_->AwaitSlice();
  }

  static constexpr uint64_t kBefore = 8192;
  static constexpr uint64_t kAfter = 100'000;

  // Begins to grow, and does not get on.
  void Hang(const Caller& caller) {
    file_->Resize(kAfter, caller, handle_, resized_.Done());
    slow_->AwaitSlice();
  }
  int LetGo() {
    slow_->AllowSlice();
    return resized_.Await();
  }

  const std::shared_ptr<SlowStorage> slow_ = std::make_shared<SlowStorage>();
  File::Handle handle_ = File::kNoHandle;
  Outcome resized_;
};

TEST_F(FileBlockedTest, EverybodyElseIsServed) {
  const std::vector<std::byte> data(100, std::byte{7});
  ASSERT_EQ(Write(0, data), 0);
  Hang(kAlice);
  EXPECT_EQ(file_->info().size, kBefore) << "shown when it is there";
  EXPECT_EQ(Contents()[99], std::byte{7});
  const auto other = file_->Opened(kBob);
  EXPECT_GE(file_->backing_fd(), 0);
  file_->Closed(other, false);
  file_->SetMode(0644);
  file_->SetNamed(false);
  file_->SetXattr("user.note", "x", false, false);
  EXPECT_TRUE(file_->InUse());
  EXPECT_EQ(ErrorOf([&] { (void)file_->BeginFill(100); }), EBUSY);
  EXPECT_TRUE(resized_.Pending());
  EXPECT_EQ(LetGo(), 0);
  EXPECT_EQ(file_->size(), kAfter);
  EXPECT_EQ(Contents()[99], std::byte{7});
}

TEST_F(FileBlockedTest, AnotherUsersFileDoesNotWait) {
  Hang(kAlice);
  const FilePtr other = Make(MakeMemfdStorage("other"));
  Outcome small;
  other->Resize(8192, kBob, File::kNoHandle, small.Done());
  EXPECT_EQ(small.Await(), 0);
  EXPECT_TRUE(resized_.Pending());
  EXPECT_EQ(LetGo(), 0);
}

TEST_F(FileBlockedTest, OwnSmallFilesTakeTheirTurnBetweenSlices) {
  slow_->SetSlices(2);
  Hang(kAlice);
  const FilePtr other = Make(MakeMemfdStorage("other"));
  Outcome small;
  other->Resize(8192, kAlice, File::kNoHandle, small.Done());
  slow_->AllowSlice();
  EXPECT_EQ(small.Await(), 0);
  slow_->AwaitSlice();
  EXPECT_TRUE(resized_.Pending());
  EXPECT_EQ(LetGo(), 0);
}

TEST_F(FileBlockedTest, WritesWaitWithoutBlockingAndAreNotLost) {
  Hang(kAlice);
  Outcome written;
  const std::vector<std::byte> data(10, std::byte{9});
  file_->Write(5, data, kBob, File::kNoHandle, written.Done());
  Outcome written_back;
  file_->WriteBack(100, data, kBob, written_back.Done());
  EXPECT_TRUE(written.Pending());
  EXPECT_EQ(LetGo(), 0);
  EXPECT_EQ(written.Await(), 0);
  EXPECT_EQ(written_back.Await(), 0);
  EXPECT_EQ(Contents()[14], std::byte{9});
  EXPECT_EQ(Contents()[109], std::byte{9});
  EXPECT_EQ(file_->size(), kAfter);
}

// Of what the daemon keeps for one user, and of the requests that the kernel has under way, others
// need a part.
TEST_F(FileBlockedTest, NotMoreThanSomeWritesWait) {
  Hang(kAlice);
  const std::vector<std::byte> data(10, std::byte{9});
  std::vector<Outcome> written(Backlog::kMostOfOneUser);
  for (Outcome& outcome : written) {
    file_->Write(0, data, kAlice, File::kNoHandle, outcome.Done());
    EXPECT_TRUE(outcome.Pending());
  }
  Outcome refused;
  EXPECT_EQ(ErrorOf([&] { file_->Write(0, data, kAlice, File::kNoHandle, refused.Done()); }),
            EDQUOT);
  Outcome others;
  file_->Write(0, data, kBob, File::kNoHandle, others.Done());
  EXPECT_EQ(LetGo(), 0);
  for (Outcome& outcome : written) EXPECT_EQ(outcome.Await(), 0);
  EXPECT_EQ(others.Await(), 0);
  EXPECT_EQ(Write(0, data), 0) << "there is room again";
}

TEST_F(FileBlockedTest, AnotherResizeIsNext) {
  Hang(kAlice);
  Outcome second;
  file_->Resize(4096, kAlice, handle_, second.Done());
  EXPECT_EQ(LetGo(), 0);
  slow_->AwaitSlice();
  EXPECT_EQ(file_->size(), kAfter);
  slow_->AllowSlice();
  EXPECT_EQ(second.Await(), 0);
  EXPECT_EQ(file_->size(), 4096U);
  EXPECT_EQ(Charged(kAlice), 4096U);
}

TEST_F(FileBlockedTest, WantOfMemoryUndoesIt) {
  slow_->FailNext(ENOSPC);
  Hang(kAlice);
  EXPECT_EQ(Charged(kAlice), kAfter);
  EXPECT_EQ(LetGo(), ENOSPC);
  EXPECT_EQ(file_->size(), kBefore);
  EXPECT_EQ(Charged(kAlice), kBefore);
  EXPECT_EQ(Contents().size(), kBefore);
}

TEST_F(FileBlockedTest, ItCountsForTheNewOwner) {
  Hang(kAlice);
  file_->SetOwner(kBob.uid, std::nullopt);
  EXPECT_EQ(Charged(kBob), kAfter);
  slow_->FailNext(ENOSPC);
  EXPECT_EQ(LetGo(), ENOSPC);
  EXPECT_EQ(Charged(kBob), kBefore);
  EXPECT_EQ(Charged(kAlice), 0U);
}

TEST_F(FileBlockedTest, WhoIsKilledGetsNoMoreSlices) {
  slow_->SetSlices(1000);
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  Hang({.uid = kAlice.uid, .gid = kAlice.gid, .pid = child});
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(LetGo(), EINTR);
  EXPECT_EQ(file_->size(), kBefore);
  EXPECT_EQ(Charged(kAlice), kBefore);
}

TEST_F(FileBlockedTest, TheEndOfTheMountGivesItUp) {
  slow_->SetSlices(1000);
  Hang(kAlice);
  stop_.request_stop();
  EXPECT_EQ(LetGo(), ENODEV);
  EXPECT_EQ(Charged(kAlice), kBefore);
}

// Memory that is about to become another must not be handed out.
TEST_F(FileTest, AFileWhoseMemoryIsBeingReplacedIsOpenedWithoutIt) {
  class SlowFixed final : public WrappedStorage {
   public:
    [[nodiscard]] bool resizes_in_place() const override { return false; }
    [[nodiscard]] std::unique_ptr<Change> Resize(uint64_t size, uint64_t bytes) override {
      if (during) during();
      return WrappedStorage::Resize(size, bytes);
    }
    std::function<void()> during;
  };
  const auto storage = std::make_shared<SlowFixed>();
  file_ = Make(storage);
  ASSERT_EQ(Resize(100, kAlice), 0);
  File::Handle handle = File::kNoHandle;
  storage->during = [&] { handle = file_->Opened(kBob); };
  ASSERT_EQ(Resize(200, kAlice), 0);
  EXPECT_EQ(file_->backing_fd(), -1);
  file_->Closed(handle, false);
  (void)file_->Opened(kBob);
  EXPECT_GE(file_->backing_fd(), 0);
}

}  // namespace
}  // namespace grabfs::alloc
