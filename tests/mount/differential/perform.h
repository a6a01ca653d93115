// SPDX-License-Identifier: Apache-2.0
//
// The functions behind the table of operations. Each performs one on one side and tells what came
// of it. Where the kernel may do a part of what it is asked, they go on until all is done or no
// more can be: how much a single call moves is nobody's promise.
//
// The order of the arguments is that of the table in operation.cc.
#pragma once

#include "tests/mount/differential/operation.h"
#include "tests/mount/differential/side.h"

namespace grabfs::differential {

// Descriptors (perform_descriptor.cc).
Outcome PerformOpen(Side& side, const Arguments& arguments);
Outcome PerformReopen(Side& side, const Arguments& arguments);
Outcome PerformClose(Side& side, const Arguments& arguments);
Outcome PerformDup(Side& side, const Arguments& arguments);
Outcome PerformGetStatus(Side& side, const Arguments& arguments);
Outcome PerformSetStatus(Side& side, const Arguments& arguments);
Outcome PerformSeek(Side& side, const Arguments& arguments);
Outcome PerformStat(Side& side, const Arguments& arguments);
Outcome PerformPoll(Side& side, const Arguments& arguments);
Outcome PerformRecordLock(Side& side, const Arguments& arguments);
Outcome PerformFlock(Side& side, const Arguments& arguments);
Outcome PerformUnlockByClosing(Side& side, const Arguments& arguments);

// Reading, writing, and what is done to whole files (perform_transfer.cc).
Outcome PerformRead(Side& side, const Arguments& arguments);
Outcome PerformWrite(Side& side, const Arguments& arguments);
Outcome PerformPRead(Side& side, const Arguments& arguments);
Outcome PerformPWrite(Side& side, const Arguments& arguments);
Outcome PerformPReadV2(Side& side, const Arguments& arguments);
Outcome PerformPWriteV2(Side& side, const Arguments& arguments);
Outcome PerformRingRead(Side& side, const Arguments& arguments);
Outcome PerformRingWrite(Side& side, const Arguments& arguments);
Outcome PerformFSync(Side& side, const Arguments& arguments);
Outcome PerformFDataSync(Side& side, const Arguments& arguments);
Outcome PerformSyncRange(Side& side, const Arguments& arguments);
Outcome PerformFileAdvice(Side& side, const Arguments& arguments);
Outcome PerformReadAhead(Side& side, const Arguments& arguments);
Outcome PerformTruncate(Side& side, const Arguments& arguments);
Outcome PerformFTruncate(Side& side, const Arguments& arguments);
Outcome PerformAllocate(Side& side, const Arguments& arguments);
Outcome PerformCheck(Side& side, const Arguments& arguments);

// Mappings (perform_mapping.cc).
Outcome PerformMap(Side& side, const Arguments& arguments);
Outcome PerformUnmap(Side& side, const Arguments& arguments);
Outcome PerformProtect(Side& side, const Arguments& arguments);
Outcome PerformResize(Side& side, const Arguments& arguments);
Outcome PerformLoad(Side& side, const Arguments& arguments);
Outcome PerformStore(Side& side, const Arguments& arguments);
Outcome PerformMSync(Side& side, const Arguments& arguments);
Outcome PerformMemoryAdvice(Side& side, const Arguments& arguments);
Outcome PerformInCore(Side& side, const Arguments& arguments);
Outcome PerformReadIntoMapping(Side& side, const Arguments& arguments);
Outcome PerformWriteFromMapping(Side& side, const Arguments& arguments);
Outcome PerformRingReadIntoMapping(Side& side, const Arguments& arguments);

// Through pipes and from file to file (perform_move.cc).
Outcome PerformSendFile(Side& side, const Arguments& arguments);
Outcome PerformSpliceOut(Side& side, const Arguments& arguments);
Outcome PerformSpliceIn(Side& side, const Arguments& arguments);
Outcome PerformVmSplice(Side& side, const Arguments& arguments);
Outcome PerformCopy(Side& side, const Arguments& arguments);

// A file that is not there may be passed to these: they are what the performers are made of.

// The result of a system call: -errno for -1.
int64_t ResultOf(int64_t returned);
// `result` bytes of `buffer` were delivered.
Outcome Delivered(int64_t result, std::span<const std::byte> buffer);
// Bytes of the last page of a file that lie past its end are no part of it, and nobody's promise:
// zeroes them where `bytes` begins at `position` of the file.
void ZeroPastTheEnd(const Side& side, int64_t position, std::span<std::byte> bytes);
// Copies between parts of the same file that overlap depend on the order of their steps.
bool Overlap(int file, int64_t position, int other_file, int64_t other_position, size_t length);

}  // namespace grabfs::differential
