// SPDX-License-Identifier: Apache-2.0
//
// events: one line for each event of the device; read like a pipe.
#include <cerrno>
#include <span>

#include "fusefs/vfs/kinds/frame.h"
#include "fusefs/vfs/kinds/table.h"
#include "fusefs/vfs/names.h"

namespace grabfs {
namespace {

class EventsFile final : public OpenFile {
 public:
  EventsFile(std::unique_ptr<DeviceUse> use, EventLog::Permit permit)
      : use_(std::move(use)), reader_(use_->device().events().Open(std::move(permit))) {}
  ~EventsFile() override { reader_->CancelRead(); }

  [[nodiscard]] bool uncached() const override { return true; }
  [[nodiscard]] bool seekable() const override { return false; }

  void Read(uint64_t /*offset*/, size_t size, bool wait, ReadReply reply) override {
    const auto deliver = [reply](const std::string& lines) {
      reply(std::as_bytes(std::span(lines)), nullptr);
    };
    if (!wait) {
      const auto lines = reader_->TryRead(size);
      if (!lines) throw Error(EAGAIN, "events: none now");
      deliver(*lines);
    } else if (!reader_->Read(size, deliver)) {
      throw Error(EBUSY, "events: another read() of the same open file is waiting");
    }
  }

  bool CancelRead() override { return reader_->CancelRead(); }

  bool Readable(std::function<void()> wake) override {
    if (reader_->Ready()) return true;
    reader_->NotifyReady(std::move(wake));
    return false;
  }

 private:
  const std::unique_ptr<DeviceUse> use_;
  const std::shared_ptr<EventReader> reader_;
};

class EventsKind final : public Kind {
 public:
  [[nodiscard]] bool endless() const override { return true; }
  [[nodiscard]] bool limited() const override { return true; }
  [[nodiscard]] Content content() const override { return Content::kPictures; }

  [[nodiscard]] Names names() const override { return {"events"}; }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    (void)place.node();  // ESTALE
    return FileAttr(place, 0444, 0);
  }

  std::unique_ptr<OpenFile> Open(const Place& place, int flags) const override {
    RequireReading(flags, "events");
    return std::make_unique<EventsFile>(Use(place, place.node()), PermitFor(place));
  }
};

}  // namespace

const Kind& kinds::Events() { return The<EventsKind>(); }

}  // namespace grabfs
