// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/display/display.h"

#include <cerrno>
#include <filesystem>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/source/display/screen.h"
#include "fusefs/source/options.h"
#include "fusefs/source/output.h"

namespace grabfs {
namespace {

constexpr uint32_t kDefaultWidth = 640;
constexpr uint32_t kDefaultHeight = 480;
constexpr Rate kDefaultRate = {30, 1};

class Display final : public OutputSource {
 public:
  Display(std::string path, const FormatRequest& request, Rate rate)
      : path_(std::move(path)), screen_(MakeScreen(path_, rate)) {
    rate_ = rate;
    format_ = ApplyRequest(MakeFrameFormat(kGrey, kDefaultWidth, kDefaultHeight), request);
  }

  [[nodiscard]] std::string description() const override { return "display:" + path_; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override {
    const FrameFormat format = OutputSource::OnSetFormat(request);
    screen_->Require(format);
    return format;
  }

  void OnPresent(uint32_t buffer) override { screen_->Show(format(), Bound(buffer).bytes()); }

 private:
  const std::string path_;
  const std::unique_ptr<Screen> screen_;
};

}  // namespace

std::unique_ptr<Source> MakeDisplay(SourceSpec& spec) {
  if (spec.argument.empty()) throw Error(EINVAL, "display: write display:FILE.y4m, .png or .raw");
  // The daemon changes its directory when it goes to the background.
  const std::string path = std::filesystem::absolute(spec.argument).lexically_normal().string();
  const FormatRequest request = TakeFormatOptions(spec);
  return std::make_unique<Display>(path, request, TakeRateOption(spec).value_or(kDefaultRate));
}

}  // namespace grabfs
