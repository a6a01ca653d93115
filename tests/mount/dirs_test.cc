// SPDX-License-Identifier: Apache-2.0
//
// The tree as `ls`, `find` and `rm` meet it: complete and consistent listings also while frames
// come and go, and nothing in it that could be made, moved or removed by mistake.
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

using DirsTest = MountTest;

class Directory {
 public:
  explicit Directory(const std::string& path) : stream_(::opendir(path.c_str()), &::closedir) {
    if (!stream_) throw std::runtime_error("opendir " + path);
  }
  // The next name; empty at the end.
  std::string Next() {
    const dirent* entry = ::readdir(stream_.get());
    return entry ? entry->d_name : "";
  }
  [[nodiscard]] long Tell() const { return ::telldir(stream_.get()); }
  void Seek(long place) { ::seekdir(stream_.get(), place); }
  void Rewind() { ::rewinddir(stream_.get()); }

 private:
  std::unique_ptr<DIR, int (*)(DIR*)> stream_;
};

std::vector<std::string> ReadNames(Directory& directory) {
  std::vector<std::string> names;
  for (std::string name = directory.Next(); !name.empty(); name = directory.Next()) {
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

bool HasDuplicates(const std::vector<std::string>& names) {
  return std::set<std::string>(names.begin(), names.end()).size() != names.size();
}

// As every file system says.
TEST_F(DirsTest, NamesHaveAtMost255Bytes) {
  const uint64_t sequence = device().Capture(1);
  for (const std::string& directory :
       {mount().path(), mount().Path("alloc"), device().Path(""), device().Path("frames")}) {
    for (const size_t length : {255, 256, 1000, 1024, 1025, 3000}) {
      const std::string path = directory + "/" + std::string(length, 'n');
      const int expected = length > 255 ? ENAMETOOLONG : ENOENT;
      struct stat ignored {};
      EXPECT_EQ(ErrorOf(::stat(path.c_str(), &ignored)), expected) << path.size();
      EXPECT_EQ(ErrorOf(::unlink(path.c_str())), expected);
      if (length == 255) continue;  // where it may be done is each directory's business
      EXPECT_EQ(ErrorOf(::open(path.c_str(), O_CREAT | O_WRONLY, 0600)), ENAMETOOLONG);
      EXPECT_EQ(ErrorOf(::mkdir(path.c_str(), 0700)), ENAMETOOLONG);
      EXPECT_EQ(ErrorOf(::rename(device().Frame(sequence).c_str(), path.c_str())), ENAMETOOLONG);
    }
  }
}

TEST_F(DirsTest, TheTreeIsTheDocumentedOne) {
  EXPECT_EQ(List(mount().path()),
            (std::vector<std::string>{"alloc", "index.html", "sim0", "status.json"}));
  std::vector<std::string> names{"announce",
                                 "buffers",
                                 "buffers_count",
                                 "bytes",
                                 "direction",
                                 "events",
                                 "format",
                                 "frames",
                                 "frames.bmp",
                                 "frames.jpg",
                                 "frames.npy",
                                 "frames.pnm",
                                 "frames.tiff",
                                 "height",
                                 "into",
                                 "policy",
                                 "rate",
                                 "source",
                                 "state",
                                 "status.json",
                                 "stream-lossless.raw",
                                 "stream-lossless.y4m",
                                 "stream.raw",
                                 "stream.y4m",
                                 "stride",
                                 "trigger",
                                 "width",
                                 "writeback_ms"};
  if (ActiveDataPath() == DataPath::kPassthrough) {
    names.insert(std::ranges::find(names, "source"), {"readers", "ring"});
  }
  EXPECT_EQ(List(device().Path("")), names);
  device().Capture(1);
  EXPECT_TRUE(std::ranges::count(List(device().Path("")), "latest.raw"));
}

TEST_F(DirsTest, NamesAndStatAgree) {
  device().Capture(2);
  const CommandResult found = RunShell("find " + mount().path() + " -printf '%i %y %p\\n'");
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_TRUE(S_ISDIR(Stat(device().Path("frames")).st_mode));
  EXPECT_TRUE(S_ISREG(Stat(device().Path("events")).st_mode));
  EXPECT_TRUE(S_ISREG(Stat(device().Frame(0)).st_mode));
  EXPECT_EQ(Stat(device().Path("frames/..")).st_ino, Stat(device().Path("")).st_ino);
}

TEST_F(DirsTest, LsOfALiveTreeSucceeds) {
  device().Set("state", "start");
  for (int i = 0; i < 20; i++) {
    const CommandResult result =
        RunCommand({"find", mount().path(), "-ignore_readdir_race", "-ls"});
    EXPECT_EQ(result.status, 0) << result.err;
  }
}

TEST_F(DirsTest, ManyBuffersAreListedOnceEach) {
  Start({{"sim0=pattern,format=GREY,width=16,height=16,rate=0,buffers=4096,state=stopped"}, {}});
  const std::vector<std::string> names = List(device().Path("buffers"));
  EXPECT_EQ(names.size(), 4096U);
  EXPECT_FALSE(HasDuplicates(names));
  EXPECT_TRUE(Exists(device().Buffer(4095)));
  device().Capture(4096);
  EXPECT_EQ(device().Frames().size(), 4096U);
  EXPECT_EQ(RunCommand({"ls", "-l", device().Path("frames")}).status, 0);
}

TEST_F(DirsTest, AListingWhileFramesComeAndGoNamesNoneTwiceAndKeepsTheStable) {
  Start({{"sim0=pattern,format=GREY,width=16,height=16,rate=0,buffers=512,state=stopped"}, {}});
  device().Capture(512);
  std::vector<UniqueFd> held;
  std::vector<std::string> stable;
  for (const uint64_t sequence : device().Frames()) {
    if (sequence % 5 != 0) continue;
    held.push_back(Open(device().Frame(sequence), O_RDONLY));
    stable.push_back(std::filesystem::path(device().Frame(sequence)).filename());
  }
  device().Set("state", "start");
  for (int i = 0; i < 50 && !HasFailure(); i++) {
    const std::vector<std::string> names = List(device().Path("frames"));
    EXPECT_FALSE(HasDuplicates(names));
    EXPECT_TRUE(std::ranges::includes(names, stable));
  }
}

TEST_F(DirsTest, SeekdirReturnsToWhereTelldirWas) {
  Start({{"sim0=pattern,format=GREY,width=16,height=16,rate=0,buffers=600,state=stopped"}, {}});
  Directory directory(device().Path("buffers"));
  for (int i = 0; i < 300; i++) directory.Next();
  const long place = directory.Tell();
  const std::vector<std::string> rest = ReadNames(directory);
  directory.Seek(place);
  EXPECT_EQ(ReadNames(directory), rest);
  directory.Rewind();
  EXPECT_EQ(ReadNames(directory).size(), 600U);
}

TEST_F(DirsTest, RewindingShowsNewFrames) {
  Directory directory(device().Path("frames"));
  EXPECT_TRUE(ReadNames(directory).empty());
  device().Capture(2);
  directory.Rewind();
  EXPECT_EQ(ReadNames(directory).size(), 2U);
}

TEST_F(DirsTest, NothingCanBeMade) {
  device().Capture(1);
  const std::string outside = MakeScratchDirectory("outside") + "/file";
  CreateFile(outside, {});
  for (const std::string& place :
       {mount().path(), device().Path(""), device().Path("frames"), device().Path("buffers")}) {
    const std::string made = place + "/made";
    EXPECT_EQ(ErrorOf(::mkdir(made.c_str(), 0755)), EPERM) << place;
    EXPECT_EQ(ErrorOf(::mknod(made.c_str(), S_IFREG | 0644, 0)), EPERM) << place;
    EXPECT_EQ(ErrorOf(::symlink("/", made.c_str())), EPERM) << place;
    EXPECT_EQ(ErrorOf(::link(device().latest().c_str(), made.c_str())), EPERM) << place;
    EXPECT_EQ(ErrorOf(::open(made.c_str(), O_CREAT | O_WRONLY, 0644)), EPERM) << place;
    EXPECT_EQ(ErrorOf(::rename(outside.c_str(), made.c_str())), EXDEV) << place;
    EXPECT_FALSE(Exists(made));
  }
}

TEST_F(DirsTest, NothingCanBeMovedOrRemovedButFrames) {
  const uint64_t sequence = device().Capture(1);
  for (const char* name : {"format", "events", "latest.raw", "status.json", "buffers/000.raw"}) {
    EXPECT_EQ(ErrorOf(::unlink(device().Path(name).c_str())), EPERM) << name;
    EXPECT_EQ(ErrorOf(::rename(device().Path(name).c_str(), device().Path("moved").c_str())), EPERM)
        << name;
    EXPECT_TRUE(Exists(device().Path(name)));
  }
  for (const char* name : {"frames", "buffers"}) {
    EXPECT_EQ(ErrorOf(::rmdir(device().Path(name).c_str())), EPERM) << name;
    EXPECT_EQ(ErrorOf(::rename(device().Path(name).c_str(), device().Path("moved").c_str())), EPERM)
        << name;
  }
  EXPECT_EQ(ErrorOf(::rename(device().Frame(sequence).c_str(), device().Frame(77).c_str())), EPERM);
  EXPECT_EQ(ErrorOf(::unlink(device().Frame(77).c_str())), ENOENT);
  EXPECT_TRUE(Exists(device().Frame(sequence)));
}

TEST_F(DirsTest, RmOfTheWholeTreeRemovesFramesOnly) {
  device().Capture(2);
  const std::vector<std::string> before = List(device().Path("buffers"));
  EXPECT_NE(RunShell("rm -rf " + device().Path("")).status, 0);
  EXPECT_EQ(List(device().Path("buffers")), before);
  EXPECT_EQ(device().Get("format"), "GREY");
  device().Capture(1);
}

TEST_F(DirsTest, FilesWithinFilesAreNotADirectory) {
  EXPECT_EQ(OpenError(device().Path("format/x"), O_RDONLY), ENOTDIR);
  EXPECT_EQ(OpenError(device().Path("nothing"), O_RDONLY), ENOENT);
  EXPECT_NE(OpenError(device().Path(std::string(2000, 'x')), O_RDONLY), 0);
  EXPECT_EQ(OpenError(device().Path("frames"), O_WRONLY), EISDIR);
}

TEST_F(DirsTest, AccessModesCannotBeChanged) {
  device().Capture(1);
  const mode_t before = Stat(device().latest()).st_mode;
  EXPECT_NE(ErrorOf(::chmod(device().latest().c_str(), 0666)), 0);
  EXPECT_EQ(Stat(device().latest()).st_mode, before);
}

// touch(1) only wants to set times; a frame's time is its capture.
TEST_F(DirsTest, TheCaptureTimeCannotBeChanged) {
  device().Capture(1);
  const auto before = Stat(device().latest()).st_mtim.tv_sec;
  RunShell("touch -d 2001-01-01 " + device().latest());
  EXPECT_EQ(Stat(device().latest()).st_mtim.tv_sec, before);
}

}  // namespace
}  // namespace grabfs::mount_test
