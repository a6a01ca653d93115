// SPDX-License-Identifier: Apache-2.0
//
// controls/, for devices that have controls: for each control a file NAME with the value, and
// NAME.info, which describes the values that may be written. The index of an inode is the position
// in the directory.
#include <cerrno>
#include <span>

#include "fusefs/vfs/kinds/table.h"

namespace grabfs {
namespace {

constexpr std::string_view kDescriptionSuffix = ".info";
constexpr size_t kMaxText = 4096;
// The size that stat() shows, as in sysfs: the real size would have to be asked of the device.
constexpr uint64_t kControlSize = 4096;

bool HasControls(const Device& device) {
  return device.controls() && !device.controls()->names().empty();
}

struct ControlFile {
  std::string control;
  bool description;  // NAME.info
  bool writable;

  [[nodiscard]] std::string name() const {
    return description ? control + std::string(kDescriptionSuffix) : control;
  }
};

// nullopt: there is none.
std::optional<ControlFile> ControlOf(const Device& device, uint64_t index) {
  if (!HasControls(device)) return std::nullopt;
  const auto& names = device.controls()->names();
  if (index / 2 >= names.size()) return std::nullopt;
  const Controls::Name& control = names[index / 2];
  const bool description = index % 2 != 0;
  return ControlFile{control.name, description, control.writable && !description};
}

// A read asks the device, which may take any time.
class OpenControlFile final : public OpenFile {
 public:
  OpenControlFile(std::unique_ptr<DeviceUse> use, ControlFile file)
      : use_(std::move(use)), file_(std::move(file)) {}

  [[nodiscard]] bool uncached() const override { return true; }

  void Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) override {
    use_->node().PostControlRead([this, offset, size, reply = std::move(reply)] {
      std::optional<Error> failure;
      try {
        if (offset == 0) text_ = Print();
      } catch (...) {
        failure = ErrorFrom(std::current_exception());
      }
      // The file may be released as soon as the reply is given.
      const std::string text = text_;
      reply(Window(std::as_bytes(std::span(text)), offset, size), failure ? &*failure : nullptr);
    });
  }

  // The text without the end of its line.
  void Write(uint64_t /*offset*/, std::span<const std::byte> data, bool /*writeback*/,
             WriteReply reply) override {
    std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
    if (text.ends_with('\n')) text.remove_suffix(1);
    auto done = [reply = std::move(reply), size = data.size()](const Error* error) {
      reply(error ? 0 : size, error);
    };
    if (text.size() > kMaxText) {
      const Error error(EINVAL, file_.control + ": the value is too long");
      return use_->device().Reject(error, std::move(done));
    }
    use_->device().SetControl(file_.control, std::string(text), std::move(done));
  }

 private:
  [[nodiscard]] std::string Print() const {
    const Device& device = use_->device();
    if (device.state().gone()) throw Error(ENODEV, device.name() + ": has been unplugged");
    Controls& controls = *device.controls();
    return file_.description ? controls.Describe(file_.control)
                             : controls.Read(file_.control) + "\n";
  }

  const std::unique_ptr<DeviceUse> use_;
  const ControlFile file_;
  std::string text_;  // used by the control thread only
};

ControlFile FileOf(const Place& place, const DeviceNode& node) {
  const auto file = ControlOf(*node.device, place.inode.index);
  if (!file) ThrowStale();
  return *file;
}

class ControlKind final : public Kind {
 public:
  [[nodiscard]] bool limited() const override { return true; }
  [[nodiscard]] Content content() const override { return Content::kSettings; }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    const bool writable = FileOf(place, *place.node()).writable;
    return FileAttr(place, writable ? 0644 : 0444, kControlSize);
  }
  // Stat() knows which there are.
  [[nodiscard]] bool IsPossible(const Place& /*place*/) const override { return true; }

  std::unique_ptr<OpenFile> Open(const Place& place, int flags) const override {
    const NodePtr node = place.node();
    const ControlFile file = FileOf(place, *node);
    if (!file.writable) RequireReading(flags, file.name());
    return std::make_unique<OpenControlFile>(Use(place, node), file);
  }
};

class ControlsDirKind final : public DirectoryKind {
 public:
  [[nodiscard]] Content content() const override { return Content::kSettings; }
  [[nodiscard]] Names names() const override { return {"controls"}; }
  [[nodiscard]] bool IsOn(const Device& device) const override { return HasControls(device); }

  [[nodiscard]] Entry Lookup(const Place& place, const std::string& name) const override {
    const NodePtr node = place.node();
    for (uint64_t index = 0;; ++index) {
      const auto file = ControlOf(*node->device, index);
      if (!file) ThrowNoSuchName(name);
      if (file->name() == name) return EntryOf(place, index);
    }
  }

  void List(const Place& place, uint64_t offset, const Emit& emit) const override {
    const NodePtr node = place.node();
    for (uint64_t index = offset;; ++index) {
      const auto file = ControlOf(*node->device, index);
      if (!file || !emit(file->name(), EntryOf(place, index), index + 1)) return;
    }
  }

 private:
  static Entry EntryOf(const Place& place, uint64_t index) {
    const Place control = place.Other(NodeKind::kControl, index);
    return {control.kind().Stat(control), kForever};
  }
};

}  // namespace

const Kind& kinds::Control() { return The<ControlKind>(); }

const Kind& kinds::ControlsDir() { return The<ControlsDirKind>(); }

}  // namespace grabfs
