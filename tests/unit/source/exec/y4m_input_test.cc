// SPDX-License-Identifier: Apache-2.0
//
// YUV4MPEG2 from a pipe, however it is cut.
#include "fusefs/source/exec/y4m_input.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/base/unique_fd.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

using Event = Y4mInput::Event;

constexpr std::string_view kHeader = "YUV4MPEG2 W16 H16 F25:1 Cmono\n";
constexpr size_t kFrameBytes = 256;

class Y4mInputTest : public testing::Test {
 protected:
  Y4mInputTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reading_.reset(ends[0]);
    writing_.reset(ends[1]);
  }

  void Write(std::string_view text) {
    ASSERT_EQ(::write(writing_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  static std::string Pixels(char value) { return std::string(kFrameBytes, value); }

  UniqueFd reading_;
  UniqueFd writing_;
};

TEST_F(Y4mInputTest, CutAnywhereItIsTheSame) {
  const std::string text = std::string(kHeader) + "FRAME\n" + Pixels('a') + "FRAME Ip\n" +
                           Pixels('b') + "FRAME\n" + Pixels('c');
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{5}, size_t{6}, size_t{7}, size_t{255},
                             size_t{256}, size_t{1000}}) {
    Y4mInput input(reading_.get());
    std::string seen;
    std::vector<std::byte> frame(kFrameBytes);
    size_t written = 0;
    for (bool more = true; more;) {
      switch (input.Read()) {
        case Event::kNothing:
          if (written == text.size()) {
            more = false;
            break;
          }
          Write(text.substr(written, piece));
          written += std::min(piece, text.size() - written);
          break;
        case Event::kHeader:
          seen += 'H';
          break;
        case Event::kDue:
          if (seen == "Ha") {
            seen += '-';
            input.Discard();
          } else {
            input.Into(frame);
          }
          break;
        case Event::kFrame:
          for (const std::byte byte : frame) ASSERT_EQ(byte, frame.front());
          seen += static_cast<char>(frame.front());
          break;
        case Event::kEnd:
          FAIL() << "it goes on";
      }
    }
    EXPECT_EQ(seen, "Ha-c") << piece;
    EXPECT_EQ(input.bytes(), text.size());
  }
}

TEST_F(Y4mInputTest, ReadsNothingBehindAFrameHeaderBeforeItHasMemory) {
  Write(std::string(kHeader) + "FRAME\n" + Pixels('a'));
  Y4mInput input(reading_.get());
  EXPECT_EQ(input.Read(), Event::kHeader);
  EXPECT_EQ(input.Read(), Event::kDue);
  EXPECT_EQ(input.Read(), Event::kDue) << "until it is told what to do";
  EXPECT_EQ(input.bytes(), kHeader.size() + 6);
}

TEST_F(Y4mInputTest, TheEndIsSeenWhereverItIs) {
  for (const std::string& text :
       {std::string(), std::string("YUV4"), std::string(kHeader), std::string(kHeader) + "FRA",
        std::string(kHeader) + "FRAME\nxyz"}) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    ASSERT_EQ(::write(writing.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    writing.reset();
    Y4mInput input(reading.get());
    std::vector<std::byte> frame(kFrameBytes);
    Event event = input.Read();
    while (event == Event::kHeader || event == Event::kDue) {
      if (event == Event::kDue) input.Into(frame);
      event = input.Read();
    }
    EXPECT_EQ(event, Event::kEnd) << text;
    EXPECT_EQ(input.Read(), Event::kEnd) << text;
  }
}

TEST_F(Y4mInputTest, JunkIsRefusedAsSoonAsItIsSeen) {
  Write("GIF89a...");
  Y4mInput input(reading_.get());
  EXPECT_NE(ErrorOf(EINVAL, [&] { (void)input.Read(); }), "");
}

TEST_F(Y4mInputTest, AFrameHeaderThatBeginsWronglyIsNotReadToItsEnd) {
  Write(std::string(kHeader) + "FX");
  Y4mInput input(reading_.get());
  EXPECT_EQ(input.Read(), Event::kHeader);
  EXPECT_EQ(ErrorOf(EINVAL, [&] { (void)input.Read(); }), "no frame header at byte 30");
}

}  // namespace
}  // namespace grabfs
