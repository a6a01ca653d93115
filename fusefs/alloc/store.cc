// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/store.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs::alloc {

namespace {

timespec Now() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return now;
}

}  // namespace

void Store::Directory::Add(const std::string& name, const FilePtr& file) {
  changed = Now();
  files.emplace(name, file);
  names.emplace(file->serial(), name);
}

FilePtr Store::Directory::Remove(const std::string& name) {
  const auto node = files.extract(name);
  if (!node) return nullptr;
  changed = Now();
  names.erase(node.mapped()->serial());
  return node.mapped();
}

Store::Store(Options options)
    : options_(std::move(options)),
      quota_(options_.limits),
      dependencies_{
          &quota_,          &pool_, &backlog_, options_.mapped_by_others, [this] { GiveBack(); },
          stop_.get_token()} {
  directories_.emplace(kRoot, Directory{{}, Now(), {}, {}});
}

void Store::Stop() {
  stop_.request_stop();
  pool_.AwaitIdle();
}

// --- Directories

Store::DirectoryId Store::AddDirectory(const std::string& device) {
  if (const auto found = FindDirectory(device)) return *found;
  const std::lock_guard lock(mutex_);
  const DirectoryId id = directories_.size();
  directories_.emplace(id, Directory{device, Now(), {}, {}});
  return id;
}

std::optional<Store::DirectoryId> Store::FindDirectory(const std::string& device) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, directory] : directories_) {
    if (id != kRoot && directory.device == device) return id;
  }
  return std::nullopt;
}

std::string Store::DeviceOf(DirectoryId directory) const {
  const std::lock_guard lock(mutex_);
  return At(directory).device;
}

timespec Store::ChangeTime(DirectoryId directory) const {
  const std::lock_guard lock(mutex_);
  return At(directory).changed;
}

std::map<Store::DirectoryId, std::string> Store::Directories() const {
  const std::lock_guard lock(mutex_);
  std::map<DirectoryId, std::string> devices;
  for (const auto& [id, directory] : directories_) {
    if (id != kRoot) devices.emplace(id, directory.device);
  }
  return devices;
}

Store::Directory& Store::At(DirectoryId directory) {
  const auto it = directories_.find(directory);
  if (it == directories_.end()) throw Error(ESTALE, "alloc: no such directory");
  return it->second;
}

const Store::Directory& Store::At(DirectoryId directory) const {
  const auto it = directories_.find(directory);
  if (it == directories_.end()) throw Error(ESTALE, "alloc: no such directory");
  return it->second;
}

// --- Looking

FilePtr Store::Find(DirectoryId directory, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const Directory& place = At(directory);
  const auto it = place.files.find(name);
  return it == place.files.end() ? nullptr : it->second;
}

FilePtr Store::FindSerial(uint64_t serial) const {
  const std::lock_guard lock(mutex_);
  const auto it = by_serial_.find(serial);
  return it == by_serial_.end() ? nullptr : it->second.lock();
}

std::vector<Store::Named> Store::List(DirectoryId directory, uint64_t first, size_t count) const {
  const std::lock_guard lock(mutex_);
  const Directory& place = At(directory);
  std::vector<Named> list;
  for (auto it = place.names.lower_bound(first); it != place.names.end(); ++it) {
    if (list.size() == count) break;
    list.push_back({it->second, place.files.at(it->second)});
  }
  return list;
}

// --- Changing

FilePtr Store::Create(DirectoryId directory, const std::string& name, const Caller& creator,
                      mode_t mode) {
  if (name.size() > NAME_MAX) throw Error(ENAMETOOLONG, "alloc: a name of more than 255 bytes");
  const std::string device = DeviceOf(directory);
  auto storage = options_.make_storage(device, name);
  const std::lock_guard lock(mutex_);
  Directory& place = At(directory);
  if (place.files.contains(name)) throw Error(EEXIST, name + ": there already");
  FilePtr file = Make(device, creator, mode, true, std::move(storage));
  place.Add(name, file);
  return file;
}

FilePtr Store::CreateUnnamed(DirectoryId directory, const Caller& creator, mode_t mode) {
  const std::string device = DeviceOf(directory);
  auto storage = options_.make_storage(device, "(unnamed)");
  const std::lock_guard lock(mutex_);
  return Make(device, creator, mode, false, std::move(storage));
}

FilePtr Store::Make(const std::string& device, const Caller& creator, mode_t mode, bool named,
                    std::unique_ptr<Storage> storage) {
  FilePtr file = File::Make(&dependencies_, next_serial_, creator, mode & 07777, named,
                            std::move(storage), device);
  std::erase_if(by_serial_, [](const auto& entry) { return entry.second.expired(); });
  by_serial_.emplace(next_serial_++, file);
  return file;
}

void Store::Unlink(DirectoryId directory, const std::string& name) {
  FilePtr file;
  {
    const std::lock_guard lock(mutex_);
    file = At(directory).Remove(name);
  }
  if (!file) throw Error(ENOENT, name + ": no such file");
  file->SetNamed(false);
  AddOrphan(std::move(file));
}

void Store::RequireRenamable(const File& file, const std::string& device) const {
  // A file that leaves a device's directory stays bound to the device.
  if (device.empty() || file.info().device == device) return;
  throw Error(EXDEV, "alloc: the file is not bound to " + device + ": copy it");
}

void Store::Rename(DirectoryId from, const std::string& name, DirectoryId to,
                   const std::string& new_name, unsigned flags) {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0) {
    throw Error(EINVAL, "alloc: an unknown way of renaming");
  }
  if (new_name.size() > NAME_MAX) throw Error(ENAMETOOLONG, "alloc: a name of more than 255 bytes");
  FilePtr replaced;
  {
    const std::lock_guard lock(mutex_);
    Directory& source = At(from);
    Directory& target = At(to);
    const auto moved = source.files.find(name);
    if (moved == source.files.end()) throw Error(ENOENT, name + ": no such file");
    const auto there = target.files.find(new_name);
    const bool exists = there != target.files.end();
    if (exists && (flags & RENAME_NOREPLACE) != 0)
      throw Error(EEXIST, new_name + ": there already");
    if (!exists && (flags & RENAME_EXCHANGE) != 0) throw Error(ENOENT, new_name + ": no such file");
    if (exists && there->second == moved->second) return;
    RequireRenamable(*moved->second, target.device);
    if ((flags & RENAME_EXCHANGE) != 0) RequireRenamable(*there->second, source.device);
    const FilePtr file = source.Remove(name);
    if (exists) replaced = target.Remove(new_name);
    target.Add(new_name, file);
    if ((flags & RENAME_EXCHANGE) != 0) source.Add(name, std::exchange(replaced, nullptr));
  }
  if (!replaced) return;
  replaced->SetNamed(false);
  AddOrphan(std::move(replaced));
}

void Store::Bind(const FilePtr& file, const std::string& device, const Caller& caller,
                 File::Done done) {
  if (file->info().device == device) return done(nullptr);
  file->Adopt(options_.make_storage(device, std::to_string(file->serial())), device, caller,
              std::move(done));
}

void Store::GiveBack() {
  std::vector<FilePtr> files;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [serial, file] : by_serial_) files.push_back(file.lock());
  }
  for (const FilePtr& file : files) {
    if (file) file->GiveBack();
  }
}

// --- The end of a file

void Store::Closed(const FilePtr& file) {
  if (!file->info().named) AddOrphan(file);
}

void Store::AddOrphan(FilePtr file) {
  if (!file->InUse()) return;
  {
    const std::lock_guard lock(mutex_);
    if (!std::ranges::count(orphans_, file)) orphans_.push_back(std::move(file));
  }
  options_.on_orphan();
}

bool Store::FreeOrphans() {
  std::vector<FilePtr> candidates;
  {
    const std::lock_guard lock(mutex_);
    candidates.swap(orphans_);
  }
  std::erase_if(candidates, [](const FilePtr& file) { return !file->InUse(); });
  const std::lock_guard lock(mutex_);
  orphans_.insert(orphans_.end(), candidates.begin(), candidates.end());
  return !orphans_.empty();
}

}  // namespace grabfs::alloc
