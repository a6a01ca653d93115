// SPDX-License-Identifier: Apache-2.0
//
// What ThreadSanitizer is told not to report: what the kernel orders unseen, and what nobody does.
//
// A frame is released after the replies to its reads: the kernel sends RELEASE when the last of
// them has arrived. A file in buffers/ is live memory, which a device may be writing while it is
// read or written through the daemon, as it may be through a mapping.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:grabfs::FrameFile::Read\n"
         "race:grabfs::BufferFile::Read\n"
         "race:grabfs::BufferFile::Write\n";
}
