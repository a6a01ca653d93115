// SPDX-License-Identifier: Apache-2.0
//
// Suppressions for ThreadSanitizer: accesses that the kernel orders without its knowledge, and
// accesses that are not ordered on purpose.
//
// A frame is released after the replies to its reads: the kernel sends RELEASE when the last of
// them has arrived. A file in buffers/ is live memory, which a device may be writing while it is
// read or written through the daemon, as it may be through a mapping.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:FrameFile::Read\n"
         "race:BufferFile::Read\n"
         "race:BufferFile::Write\n";
}
