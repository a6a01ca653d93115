// SPDX-License-Identifier: Apache-2.0
//
// The tree of the mount: what names there are, what stat() says of them, what opening them yields.
// It speaks of inode numbers, names and errno values; libfuse is known only to fusefs/fuse, which
// drives it and implements Kernel.
//
// Threads: every function may be called by any thread.
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fusefs/base/caller.h"
#include "fusefs/base/task_thread.h"
#include "fusefs/capture/device.h"
#include "fusefs/picture/form.h"
#include "fusefs/vfs/alloc_tree.h"
#include "fusefs/vfs/device_node.h"
#include "fusefs/vfs/entry.h"
#include "fusefs/vfs/hold_limit.h"
#include "fusefs/vfs/inode.h"
#include "fusefs/vfs/lock_table.h"
#include "fusefs/vfs/open_file.h"
#include "fusefs/vfs/picture_file.h"

namespace grabfs {

// How readers get at the pixels, for people and for status.json.
struct DataPath {
  bool passthrough = false;
  std::string reason;
};

// What the file system asks of the kernel's caches. Implemented by the FUSE edge.
class Kernel {
 public:
  struct Name {
    uint64_t parent;
    std::string name;
  };

  virtual ~Kernel() = default;
  // Soon: the name is gone.
  virtual void ForgetName(uint64_t parent, uint64_t child, const std::string& name) = 0;
  // The same for many, before it returns if that can be: whoever holds a directory's lock in the
  // kernel may be waiting for the caller to reply, so it does not wait for long.
  virtual void DropNames(std::vector<Name> names) = 0;
  // Soon: size and times have changed.
  virtual void ForgetAttributes(uint64_t inode) = 0;
  // Now, before it returns: cached pages are written back and discarded.
  virtual void DropPages(uint64_t inode) = 0;
  // The file system wants Housekeep() to be called.
  virtual void WakeHousekeeper() = 0;
  // Of the mount, as stat() shows it.
  [[nodiscard]] virtual dev_t device_number() const = 0;
};

class FileSystem : public DeviceObserver {
 public:
  // Of a device's buffers, which one user other than root and the owner may hold.
  static constexpr unsigned kHoldPercent = 50;

  struct Options {
    uid_t uid = 0;
    gid_t gid = 0;
    mode_t umask = 022;
    std::string mountpoint;
    mode_t alloc_mode = 01777;
    alloc::Quota::Limits alloc_limits;
    unsigned hold_percent = kHoldPercent;  // see HoldLimit
  };
  using WorkerTime = std::chrono::milliseconds;
  using Done = AllocTree::Done;
  using AttrReply = AllocTree::AttrReply;

  FileSystem(Options options, std::vector<std::unique_ptr<Device>> devices);
  ~FileSystem() override;

  // Before the first request arrives. `kernel` must outlive Stop().
  void Attach(Kernel* kernel) { kernel_ = kernel; }
  // The mount answers: devices begin to work.
  void Start(const DataPath& path);
  // Ends all devices; afterwards `kernel` is not called any more. The mount must still be served
  // meanwhile: a capture thread may be waiting for the kernel, which waits for us.
  void Stop();
  [[nodiscard]] DataPath data_path() const;
  // Adds a device that has been plugged in; after Stop() it is too late for that, and the device
  // ends. Throws Error(EEXIST).
  void AddDevice(std::unique_ptr<Device> device);
  [[nodiscard]] bool HasDevice(const std::string& name) const;

  // All throw Error: ENOENT, ESTALE for what was recycled, EACCES, EPERM, ...
  Entry Lookup(uint64_t parent, const std::string& name, const Caller& caller);
  Attr GetAttr(uint64_t inode);
  // Outside alloc/ only a size is understood: the one the file has already, or 0 by way of O_TRUNC
  // (`file` null), which means nothing there. `file`: through which it is asked for. `reply` may be
  // called later, by another thread; what is thrown is not replied.
  void SetAttr(uint64_t inode, const AttrChange& change, OpenFile* file, const Caller& caller,
               AttrReply reply);
  // The same.
  void Allocate(uint64_t inode, int mode, uint64_t offset, uint64_t length, OpenFile* file,
                const Caller& caller, Done done);
  // `offset`: 0, or the `next` of the last entry seen.
  void ReadDir(uint64_t inode, uint64_t offset, const Caller& caller, const Emit& emit);
  // `flags`: of open(2).
  std::unique_ptr<OpenFile> Open(uint64_t inode, int flags, const Caller& caller);
  // A new regular file; EPERM outside alloc/, as for the next two.
  Entry Create(uint64_t parent, const std::string& name, mode_t mode, const Caller& caller);
  void Rename(uint64_t parent, const std::string& name, uint64_t new_parent,
              const std::string& new_name, unsigned flags);
  void Unlink(uint64_t parent, const std::string& name);
  std::string XattrNames(uint64_t inode);
  std::string Xattr(uint64_t inode, std::string_view name);  // ENODATA, EOPNOTSUPP
  // `flags`: of setxattr(2).
  void SetXattr(uint64_t inode, const std::string& name, std::string_view value, int flags,
                const Caller& caller);
  void RemoveXattr(uint64_t inode, const std::string& name, const Caller& caller);
  // Of the mount; within alloc/ of what can be allocated.
  struct statvfs Statistics(uint64_t inode, const Caller& caller);

  // flock(2); see LockTable.
  LockTable::Outcome Lock(uint64_t inode, LockTable::Asker asker, LockTable::Mode mode, bool wait,
                          const Caller& caller, LockTable::Granted granted);
  void Unlock(uint64_t inode, uint64_t owner) { locks_.Unlock(inode, owner); }
  bool CancelLock(uint64_t inode, uint64_t asker_id) { return locks_.Cancel(inode, asker_id); }

  // Finds out which closed frames are still mapped. Returns when it wants to be called again;
  // nullopt: after the next WakeHousekeeper(). May take milliseconds; holds no lock meanwhile.
  std::optional<WorkerTime> Housekeep();

  // DeviceObserver
  void OnFrameGone(const Device& device, uint64_t sequence, uint32_t notes) override;
  void OnPoolReplaced(const Device& device, Pool& old,
                      std::span<const uint64_t> sequences) override;
  void OnRefilled(const Device& device, Pool& pool, uint32_t slot) override;
  void OnFillEnded(const Device& device, Pool& pool, uint32_t slot) override;
  void OnDoubt(const Device& device) override;
  void OnUnplugged(const Device& device) override;

 private:
  using NodePtr = std::shared_ptr<DeviceNode>;

  // The device of an inode; ESTALE when it has left the mount.
  NodePtr Node(uint32_t number) const;
  NodePtr NodeNamed(const std::string& name) const;
  std::vector<NodePtr> Nodes() const;
  static std::shared_ptr<Pool> PoolOf(const DeviceNode& node, uint32_t generation);
  std::unique_ptr<class DeviceUse> Use(const NodePtr& node);
  void LastFileClosed(const DeviceNode& node);
  // The memory of a new file of alloc/.
  std::unique_ptr<alloc::Storage> MakeStorage(const std::string& device, const std::string& name);
  bool MappedByOthers(uint64_t serial, const Caller& caller);

  Entry LookupInMount(const std::string& name);
  Entry LookupInDevice(const NodePtr& node, const std::string& name);
  Entry LookupLatest(const NodePtr& node, pid_t caller);
  // Held for `caller` for a moment where it could not be opened otherwise.
  std::optional<Ring::Frame> Newest(const NodePtr& node, pid_t caller);
  Entry LatestEntry(const DeviceNode& node, const FrameInfo& newest) const;
  Entry LookupFrame(const NodePtr& node, uint64_t sequence);
  Entry LookupBuffer(const NodePtr& node, uint32_t slot);
  // nullopt: it is no such name.
  std::optional<Entry> LookupLatestPicture(const NodePtr& node, const std::string& name,
                                           pid_t caller);
  Entry LookupPicture(const NodePtr& node, PictureForm form, const std::string& name);
  Entry PictureEntry(const DeviceNode& node, const Pool& pool, PictureForm form,
                     const FrameInfo& info) const;
  Entry LookupControl(const NodePtr& node, const std::string& name);
  void ReadControlsDir(const NodePtr& node, uint64_t offset, const Emit& emit);
  std::unique_ptr<OpenFile> OpenControl(const NodePtr& node, uint64_t index, int flags);
  void ReadMountDir(uint64_t offset, const Emit& emit);
  void ReadDeviceDir(const NodePtr& node, uint64_t offset, const Emit& emit);
  void ReadFramesDir(const NodePtr& node, uint64_t offset, const Emit& emit);
  // The names latest.*, from the offset `next` on.
  void ReadLatest(const NodePtr& node, uint64_t next, uint64_t offset, const Emit& emit);
  void ReadPicturesDir(const NodePtr& node, PictureForm form, uint64_t offset, const Emit& emit);
  void ReadBuffersDir(const NodePtr& node, uint64_t offset, const Emit& emit);

  [[nodiscard]] struct stat BaseStat(uint64_t inode, mode_t mode, uint64_t size) const;
  [[nodiscard]] Attr DirAttr(uint64_t inode, uint32_t directories) const;
  [[nodiscard]] Attr TextAttr(uint64_t inode, mode_t mode, uint64_t size) const;
  [[nodiscard]] Attr FrameAttr(uint64_t inode, const FrameInfo& info) const;
  [[nodiscard]] Attr PictureAttr(uint64_t inode, PictureForm form, const FrameFormat& format,
                                 const FrameInfo& info) const;
  [[nodiscard]] Attr BufferAttr(uint64_t inode, Pool& pool, uint32_t slot) const;

  [[nodiscard]] std::string StatusText() const;
  [[nodiscard]] static std::string IntoText(const DeviceNode& node);
  [[nodiscard]] Attr SameSize(uint64_t inode, const AttrChange& change, bool of_open_file);

  std::unique_ptr<OpenFile> OpenOfDevice(const Inode& inode, int flags, const Caller& caller);
  std::unique_ptr<OpenFile> OpenStream(const NodePtr& node, uint64_t row, int flags,
                                       const Caller& caller);
  std::unique_ptr<OpenFile> OpenInto(const NodePtr& node, const Caller& opener);
  // A write to `into`: the name of a file of alloc/ that `writer` may write, or nothing.
  void OrderInto(Device& device, std::string_view text, const AllocTree::Writer& writer,
                 Device::Done done);
  std::unique_ptr<OpenFile> OpenFrame(const NodePtr& node, uint64_t sequence, int flags,
                                      const Caller& caller);
  std::unique_ptr<OpenFile> OpenPicture(const NodePtr& node, const Inode& inode, int flags,
                                        const Caller& caller);
  // A frame that is being opened, with what it counts for who opens it (may be null).
  struct Opening {
    std::shared_ptr<Pool> pool;
    Ring::Frame frame;
    std::unique_ptr<HoldLimit::Share> share;
  };
  // Throws Error: ESTALE when it has gone, EDQUOT.
  Opening HoldForOpen(const NodePtr& node, uint64_t sequence, const Caller& caller);
  // nullopt: there is no such frame in the pool.
  std::optional<Opening> TryHold(const std::shared_ptr<Pool>& pool, uint64_t sequence, uid_t user);
  // The same, in those that have been replaced.
  std::optional<Opening> TryHoldRetired(const DeviceNode& node, uint64_t sequence, uid_t user);
  // The frame in a slot or under a number, with its format, for extended attributes.
  std::optional<std::pair<FrameFormat, FrameInfo>> FrameOf(uint64_t inode) const;

  // True while some frame of the pool is mapped by a reader who has closed it.
  bool SettleMapped(const DeviceNode& node, Pool& pool);
  void RemoveDevice(const NodePtr& node);
  // Output: has what was written put on the device when it is time. Returns when to look again.
  std::optional<WorkerTime> WriteBack(DeviceNode& node);
  void Flush(const DeviceNode& node, bool always);

  const Options options_;
  const uint64_t mounted_at_ns_;  // CLOCK_REALTIME
  Kernel* kernel_ = nullptr;
  HoldLimit hold_limit_;
  LockTable locks_;
  AllocTree alloc_;
  OpenPictures open_pictures_;
  TaskThread stream_tasks_;                // reads of streams that have waited for a frame
  std::atomic<bool> passthrough_ = false;  // data_path_.passthrough, for the hot path

  std::mutex membership_;     // one Start(), Stop() or AddDevice() at a time; before all others
  mutable std::mutex mutex_;  // guards all below; leaf
  DataPath data_path_;
  bool running_ = false;
  bool stopped_ = false;
  std::map<std::string, NodePtr> by_name_;
  std::map<uint32_t, std::weak_ptr<DeviceNode>> by_number_;
  uint32_t next_number_ = 0;
};

}  // namespace grabfs
