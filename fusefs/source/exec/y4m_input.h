// SPDX-License-Identifier: Apache-2.0
//
// Reads YUV4MPEG2 from a pipe whose other end may write anything at any pace: headers and pixels as
// they come, the pixels by read(2) straight into the memory that the caller gives. Where the stream
// says FRAME the caller decides: Into() or Discard().
//
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "fusefs/picture/y4m.h"

namespace grabfs {

class Y4mInput {
 public:
  // `fd`: not blocking; must outlive this object.
  explicit Y4mInput(int fd) : fd_(fd) {}

  enum class Event {
    kNothing,  // no more for now: poll the descriptor
    kHeader,   // header() is known
    kDue,      // a frame begins: call Into() or Discard()
    kFrame,    // the memory given by Into() is full
    kEnd,      // the other end is closed
  };
  // Reads until one of these. Throws Error(EINVAL) when what comes is no YUV4MPEG2, with the byte
  // at which it is wrong; the object cannot be used any more then.
  Event Read();

  [[nodiscard]] const Y4mHeader& header() const { return header_; }
  // `frame`: exactly header().format.bytes.
  void Into(std::span<std::byte> frame);
  // The pixels of this frame are read and forgotten.
  void Discard();
  // Bytes of pixels that this frame has had so far.
  [[nodiscard]] uint64_t frame_bytes() const { return header_.format.bytes - left_; }
  // All bytes that have been read.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  enum class State { kHeader, kBetween, kDue, kPixels, kDiscard };

  Event ReadHeader();
  Event ReadFrameHeader();
  Event ReadPixels();
  Event ReadDiscarded();
  // Reads at most `bytes` behind line_. False: `event_` says why there is nothing.
  bool ReadLine(size_t bytes);
  // As read(2); 0: `event_` says why there is nothing.
  size_t ReadSome(std::span<std::byte> out);

  const int fd_;
  State state_ = State::kHeader;
  Event event_ = Event::kNothing;
  std::string line_;
  Y4mHeader header_;
  uint64_t bytes_ = 0;
  uint64_t left_ = 0;             // of the frame
  std::span<std::byte> missing_;  // of the memory given by Into()
};

}  // namespace grabfs
