// SPDX-License-Identifier: Apache-2.0
//
// A change of the memory of a file: resize, reserve, write, adopt. It runs in slices of some
// milliseconds:
//
//     Begin ──▶ Work, until there is no more ──▶ Commit ──▶ done
//       └──────────┴── an error, or the caller was killed: undo ──▶ done, with the error
//
// Threads: one slice at a time, in FairPool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fusefs/alloc/file.h"

namespace grabfs::alloc {

class Change {
 public:
  using Handle = File::Handle;
  using Done = File::Done;

  virtual ~Change() = default;
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  // Runs one slice. True: there is more.
  bool RunSlice() noexcept;
  // After the last slice: calls `done`.
  void Reply();
  [[nodiscard]] uid_t user() const { return caller_.uid; }

 protected:
  Change(FilePtr file, const Caller& caller, Handle own, Done done);

  // The first slice: checks whether the change is allowed, and calls BeginWork(). Throws Error.
  virtual void Begin() = 0;
  // A slice of the work. True: there is more.
  virtual bool Work();
  // After the work: makes the change visible.
  virtual void Commit() = 0;

  // Keeps others from writing to the file until the end of the change. Throws Error(EBUSY) if a
  // device is filling it.
  void Exclude();
  // Charges the file for `bytes`, if that is more than now, and begins `work`. Throws Error:
  // EDQUOT, ENOSPC.
  void BeginWork(uint64_t bytes, std::unique_ptr<Storage::Change> work);
  // The size to which quotas let the file grow.
  [[nodiscard]] uint64_t Room() const;
  // Undoes what BeginWork() began, which may then be called again.
  void Undo() noexcept;

  [[nodiscard]] Contents& contents() const { return file_->contents_; }
  [[nodiscard]] Uses& uses() const { return file_->uses_; }
  void RequireUnmapped() { file_->RequireUnmapped(caller_, own_); }
  void SetDevice(const std::string& device);

  std::optional<Contents::Replacing> replacing_;
  std::optional<Contents::Exclusive> exclusive_;
  std::unique_ptr<Storage::Change> work_;  // that of the storage

 private:
  // Throws Error if nobody waits for the change any more: ENODEV: the mount ends; EINTR: the caller
  // was killed.
  void RequireWanted() const;
  void Finish();

  const FilePtr file_;
  const Caller caller_;
  const Handle own_;
  const Done done_;
  std::optional<Payer> payer_;
  std::optional<Error> failure_;
  bool begun_ = false;
};

enum class Extent { kExactly, kAtLeast, kReserved };

// Changes the size, or reserves memory behind the end (Extent::kReserved).
std::shared_ptr<Change> MakeResize(FilePtr file, Extent extent, uint64_t bytes,
                                   const Caller& caller, File::Handle own, File::Done done);
// A write that needs memory first.
std::shared_ptr<Change> MakeWrite(FilePtr file, uint64_t offset, std::span<const std::byte> data,
                                  const Caller& caller, File::Handle own, File::Done done);
std::shared_ptr<Change> MakeWriteBack(FilePtr file, uint64_t offset,
                                      std::span<const std::byte> data, const Caller& caller,
                                      File::Done done);
// Replaces the memory by memory of another kind, and copies the contents.
std::shared_ptr<Change> MakeAdoption(FilePtr file, std::shared_ptr<Storage> storage,
                                     const std::string& device, const Caller& caller,
                                     File::Done done);

}  // namespace grabfs::alloc
