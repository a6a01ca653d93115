// SPDX-License-Identifier: Apache-2.0
//
// Whom the kernel charges for memory of alloc/: the memory cgroup of whoever asked for it. Tried in
// a cgroup of its own, where this process may make one.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "fusefs/base/charge.h"
#include "tests/mount/support/alloc.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr uint64_t kMegabyte = uint64_t{1} << 20;
constexpr const char* kHierarchy = "/sys/fs/cgroup";

bool Write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream stream(file);
  return static_cast<bool>(stream << text << std::flush);
}

// A cgroup that goes away with this object.
class Group {
 public:
  explicit Group(std::filesystem::path directory) : directory_(std::move(directory)) {
    std::filesystem::create_directory(directory_);
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group() { ::rmdir(directory_.c_str()); }

  [[nodiscard]] bool Set(const std::string& file, const std::string& value) const {
    return Write(directory_ / file, value);
  }
  // Bytes that the members are charged for.
  [[nodiscard]] uint64_t Taken() const {
    std::ifstream file(directory_ / "memory.current");
    uint64_t value = 0;
    file >> value;
    return value;
  }

 private:
  const std::filesystem::path directory_;
};

class AllocChargeTest : public MountTest {
 protected:
  void SetUp() override {
    struct statfs info {};
    const bool unified = ::statfs(kHierarchy, &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
    if (!unified || ::geteuid() != 0) GTEST_SKIP() << "needs root and cgroup v2";
    if (!Write(std::filesystem::path(kHierarchy) / "cgroup.subtree_control", "+memory")) {
      GTEST_SKIP() << "memory cgroups are somebody else's here";
    }
    MountTest::SetUp();
    if (!IsSkipped()) group_.emplace(std::filesystem::path(kHierarchy) / "grabfs-alloc-test");
  }

  // Both kinds of memory: anybody's and the device's.
  [[nodiscard]] std::vector<std::string> Places() const {
    return {mount().Path("alloc/a"), mount().Path("alloc/sim0/a")};
  }
  // What `body` returns when it runs in the group.
  [[nodiscard]] int Inside(const std::function<int()>& body) const {
    return Child([&](Child::Parent) { return group_->Set("cgroup.procs", "0") ? body() : 100; })
        .Wait();
  }

  std::optional<Group> group_;
};

TEST_F(AllocChargeTest, TheCreatorsGroupPays) {
  // What the last file leaves behind goes away later, so the group is asked only while it is empty.
  const uint64_t before = group_->Taken();
  for (const std::string& path : Places()) {
    ASSERT_EQ(Inside([&] { return AllocateError(path, 16 * kMegabyte); }), 0) << path;
    EXPECT_EQ(Xattr(path, "charged"), "owner") << path;
    EXPECT_GE(group_->Taken(), before + 15 * kMegabyte) << path;
    ASSERT_EQ(::unlink(path.c_str()), 0);
    EXPECT_TRUE(WaitUntil([&] { return group_->Taken() < before + 4 * kMegabyte; })) << path;
  }
}

// Whoever freezes his group waits for himself. Nobody waits for him, and nothing is lost.
TEST_F(AllocChargeTest, AFrozenGroupHoldsNobodyUp) {
  const std::string path = Places().front();
  Child client([&](Child::Parent parent) {
    if (!group_->Set("cgroup.procs", "0")) return 100;
    const UniqueFd file = Allocate(path, 0);
    parent.Tell();
    return ErrorOf(::ftruncate(file.get(), 64 * kMegabyte));
  });
  client.Await();
  ASSERT_TRUE(group_->Set("cgroup.freeze", "1"));
  EXPECT_EQ(AllocateError(mount().Path("alloc/b"), 16 * kMegabyte), 0);
  EXPECT_EQ(device().Get("trigger"), "0");
  ASSERT_TRUE(group_->Set("cgroup.freeze", "0"));
  EXPECT_EQ(client.Wait(), 0);
  EXPECT_EQ(Xattr(path, "charged"), "owner");
  ASSERT_EQ(::unlink(path.c_str()), 0);
}

// The same for the processes that find the memory: one that was put into a frozen group.
TEST_F(AllocChargeTest, MemoryIsFoundForAFrozenGroup) {
  Child client([&](Child::Parent parent) {
    if (!group_->Set("cgroup.procs", "0")) return 100;
    parent.Tell();
    for (;;) ::pause();
  });
  client.Await();
  ASSERT_TRUE(group_->Set("cgroup.freeze", "1"));
  const uint64_t before = group_->Taken();
  const ChargedWork done = RunCharged(Account::Of(client.pid()), [] {
    const int file = ::memfd_create("frozen", MFD_CLOEXEC);
    return ::fallocate(file, 0, 0, 16 * kMegabyte) == 0 ? 0 : errno;
  });
  EXPECT_EQ(done.error, 0);
  EXPECT_TRUE(done.to_caller);
  EXPECT_GE(group_->Taken(), before + 15 * kMegabyte);
  client.Kill();
}

TEST_F(AllocChargeTest, AGroupWithoutRoomIsRefusedAndNobodyIsKilled) {
  ASSERT_TRUE(group_->Set("memory.max", std::to_string(8 * kMegabyte)));
  for (const std::string& path : Places()) {
    EXPECT_EQ(Inside([&] { return AllocateError(path, 16 * kMegabyte); }), ENOSPC) << path;
    EXPECT_EQ(Stat(path).st_size, 0);
  }
  EXPECT_EQ(mount().Status().at("alloc").at("bytes"), 0);
}

}  // namespace
}  // namespace grabfs::mount_test
