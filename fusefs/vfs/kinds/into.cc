// SPDX-License-Identifier: Apache-2.0
//
// into: the file of alloc/ that the device fills with its next frame. A write of its name orders
// that; an empty write cancels what is not filled yet.
#include <algorithm>
#include <map>
#include <vector>

#include "fusefs/vfs/kinds/alloc.h"
#include "fusefs/vfs/kinds/table.h"
#include "fusefs/vfs/names.h"
#include "fusefs/vfs/text_file.h"
#include "fusefs/vfs/xattr.h"

namespace grabfs {
namespace {

// The user who must be allowed to write the file, with the groups at the time of the open.
struct Writer {
  Caller caller;
  std::vector<gid_t> groups;
};

bool MayWrite(const alloc::FileInfo& info, const Writer& writer) {
  const Caller& caller = writer.caller;
  if (caller.uid == 0) return true;
  if (caller.uid == info.uid) return (info.mode & 0200) != 0;
  const bool of_group =
      caller.gid == info.gid || std::ranges::find(writer.groups, info.gid) != writer.groups.end();
  return (info.mode & (of_group ? 0020 : 0002)) != 0;
}

// `name`: NAME or DEVICE/NAME.
alloc::FilePtr FindInAlloc(const alloc::Store& store, const std::string& name) {
  const size_t slash = name.find('/');
  if (slash == std::string::npos) return store.Find(alloc::Store::kRoot, name);
  const auto directory = store.FindDirectory(name.substr(0, slash));
  return directory ? store.Find(*directory, name.substr(slash + 1)) : nullptr;
}

struct FileToFill {
  std::string path;  // alloc/NAME or alloc/DEVICE/NAME
  alloc::FilePtr file;
};

// The file that `text` names, with or without alloc/ before it. Throws Error(ENOENT);
// Error(EACCES) when `writer` may not write it.
FileToFill FindFileToFill(const alloc::Store& store, std::string_view text, const Writer& writer) {
  const std::string prefix = std::string(kAllocName) + "/";
  const std::string name(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
  const alloc::FilePtr file = FindInAlloc(store, name);
  if (!file || !ShowsAllocFile(*file, writer.caller)) ThrowNoSuchName(prefix + name);
  if (!MayWrite(file->info(), writer)) {
    throw Error(EACCES,
                prefix + name + ": not writable by user " + std::to_string(writer.caller.uid));
  }
  return {prefix + name, file};
}

void CaptureNextInto(Mount& mount, Device& device, std::string_view text, const Writer& writer,
                     Device::Done done) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty()) return device.CancelTargets(std::move(done));
  const FileToFill target = FindFileToFill(mount.store, text, writer);
  // Ends with the last copy of this pointer, whatever becomes of the command.
  const auto filling = target.file->BeginFill(device.state().format.bytes);
  device.CaptureInto({.name = target.path,
                      .memory = filling->memory(),
                      .on_refilled =
                          [&mount, filling, inode = AllocFileInode(*target.file)] {
                            filling->Filled();
                            mount.kernel->InvalidatePages(inode);
                          },
                      .on_done =
                          [filling](const FrameFormat& format, const FrameInfo* info) {
                            using Xattrs = std::map<std::string, std::string, std::less<>>;
                            filling->End(info ? FrameXattrs(format, *info) : Xattrs());
                          }},
                     std::move(done));
}

std::string Print(const DeviceNode& node) { return node.device->state().into + "\n"; }

class IntoKind final : public Kind {
 public:
  [[nodiscard]] bool limited() const override { return true; }
  [[nodiscard]] Content content() const override { return Content::kSettings; }

  [[nodiscard]] Names names() const override { return {"into"}; }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    Attr attr = FileAttr(place, 0666, Print(*place.node()).size());
    // Whoever may not see pictures must not have them captured into his own memory either.
    const mode_t see = place.mount.options.modes.OfFile(Content::kPictures, 0444);
    attr.stat.st_mode &= S_IFREG | see | see >> 1;
    return attr;
  }

  // The user who opened `into` must be allowed to write the memory, whoever writes the name.
  std::unique_ptr<OpenFile> Open(const Place& place, int /*flags*/) const override {
    const NodePtr node = place.node();
    return std::make_unique<TextFile>(
        Use(place, node), [node] { return Print(*node); },
        [&mount = place.mount, node,
         writer = Writer{place.caller, SupplementaryGroups(place.caller.pid)}](
            std::string_view text, Device::Done done) {
          try {
            CaptureNextInto(mount, *node->device, text, writer, done);
          } catch (const Error& error) {
            node->device->Reject(error, std::move(done));
          }
        });
  }
};

}  // namespace

const Kind& kinds::Into() { return The<IntoKind>(); }

}  // namespace grabfs
