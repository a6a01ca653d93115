// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/gst/pipeline.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "tests/mount/support/environment.h"
#include "tests/mount/support/wait.h"

namespace grabfs::mount_test {
namespace {

namespace fs = std::filesystem;

// Where the distribution has plugins: beside the library, in a folder of their own.
fs::path PluginFolder() {
  Dl_info library;
  if (::dladdr(reinterpret_cast<void*>(&gst_init), &library) == 0)
    throw std::runtime_error("dladdr");
  return fs::canonical(library.dli_fname).parent_path() / "gstreamer-1.0";
}

void LinkIfSimple(const fs::path& plugin, const std::string& place) {
  for (const char* const name : {"coreelements", "video4linux2", "videoconvert"}) {
    if (!plugin.filename().string().starts_with(std::string("libgst") + name)) continue;
    fs::create_symlink(plugin, fs::path(place) / "plugins" / plugin.filename());
  }
}

std::string TakeText(gchar* text) {
  std::string copy = text != nullptr ? text : "";
  g_free(text);
  return copy;
}

std::string TextOf(GstMessage* message) {
  GError* error = nullptr;
  gchar* debug = nullptr;
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR:
      gst_message_parse_error(message, &error, &debug);
      break;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning(message, &error, &debug);
      break;
    case GST_MESSAGE_INFO:
      gst_message_parse_info(message, &error, &debug);
      break;
    default:
      return "";
  }
  std::string text = error->message;
  g_error_free(error);
  return text + "\n" + TakeText(debug);
}

std::string CapsOf(GstPad* pad) {
  GstCaps* const caps = gst_pad_get_current_caps(pad);
  std::string text = TakeText(gst_caps_to_string(caps));
  gst_caps_unref(caps);
  return text;
}

}  // namespace

void InitGStreamer() {
  static const bool initialized = [] {
    const std::string place = MakeScratchDirectory("gst");
    fs::create_directory(place + "/plugins");
    for (const auto& file : fs::directory_iterator(PluginFolder()))
      LinkIfSimple(file.path(), place);
    fs::copy_file(GstPluginPath(), place + "/plugins/libgstgrabfs.so");
    ::setenv("GST_REGISTRY", (place + "/registry").c_str(), 1);
    ::setenv("GST_REGISTRY_FORK", "no", 1);
    ::setenv("GST_PLUGIN_SYSTEM_PATH", (place + "/plugins").c_str(), 1);
    gst_init(nullptr, nullptr);
    return true;
  }();
  static_cast<void>(initialized);
}

BufferMap::BufferMap(GstBuffer* buffer) : buffer_(buffer) {
  if (!gst_buffer_map(buffer, &info_, GST_MAP_READ)) throw std::runtime_error("gst_buffer_map");
}
BufferMap::~BufferMap() { gst_buffer_unmap(buffer_, &info_); }

std::span<const std::byte> BufferMap::bytes() const {
  return std::as_bytes(std::span(info_.data, info_.size));
}

Pipeline::Pipeline(const std::string& description) {
  InitGStreamer();
  GError* error = nullptr;
  pipeline_ = gst_parse_launch(description.c_str(), &error);
  if (error != nullptr) {
    const std::string words = error->message;
    g_error_free(error);
    throw std::runtime_error(description + ": " + words);
  }
  GstElement* const sink = gst_bin_get_by_name(GST_BIN(pipeline_), "sink");
  if (sink == nullptr) throw std::runtime_error(description + ": no element is called sink");
  GstPad* const pad = gst_element_get_static_pad(sink, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, OnBuffer, this, nullptr);
  gst_object_unref(pad);
  gst_object_unref(sink);
}

Pipeline::~Pipeline() {
  Unblock();
  gst_element_set_state(pipeline_, GST_STATE_NULL);
  gst_object_unref(pipeline_);
}

void Pipeline::AwaitPlaying() {
  const auto patience = std::chrono::nanoseconds(kPatience).count();
  GstState state = GST_STATE_NULL;
  gst_element_get_state(pipeline_, &state, nullptr, static_cast<GstClockTime>(patience));
  if (state != GST_STATE_PLAYING) throw std::runtime_error("the pipeline does not come to play");
}

void Pipeline::Enter(GstState state) {
  if (gst_element_set_state(pipeline_, state) == GST_STATE_CHANGE_FAILURE) {
    throw std::runtime_error("state: " + AwaitMessage(GST_MESSAGE_ERROR));
  }
}

GstPadProbeReturn Pipeline::OnBuffer(GstPad* pad, GstPadProbeInfo* info, gpointer self) {
  static_cast<Pipeline*>(self)->Arrive(pad, GST_PAD_PROBE_INFO_BUFFER(info));
  return GST_PAD_PROBE_OK;
}

void Pipeline::Arrive(GstPad* pad, GstBuffer* buffer) {
  Arrival arrival;
  arrival.address = BufferMap(buffer).bytes().data();
  arrival.sequence = GST_BUFFER_OFFSET(buffer);
  arrival.pts = GST_BUFFER_PTS(buffer);
  arrival.discont = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  arrival.caps = CapsOf(pad);
  std::unique_lock lock(mutex_);
  arrivals_.push_back(std::move(arrival));
  if (keep_) kept_.emplace_back(gst_buffer_ref(buffer));
  changed_.notify_all();
  changed_.wait(lock, [this] { return !blocked_; });
}

void Pipeline::KeepBuffers() {
  const std::lock_guard lock(mutex_);
  keep_ = true;
}

void Pipeline::Block() {
  const std::lock_guard lock(mutex_);
  blocked_ = true;
}

void Pipeline::Unblock() {
  const std::lock_guard lock(mutex_);
  blocked_ = false;
  changed_.notify_all();
}

std::vector<Arrival> Pipeline::arrivals() const {
  const std::lock_guard lock(mutex_);
  return arrivals_;
}

bool Pipeline::Await(size_t arrivals) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return arrivals_.size() >= arrivals; });
}

GstBuffer* Pipeline::kept(size_t index) const {
  const std::lock_guard lock(mutex_);
  return kept_.at(index).get();
}

void Pipeline::DropKept() {
  const std::lock_guard lock(mutex_);
  keep_ = false;
  kept_.clear();
}

std::string Pipeline::AwaitMessage(GstMessageType type) {
  GstBus* const bus = gst_element_get_bus(pipeline_);
  const auto types = static_cast<GstMessageType>(type | GST_MESSAGE_ERROR);
  const auto patience = std::chrono::nanoseconds(kPatience).count();
  GstMessage* const message =
      gst_bus_timed_pop_filtered(bus, static_cast<GstClockTime>(patience), types);
  gst_object_unref(bus);
  if (message == nullptr) throw std::runtime_error("no message came");
  const bool expected = (GST_MESSAGE_TYPE(message) & type) != 0;
  std::string text = TextOf(message);
  gst_message_unref(message);
  if (!expected) throw std::runtime_error("the pipeline failed: " + text);
  return text;
}

Pipeline::Losses Pipeline::losses() const {
  Losses losses;
  GstBus* const bus = gst_element_get_bus(pipeline_);
  while (GstMessage* const message = gst_bus_pop_filtered(bus, GST_MESSAGE_QOS)) {
    GstFormat format = GST_FORMAT_UNDEFINED;
    gst_message_parse_qos_stats(message, &format, &losses.given, &losses.lost);
    gst_message_unref(message);
  }
  gst_object_unref(bus);
  return losses;
}

}  // namespace grabfs::mount_test
