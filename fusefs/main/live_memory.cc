// SPDX-License-Identifier: Apache-2.0
//
// What ThreadSanitizer is told not to report: a file in buffers/ is live memory, which a device may
// be writing while it is read or written through the daemon, as it may be through a mapping.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:grabfs::BufferFile::Read\n"
         "race:grabfs::BufferFile::Write\n";
}
