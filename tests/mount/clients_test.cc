// SPDX-License-Identifier: Apache-2.0
//
// Programs that everybody has read frames and write buffers as they do any file: unchanged, with no
// option that is there for our sake. What inotify can see of a mount, it sees.
#include <sys/inotify.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

// A line of shell. $FILE is the file of the mount, $GOOD an ordinary file with what is to be in it,
// $OUT where a reader puts what it has read. It runs in a directory of its own.
struct Client {
  const char* name;
  const char* line;
};

void PrintTo(const Client& client, std::ostream* stream) { *stream << client.name; }

std::string NameOf(const ::testing::TestParamInfo<Client>& test) { return test.param.name; }

// Debian's own: it has Debian's packages.
constexpr const char* kPrelude = R"sh(set -e
python() { /usr/bin/python3 -c "import numpy, os; FILE, GOOD, OUT = map(os.environ.get, ('FILE', 'GOOD', 'OUT')); $1"; }
ffmpeg() { command ffmpeg -v error -nostdin -y -f rawvideo -pixel_format gray -video_size 130x94 "$@"; }
export FILE GOOD OUT
)sh";

class ClientsTest : public MountTest, public ::testing::WithParamInterface<Client> {
 protected:
  // What the line leaves in $OUT.
  std::vector<std::byte> Run(const std::string& file, std::span<const std::byte> good) {
    const std::string place = MakeScratchDirectory("client");
    CreateFile(place + "/good", good);
    const CommandResult result =
        RunShell("FILE=" + file + "; GOOD=" + place + "/good; OUT=" + place + "/out; cd " + place +
                 "\n" + kPrelude + GetParam().line);
    EXPECT_EQ(result.status, 0) << result.err;
    return Exists(place + "/out") ? ReadFile(place + "/out") : std::vector<std::byte>();
  }

  [[nodiscard]] std::vector<std::byte> Noise() const {
    std::vector<std::byte> noise(picture_.bytes());
    for (size_t i = 0; i < noise.size(); i++) noise[i] = static_cast<std::byte>(i * i / 7 + i);
    return noise;
  }
};

// --- Readers

class ReadersTest : public ClientsTest {};

TEST_P(ReadersTest, HaveTheFrame) {
  const std::string frame = device().Frame(device().Capture(1));
  const std::vector<std::byte> pixels = ReadFile(frame);
  EXPECT_EQ(Run(frame, pixels), pixels);
}

constexpr Client kReaders[] = {
    {"cat", R"sh(cat "$FILE" > "$OUT")sh"},
    {"cmp", R"sh(cmp "$FILE" "$GOOD"; cp "$GOOD" "$OUT")sh"},
    {"cp", R"sh(cp "$FILE" "$OUT")sh"},
    {"cp_reflink", R"sh(cp --reflink=auto --sparse=always "$FILE" "$OUT")sh"},
    {"dd", R"sh(dd if="$FILE" of="$OUT" bs=1000 status=none)sh"},
    {"dd_direct", R"sh(dd if="$FILE" of="$OUT" bs=4096 iflag=direct status=none)sh"},
    {"ffmpeg", R"sh(ffmpeg -i "$FILE" -f rawvideo "$OUT")sh"},
    {"gstreamer", R"sh(gst-launch-1.0 -q filesrc location="$FILE" ! filesink location="$OUT")sh"},
    {"imagemagick", R"sh(convert -size 130x94 -depth 8 gray:"$FILE" gray:"$OUT")sh"},
    {"numpy_memmap", R"sh(python 'numpy.memmap(FILE, mode="r").tofile(OUT)')sh"},
    {"opencv", R"sh(python '
import cv2
cv2.imwrite("frame.png", numpy.memmap(FILE, mode="r", shape=(94, 130)))
cv2.imread("frame.png", cv2.IMREAD_GRAYSCALE).tofile(OUT)')sh"},
    {"rsync", R"sh(rsync "$FILE" "$OUT")sh"},
    {"sha256sum",
     R"sh([ "$(sha256sum < "$FILE")" = "$(sha256sum < "$GOOD")" ]; cp "$GOOD" "$OUT")sh"},
    {"split", R"sh(split -b 1000 "$FILE" part.; cat part.* > "$OUT")sh"},
    {"tar", R"sh(tar -cPf frame.tar "$FILE"; tar -xPOf frame.tar > "$OUT")sh"},
    {"tee", R"sh(tee "$OUT" < "$FILE" > /dev/null)sh"},
};

INSTANTIATE_TEST_SUITE_P(All, ReadersTest, ::testing::ValuesIn(kReaders), NameOf);

// --- Writers

class WritersTest : public ClientsTest {};

TEST_P(WritersTest, FillTheBuffer) {
  const std::string buffer = device().Buffer(0);
  const Mapping mapping = MapAndClose(buffer);
  const std::vector<std::byte> noise = Noise();
  Run(buffer, noise);
  EXPECT_EQ(ReadFile(buffer), noise);
  EXPECT_TRUE(std::ranges::equal(mapping.bytes(), noise)) << "as seen by a mapping made before";
}

constexpr Client kWriters[] = {
    {"cat", R"sh(cat "$GOOD" > "$FILE")sh"},
    {"cp", R"sh(cp "$GOOD" "$FILE")sh"},
    {"dd", R"sh(dd if="$GOOD" of="$FILE" bs=1000 status=none)sh"},
    {"dd_direct", R"sh(dd if="$GOOD" of="$FILE" bs=4096 oflag=direct conv=notrunc status=none)sh"},
    {"dd_notrunc_backwards", R"sh(for block in 12 11 10 9 8 7 6 5 4 3 2 1 0; do
dd if="$GOOD" of="$FILE" bs=1000 count=1 skip=$block seek=$block conv=notrunc status=none
done)sh"},
    {"ffmpeg", R"sh(ffmpeg -i "$GOOD" -f rawvideo "$FILE")sh"},
    {"gstreamer", R"sh(gst-launch-1.0 -q filesrc location="$GOOD" ! filesink location="$FILE")sh"},
    {"imagemagick", R"sh(convert -size 130x94 -depth 8 gray:"$GOOD" gray:"$FILE")sh"},
    {"numpy_memmap", R"sh(python '
memory = numpy.memmap(FILE, mode="r+")
memory[:] = numpy.fromfile(GOOD, dtype=numpy.uint8)
memory.flush()')sh"},
    {"numpy_tofile", R"sh(python 'numpy.fromfile(GOOD, dtype=numpy.uint8).tofile(FILE)')sh"},
    {"opencv", R"sh(python '
import cv2
picture = numpy.fromfile(GOOD, dtype=numpy.uint8).reshape(94, 130)
cv2.flip(cv2.flip(picture, 0), 0, dst=numpy.memmap(FILE, mode="r+", shape=(94, 130)))')sh"},
    {"rsync_inplace", R"sh(rsync --inplace --ignore-times "$GOOD" "$FILE")sh"},
    {"split", R"sh(split -b 1000 --filter='cat >&3' "$GOOD" 3<>"$FILE")sh"},
    {"tar", R"sh(tar -cf good.tar good; tar -xOf good.tar > "$FILE")sh"},
    {"tee", R"sh(tee "$FILE" < "$GOOD" > /dev/null)sh"},
    {"sha256sum_check",
     R"sh(cp "$GOOD" "$FILE"; sha256sum "$GOOD" | sed "s|$GOOD|$FILE|" | sha256sum -c --quiet)sh"},
};

INSTANTIATE_TEST_SUITE_P(All, WritersTest, ::testing::ValuesIn(kWriters), NameOf);

// --- Pages that are mapped and synchronized one by one, as databases do

class DatabaseTest : public MountTest {};

TEST_F(DatabaseTest, PagesAreThereForOthersOnceTheyAreSynchronized) {
  constexpr size_t kPage = 4096;
  const UniqueFd writer = Open(device().Buffer(0), O_RDWR);
  const UniqueFd reader = Open(device().Buffer(0), O_RDONLY);
  const Mapping pages(writer.get(), picture_.bytes(), PROT_READ | PROT_WRITE);
  for (int transaction = 1; transaction <= 50; transaction++) {
    for (const size_t page : {size_t{2}, size_t{0}, size_t{1}}) {
      const size_t begin = page * kPage;
      const std::span<std::byte> part =
          pages.writable().subspan(begin, std::min(kPage, pages.size() - begin));
      std::ranges::fill(part, static_cast<std::byte>(transaction + static_cast<int>(page)));
      ASSERT_EQ(::msync(part.data(), part.size(), MS_SYNC), 0);
      std::vector<std::byte> seen(part.size());
      ASSERT_EQ(::pread(reader.get(), seen.data(), seen.size(), static_cast<off_t>(begin)),
                static_cast<ssize_t>(seen.size()));
      ASSERT_TRUE(std::ranges::equal(seen, part)) << "page " << page;
    }
    ASSERT_EQ(::fsync(writer.get()), 0);
  }
}

// --- inotify

class Watch {
 public:
  Watch(const std::string& path, uint32_t mask)
      : fd_(CheckSyscall(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "inotify_init1")) {
    CheckSyscall(::inotify_add_watch(fd_.get(), path.c_str(), mask), "watch " + path);
  }

  // How often each kind of event has come since the last time.
  std::map<uint32_t, int> Events() {
    std::map<uint32_t, int> counts;
    alignas(inotify_event) std::array<char, 4096> buffer{};
    ssize_t size = 0;
    while ((size = ::read(fd_.get(), buffer.data(), buffer.size())) > 0) {
      for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        counts[event->mask & IN_ALL_EVENTS]++;
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
    return counts;
  }

 private:
  const UniqueFd fd_;
};

class InotifyTest : public MountTest {};

TEST_F(InotifyTest, ProgramsThatUseABufferAreSeen) {
  Watch watch(device().Buffer(0), IN_OPEN | IN_MODIFY | IN_CLOSE_WRITE | IN_ACCESS);
  ASSERT_EQ(RunShell("echo picture 1<> " + device().Buffer(0)).status, 0);
  const auto written = watch.Events();
  EXPECT_EQ(written.at(IN_OPEN), 1);
  EXPECT_EQ(written.at(IN_MODIFY), 1);
  EXPECT_EQ(written.at(IN_CLOSE_WRITE), 1);
  ReadFile(device().Buffer(0));
  EXPECT_GE(watch.Events().at(IN_ACCESS), 1);
}

TEST_F(InotifyTest, AFrameThatIsGivenUpIsSeen) {
  const uint64_t sequence = device().Capture(1);
  Watch watch(device().Path("frames"), IN_DELETE);
  ASSERT_EQ(::unlink(device().Frame(sequence).c_str()), 0);
  EXPECT_EQ(watch.Events().at(IN_DELETE), 1);
}

// The kernel reports what is done by way of the mount. Frames come without it: `events` tells.
TEST_F(InotifyTest, WhatTheDeviceDoesIsNot) {
  const std::string buffer = device().Buffer(0);
  Watch names(device().Path("frames"), IN_CREATE | IN_MOVED_TO);
  Watch contents(buffer, IN_MODIFY);
  device().Capture(kBuffers);
  EXPECT_EQ(names.Events(), (std::map<uint32_t, int>()));
  EXPECT_EQ(contents.Events(), (std::map<uint32_t, int>()));
}

}  // namespace
}  // namespace grabfs::mount_test
