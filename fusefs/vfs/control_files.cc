// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/control_files.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/vfs/file_system.h"
#include "fusefs/vfs/file_system_common.h"
#include "fusefs/vfs/files.h"
#include "fusefs/vfs/names.h"

namespace grabfs {
namespace {

constexpr size_t kMaxText = 4096;

}  // namespace

bool HasControls(const Device& device) {
  return device.controls() && !device.controls()->names().empty();
}

std::string ControlFile::name() const {
  return description ? control + std::string(kDescriptionSuffix) : control;
}

std::optional<ControlFile> ControlOf(const Device& device, uint64_t index) {
  if (!HasControls(device) || index < kFirstControl) return std::nullopt;
  const auto& names = device.controls()->names();
  const uint64_t place = index - kFirstControl;
  if (place / 2 >= names.size()) return std::nullopt;
  const Controls::Name& control = names[place / 2];
  const bool description = place % 2 != 0;
  return ControlFile{control.name, description, control.writable && !description};
}

std::optional<uint64_t> FindControl(const Device& device, const std::string& name) {
  for (uint64_t index = kFirstControl;; ++index) {
    const auto file = ControlOf(device, index);
    if (!file) return std::nullopt;
    if (file->name() == name) return index;
  }
}

std::string PrintControl(const Device& device, const ControlFile& file) {
  if (device.state().gone()) throw Error(ENODEV, device.name() + ": has been unplugged");
  Controls& controls = *device.controls();
  return file.description ? controls.Describe(file.control) : controls.Read(file.control) + "\n";
}

void WriteControl(Device& device, const ControlFile& file, std::string_view text,
                  Device::Done done) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.size() > kMaxText) {
    return device.Reject(Error(EINVAL, file.control + ": the value is too long"), std::move(done));
  }
  device.SetControl(file.control, std::string(text), std::move(done));
}

// --- In the tree

Entry FileSystem::LookupControl(const NodePtr& node, const std::string& name) {
  const auto index = FindControl(*node->device, name);
  if (!index) ThrowNoSuchName(name);
  return {GetAttr(Of(*node, NodeKind::kControls, *index).number()), kForever};
}

void FileSystem::ReadControlsDir(const NodePtr& node, uint64_t offset, const Emit& emit) {
  for (uint64_t index = std::max(offset, kFirstControl);; ++index) {
    const auto file = ControlOf(*node->device, index);
    if (!file) return;
    const Entry entry{GetAttr(Of(*node, NodeKind::kControls, index).number()), kForever};
    if (!emit(file->name(), entry, index + 1)) return;
  }
}

std::unique_ptr<OpenFile> FileSystem::OpenControl(const NodePtr& node, uint64_t index, int flags) {
  const auto file = ControlOf(*node->device, index);
  if (!file) throw Error(EISDIR, "a directory cannot be opened as a file");
  if ((flags & O_ACCMODE) != O_RDONLY && !file->writable) {
    throw Error(EACCES, file->name() + " cannot be written");
  }
  return std::make_unique<TextFile>(
      Use(node), [node, file] { return PrintControl(*node->device, *file); },
      [node, file](std::string_view text, Device::Done done) {
        WriteControl(*node->device, *file, text, std::move(done));
      });
}

}  // namespace grabfs
