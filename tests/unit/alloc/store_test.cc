// SPDX-License-Identifier: Apache-2.0
//
// Names in alloc/, and the end of files, on real memory.
#include "fusefs/alloc/store.h"

#include <gtest/gtest.h>
#include <stdio.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <thread>

#include "fusefs/alloc/memfd_storage.h"
#include "tests/unit/alloc/error_of.h"

namespace grabfs::alloc {
namespace {

constexpr Caller kAlice = {.uid = 1001, .gid = 1001, .pid = 0};
constexpr Store::DirectoryId kRoot = Store::kRoot;

class StoreTest : public ::testing::Test {
 protected:
  FilePtr Make(const std::string& name, Store::DirectoryId directory = kRoot) {
    return store_.Create(directory, name, kAlice, 0600);
  }
  [[nodiscard]] std::vector<std::string> Names(Store::DirectoryId directory = kRoot) const {
    std::vector<std::string> names;
    for (const auto& entry : store_.List(directory, 0, 100)) names.push_back(entry.name);
    return names;
  }
  // What was removed is freed a moment later.
  [[nodiscard]] bool FilesAre(uint64_t count) const {
    for (int i = 0; i < 500 && store_.quota().Total().files != count; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return store_.quota().Total().files == count;
  }
  [[nodiscard]] bool AllIsFree() const { return FilesAre(0); }
  int Bind(const std::string& name, const std::string& device) {
    std::promise<int> result;
    store_.Bind(store_.Find(kRoot, name), device, kAlice, [&](const Error* error) {
      result.set_value(error != nullptr ? error->code() : 0);
    });
    return result.get_future().get();
  }

  bool orphans_ = false;
  Store store_{{.limits = {.user_bytes = 1 << 20, .total_bytes = 1 << 20, .user_files = 10},
                .mapped_by_others = [](uint64_t, const Caller&) { return false; },
                .make_storage =
                    [](const std::string& device, const std::string& name) {
                      if (device == "gone") throw Error(ENODEV, "gone");
                      return MakeMemfdStorage(name);
                    },
                .on_orphan = [this] { orphans_ = true; }}};
};

TEST_F(StoreTest, FilesAreListedInTheOrderOfTheirCreation) {
  for (const char* name : {"c", "a", "b"}) Make(name);
  EXPECT_EQ(Names(), (std::vector<std::string>{"c", "a", "b"}));
  const auto first = store_.List(kRoot, 0, 1);
  const auto rest = store_.List(kRoot, first.front().file->serial() + 1, 10);
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest.front().name, "a");
}

TEST_F(StoreTest, ANameIsTakenOnce) {
  Make("a");
  EXPECT_EQ(ErrorOf([&] { Make("a"); }), EEXIST);
  EXPECT_EQ(ErrorOf([&] { Make(std::string(256, 'x')); }), ENAMETOOLONG);
  EXPECT_EQ(store_.quota().Of(kAlice.uid).files, 1U);
}

TEST_F(StoreTest, UnlinkedFilesWithoutUsersAreGoneAtOnce) {
  const uint64_t serial = Make("a")->serial();
  store_.Unlink(kRoot, "a");
  EXPECT_EQ(store_.FindSerial(serial), nullptr);
  EXPECT_TRUE(AllIsFree());
  EXPECT_FALSE(orphans_);
  EXPECT_EQ(ErrorOf([&] { store_.Unlink(kRoot, "a"); }), ENOENT);
}

TEST_F(StoreTest, UnlinkedFilesThatAreOpenStayUntilTheyAreClosed) {
  FilePtr file = Make("a");
  const File::Handle handle = file->Opened(kAlice);
  store_.Unlink(kRoot, "a");
  EXPECT_FALSE(file->info().named);
  EXPECT_TRUE(store_.FreeOrphans());
  file->Closed(handle, true);
  store_.Closed(file);
  file.reset();
  EXPECT_FALSE(store_.FreeOrphans());
  EXPECT_TRUE(AllIsFree());
}

TEST_F(StoreTest, FilesWithoutANameAreNotListed) {
  FilePtr file = store_.CreateUnnamed(kRoot, kAlice, 0600);
  EXPECT_FALSE(file->info().named);
  EXPECT_EQ(store_.FindSerial(file->serial()), file);
  EXPECT_TRUE(Names().empty());
  EXPECT_EQ(store_.quota().Of(kAlice.uid).files, 1U);
  file.reset();
  EXPECT_TRUE(AllIsFree());
}

TEST_F(StoreTest, RenamingReplacesExchangesOrRefuses) {
  const FilePtr a = Make("a");
  Make("b");
  EXPECT_EQ(ErrorOf([&] { store_.Rename(kRoot, "a", kRoot, "b", RENAME_NOREPLACE); }), EEXIST);
  store_.Rename(kRoot, "a", kRoot, "b", RENAME_EXCHANGE);
  EXPECT_EQ(store_.Find(kRoot, "b"), a);
  store_.Rename(kRoot, "b", kRoot, "a", 0);
  EXPECT_EQ(Names(), std::vector<std::string>{"a"});
  EXPECT_EQ(store_.Find(kRoot, "a"), a);
  EXPECT_TRUE(FilesAre(1));
  store_.Rename(kRoot, "a", kRoot, "a", 0);
  EXPECT_EQ(ErrorOf([&] { store_.Rename(kRoot, "x", kRoot, "y", 0); }), ENOENT);
  EXPECT_EQ(ErrorOf([&] { store_.Rename(kRoot, "a", kRoot, "y", RENAME_EXCHANGE); }), ENOENT);
  EXPECT_EQ(ErrorOf([&] { store_.Rename(kRoot, "a", kRoot, "y", 64); }), EINVAL);
}

TEST_F(StoreTest, TheDirectoryOfADeviceBinds) {
  const auto directory = store_.AddDirectory("cam0");
  EXPECT_EQ(store_.AddDirectory("cam0"), directory);
  EXPECT_EQ(Make("a", directory)->info().device, "cam0");
  Make("b");
  EXPECT_EQ(ErrorOf([&] { store_.Rename(kRoot, "b", directory, "b", 0); }), EXDEV);
  EXPECT_EQ(Bind("b", "cam0"), 0);
  store_.Rename(kRoot, "b", directory, "b", 0);
  EXPECT_EQ(Names(directory), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(ErrorOf([&] { Make("c", store_.AddDirectory("gone")); }), ENODEV);
  EXPECT_EQ(ErrorOf([&] { Make("c", 77); }), ESTALE);
}

}  // namespace
}  // namespace grabfs::alloc
