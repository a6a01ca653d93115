// SPDX-License-Identifier: Apache-2.0
//
// Names and inode numbers: each is made of a number and gives exactly that number back.
#include "fusefs/vfs/names.h"

#include <gtest/gtest.h>

#include "fusefs/base/device_name.h"
#include "fusefs/base/error.h"
#include "fusefs/vfs/inode.h"
#include "fusefs/vfs/xattr.h"

namespace grabfs {
namespace {

TEST(NamesTest, AFrameNameGivesItsSequenceBack) {
  for (const uint64_t sequence :
       {uint64_t{0}, uint64_t{42}, uint64_t{99999999}, uint64_t{100000000}, uint64_t{1} << 43}) {
    EXPECT_EQ(ParseFrameName(FrameName(sequence)), sequence);
  }
  EXPECT_EQ(FrameName(42), "00000042.raw");
  EXPECT_EQ(BufferName(3), "003.raw");
  EXPECT_EQ(BufferName(65534), "65534.raw");
}

TEST(NamesTest, AFrameHasOneNameOnly) {
  for (const char* name : {"", "42", "42.raw", "0000042.raw", "000000042.raw", "00000042.RAW",
                           "+0000042.raw", "-0000042.raw", " 0000042.raw", "0000004x.raw",
                           "00000042.raw.raw", "99999999999999999999999.raw"}) {
    EXPECT_EQ(ParseFrameName(name), std::nullopt) << name;
  }
  EXPECT_EQ(ParseBufferName("0003.raw"), std::nullopt);
  EXPECT_EQ(ParseBufferName("4294967296.raw"), std::nullopt);
}

TEST(InodeTest, EveryFieldComesBack) {
  const Inode frame{32767, NodeKind::kFrame, (uint64_t{1} << Inode::kIndexBits) - 1};
  const Inode back = Inode::Decode(frame.number());
  EXPECT_EQ(back.device, frame.device);
  EXPECT_EQ(back.kind, frame.kind);
  EXPECT_EQ(back.index, frame.index);
  const Inode buffer = Inode::Decode(Inode::Buffer(7, 123456, 65535).number());
  EXPECT_EQ(buffer.device, 7U);
  EXPECT_EQ(buffer.kind, NodeKind::kBuffer);
  EXPECT_EQ(buffer.generation(), 123456U);
  EXPECT_EQ(buffer.slot(), 65535U);
}

TEST(InodeTest, TheRootIsNotADevice) {
  EXPECT_EQ(Inode::Decode(kRootInode).kind, NodeKind::kRoot);
  EXPECT_EQ(Inode::Decode(kRootStatusInode).kind, NodeKind::kStatus);
  EXPECT_EQ(Inode::Decode(kRootStatusInode).device, kMountItself);
  EXPECT_NE((Inode{0, NodeKind::kDeviceDir, 0}.number()), kRootInode);
}

TEST(DeviceNameTest, IsAPlainFileName) {
  for (const char* name : {"cam0", "A", "front-left_2.b"})
    EXPECT_NO_THROW(ValidateDeviceName(name));
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a b"),
        std::string("a\nb"), std::string("status.json"), std::string("alloc"), std::string(65, 'x'),
        std::string("\xc3\xa9")}) {
    EXPECT_THROW(ValidateDeviceName(name), Error) << name;
  }
}

TEST(XattrTest, EveryListedNameHasAValue) {
  const FrameFormat format = MakeFrameFormat(kBgr4, 64, 32);
  const FrameInfo info{.sequence = 7, .timestamp_ns = 8, .bytes_used = 9, .dropped = 10};
  const std::string names = FrameXattrNames(format, info);
  size_t count = 0;
  for (size_t at = 0; at < names.size(); at = names.find('\0', at) + 1, ++count) {
    EXPECT_TRUE(FrameXattr(names.c_str() + at, format, info)) << names.c_str() + at;
  }
  EXPECT_EQ(count, 9U);
  EXPECT_EQ(FrameXattr("user.grabfs.sequence", format, info), "7");
  EXPECT_EQ(FrameXattr("user.grabfs.format", format, info), "BGR4");
  EXPECT_EQ(FrameXattr("user.grabfs.nothing", format, info), std::nullopt);
}

}  // namespace
}  // namespace grabfs
