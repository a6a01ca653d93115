// SPDX-License-Identifier: Apache-2.0
//
// The attributes of a device, one value a file: width, rate, state ... (../attributes.h).
#include "fusefs/vfs/attributes.h"

#include "fusefs/vfs/kinds/table.h"
#include "fusefs/vfs/text_file.h"

namespace grabfs {
namespace {

const Attribute& AttributeOf(const Place& place) {
  if (place.inode.index >= Attributes().size()) ThrowStale();
  return Attributes()[place.inode.index];
}

class AttributeKind final : public Kind {
 public:
  [[nodiscard]] bool limited() const override { return true; }
  [[nodiscard]] Content content() const override { return Content::kSettings; }

  [[nodiscard]] Names names() const override {
    Names all;
    for (const Attribute& attribute : Attributes()) all.emplace_back(attribute.name);
    return all;
  }

  [[nodiscard]] Attr Stat(const Place& place) const override {
    const Attribute& attribute = AttributeOf(place);
    return FileAttr(place, attribute.mode, PrintAttribute(attribute, *place.node()->device).size());
  }

  std::unique_ptr<OpenFile> Open(const Place& place, int flags) const override {
    const NodePtr node = place.node();
    const Attribute& attribute = AttributeOf(place);
    if (attribute.write == nullptr) RequireReading(flags, attribute.name);
    return std::make_unique<TextFile>(
        Use(place, node), [&attribute, node] { return PrintAttribute(attribute, *node->device); },
        [&attribute, node](std::string_view text, Device::Done done) {
          WriteAttribute(attribute, *node->device, text, std::move(done));
        });
  }
};

}  // namespace

const Kind& kinds::Attribute() { return The<AttributeKind>(); }

}  // namespace grabfs
