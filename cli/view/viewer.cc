// SPDX-License-Identifier: Apache-2.0
#include "cli/view/viewer.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <string_view>

#include "cli/base/text.h"
#include "cli/save/saver.h"
#include "cli/view/focus.h"
#include "fusefs/base/error.h"
#include "fusefs/base/pixel_format.h"

namespace grabfs::view {
namespace {

constexpr int kLargestZoom = 5;
constexpr int kSmallestZoom = -5;
// Once a second the title is brought up to date, whatever happens.
constexpr int kTick = 1000;
// Long enough to be read, also while frames go by.
constexpr std::chrono::seconds kNoteTime(5);

constexpr std::string_view kStreaming = "streaming";

Size SizeOf(const cli::DeviceStatus& status) { return {status.width, status.height}; }

}  // namespace

Viewer::Viewer(const XServer& server, const cli::Device& device, const Options& options)
    : server_(server),
      device_(device),
      camera_(cli::OpenCamera(device)),
      window_(server, Zoomed(SizeOf(device.Status()), options.zoom), options.full_screen),
      caption_(server, window_.id()),
      plot_(server, window_.id()),
      uploader_(server, device, options.share),
      zoom_(std::clamp(options.zoom, kSmallestZoom, kLargestZoom)),
      state_(device.Status().state) {}

void Viewer::Run() {
  Show(Take(&grabfs::Device::Newest));
  for (;;) {
    while (const auto command = window_.NextCommand()) {
      if (!Obey(*command)) return;
    }
    if (wants_frames()) Show(Take(&grabfs::Device::Next));
    state_ = cli::WithErrors([this] { return camera_.Get("state"); });
    if (look_changed_) ShowAgain();
    UpdateText();
    UpdateTitle();
    Await();
  }
}

// The descriptor of frames that nobody takes would stay readable.
void Viewer::Await() {
  std::array<pollfd, 2> fds = {{
      {.fd = xcb_get_file_descriptor(server_.connection()), .events = POLLIN, .revents = 0},
      {.fd = wants_frames() ? camera_.fd() : -1, .events = POLLIN, .revents = 0},
  }};
  if (::poll(fds.data(), fds.size(), kTick) < 0 && errno != EINTR) ThrowErrno("poll");
}

bool Viewer::Obey(Command command) {
  switch (command) {
    case Command::kQuit:
      return false;
    case Command::kStartStop:
      StartOrStop();
      break;
    case Command::kPause:
      paused_ = !paused_;
      if (!paused_) Show(Take(&grabfs::Device::Newest));
      break;
    case Command::kStep:
      Step();
      break;
    case Command::kSave:
      Save();
      break;
    case Command::kZoomIn:
      Zoom(zoom_ + 1);
      break;
    case Command::kZoomOut:
      Zoom(zoom_ - 1);
      break;
    case Command::kZoomReset:
      Zoom(0);
      break;
    case Command::kText:
      text_wanted_ = !text_wanted_;
      break;
    case Command::kFullScreen:
      SetFullScreen(!window_.full_screen());
      break;
    case Command::kDrag: {
      const Drag drag = window_.TakeDrag();
      SetLevels(look_.levels.Dragged(drag.right, drag.down));
      break;
    }
    case Command::kAutoLevels:
      SetLevelsFromPicture();
      break;
    case Command::kResetLevels:
      SetLevels({});
      break;
    case Command::kHistogram:
      Toggle(histogram_wanted_);
      break;
    case Command::kClipping:
      Toggle(look_.clipping);
      break;
    case Command::kFocus:
      Toggle(focus_wanted_);
      break;
    case Command::kEscape:
      if (!window_.full_screen()) return false;
      SetFullScreen(false);
      break;
    case Command::kFullScreenChanged:
      FitWindow();
      Redraw();
      break;
    case Command::kRedraw:
      Redraw();
      break;
  }
  return true;
}

void Viewer::StartOrStop() { Set("state", state_ == kStreaming ? "stop" : "start"); }

void Viewer::Step() {
  paused_ = true;
  step_ = true;
  (void)Take(&grabfs::Device::Newest);  // the step is to what comes from now on
  if (device_.Status().state != kStreaming) Set("trigger", "1");
}

void Viewer::Set(const std::string& attribute, const std::string& value) {
  try {
    device_.Set(attribute, value);
  } catch (const Error& error) {
    Note(error.what());
  }
}

void Viewer::Note(const std::string& text) {
  note_ = cli::OneLine(text);
  note_end_ = Clock::now() + kNoteTime;
}

void Viewer::Save() {
  if (!shown_) return;
  try {
    const cli::Saver saver(".", "png", device_.name());
    Note("saved " + saver.Save(*shown_).file);
  } catch (const Error& error) {
    Note(error.what());
  }
}

void Viewer::Zoom(int zoom) {
  if (window_.full_screen()) return;
  zoom_ = std::clamp(zoom, kSmallestZoom, kLargestZoom);
  FitWindow();
  Draw();
}

void Viewer::SetFullScreen(bool full) {
  try {
    window_.SetFullScreen(full);
  } catch (const Error& error) {
    Note(error.what());
  }
}

void Viewer::Toggle(bool& wanted) {
  wanted = !wanted;
  look_changed_ = true;
}

void Viewer::SetLevels(const Levels& levels) {
  if (!HasLevels()) return Note("window and level are for samples of more than 8 bits");
  look_.levels = levels;
  look_changed_ = true;
}

void Viewer::SetLevelsFromPicture() {
  if (!HasLevels()) return SetLevels({});
  const Image image = Convert(cli::FormatOf(*shown_), cli::PixelsOf(*shown_));
  SetLevels(Levels(UsualRange(Count(image))));
}

bool Viewer::HasLevels() const { return shown_ && ShapeOf(cli::FormatOf(*shown_)).bits > 8; }

std::optional<grabfs::Frame> Viewer::Take(Find find) {
  try {
    return cli::WithErrors([&] { return (camera_.*find)(grabfs::Device::Timeout(0)); });
  } catch (const Error& error) {
    if (error.code() == EIO) return std::nullopt;  // the state says it
    if (error.code() != EDQUOT || !shown_) throw;
  }
  shown_.reset();  // the X server has its own copy
  return Take(find);
}

void Viewer::Show(std::optional<grabfs::Frame> frame) {
  if (!frame || (shown_ && (*frame)->sequence == (*shown_)->sequence)) return;
  const FrameFormat format = cli::FormatOf(*frame);
  MakeCanvas(format);
  shown_ = std::move(frame);
  step_ = false;
  ++frames_in_second_;
  Upload();
  Draw();
}

void Viewer::ShowAgain() {
  look_changed_ = false;
  if (!shown_) return;
  Upload();
  Redraw();
}

void Viewer::Upload() {
  histogram_.reset();
  sharpness_.reset();
  if (uploader_.Show(*shown_, look_, *canvas_)) Measure();
}

void Viewer::Measure() {
  if (!histogram_wanted_ && !focus_wanted_) return;
  const FrameFormat format = cli::FormatOf(*shown_);
  const auto pixels = cli::PixelsOf(*shown_);
  if (histogram_wanted_) histogram_ = Count(Convert(format, pixels));
  if (focus_wanted_) sharpness_ = Sharpness(Convert(format, pixels, Colours::kToGrey));
}

void Viewer::MakeCanvas(const FrameFormat& format) {
  if (canvas_ && canvas_->size() == Size{format.width, format.height}) return;
  canvas_ = std::make_unique<Canvas>(server_, format.width, format.height);
  FitWindow();
}

void Viewer::FitWindow() const {
  if (canvas_) window_.Resize(Zoomed(canvas_->size(), zoom_));
}

void Viewer::Draw() const {
  if (canvas_) {
    canvas_->Draw(window_.id(), window_.full_screen() ? Fitted(canvas_->size(), window_.size())
                                                      : Area{0, 0, Zoomed(canvas_->size(), zoom_)});
  }
  if (histogram_) plot_.Draw(*histogram_, window_.size());
  caption_.Draw(lines_);
}

void Viewer::Redraw() const {
  window_.Clear();
  Draw();
}

std::vector<std::string> Viewer::Lines() const {
  std::vector<std::string> lines;
  if (state_ == kStreaming) {
    if (!shown_) lines.emplace_back("no frame yet");
  } else if (state_ == "error") {
    lines.push_back("error: " + cli::OneLine(device_.Status().last_error) + ": press s to start");
  } else {
    lines.push_back(state_ + ": press s to start");
  }
  if (HasLevels() && !look_.levels.all()) {
    lines.push_back(look_.levels.Text(FindPixelFormat((*shown_)->fourcc)->bits));
  }
  if (sharpness_) lines.push_back("focus " + cli::Decimal(*sharpness_, 1));
  if (Clock::now() < note_end_) lines.push_back(note_);
  return lines;
}

void Viewer::UpdateText() {
  std::vector<std::string> lines;
  if (text_wanted_ && caption_.available()) lines = Lines();
  if (lines == lines_) return;
  lines_ = std::move(lines);
  Redraw();
}

void Viewer::UpdateTitle() {
  const auto now = Clock::now();
  if (now - second_ >= std::chrono::seconds(1)) {
    const std::chrono::duration<double> passed = now - second_;
    rate_ = static_cast<uint64_t>(static_cast<double>(frames_in_second_) / passed.count() + 0.5);
    lost_ = device_.Status().counters.dropped;
    frames_in_second_ = 0;
    second_ = now;
  }
  std::ostringstream title;
  title << device_.name();
  if (shown_) {
    title << " - frame " << (*shown_)->sequence << ", " << rate_ << " shown a second, "
          << cli::Plural(lost_, "drop") << ", " << uploader_.way();
  }
  if (paused_) title << " (paused)";
  if (lines_.empty()) {
    for (const std::string& line : Lines()) title << " - " << line;
  }
  window_.SetTitle(title.str());
}

}  // namespace grabfs::view
