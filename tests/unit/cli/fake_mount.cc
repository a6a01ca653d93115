// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cli/fake_mount.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "cli/base/text.h"
#include "cli/command/run.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// A file must never be seen half written, just as in a real mount.
void Replace(const fs::path& file, const std::string& text) {
  const fs::path draft = file.string() + ".draft";
  WriteText(draft, text);
  fs::rename(draft, file);
}

UniqueFd MakePipe(const fs::path& file) {
  CheckSyscall(::mkfifo(file.c_str(), 0666), file);
  // Opened both ways, so that neither side ever sees the other one missing.
  return UniqueFd(CheckSyscall(::open(file.c_str(), O_RDWR | O_CLOEXEC), file));
}

void SetAttribute(const fs::path& file, const std::string& name, const std::string& value) {
  const std::string key = "user.grabfs." + name;
  CheckSyscall(::setxattr(file.c_str(), key.c_str(), value.data(), value.size(), 0), key);
}

json InitialStatus(const std::string& name, const FrameFormat& f) {
  return {{"name", name},
          {"source", "pattern"},
          {"state", "stopped"},
          {"policy", "keep-newest"},
          {"last_error", ""},
          {"last_error_realtime_ns", 0},
          {"format", f.name()},
          {"width", f.width},
          {"height", f.height},
          {"stride", f.stride},
          {"bytes", f.bytes},
          {"rate", "30"},
          {"trigger", 0},
          {"buffers",
           {{"count", 8},
            {"free", 8},
            {"filling", 0},
            {"ready", 0},
            {"held", 0},
            {"renewing", 0},
            {"aside", 0},
            {"states", "eeeeeeee"}}},
          {"streams", nlohmann::json::array()},
          {"sequence", {{"next", 0}, {"oldest", nullptr}, {"newest", nullptr}}},
          {"counters",
           {{"captured", 0},
            {"delivered", 0},
            {"recycled", 0},
            {"dropped", 0},
            {"failed", 0},
            {"present", 0}}},
          {"data_path", "passthrough"},
          {"data_path_reason", "the kernel supports it"},
          {"in_flight", "watched"},
          {"memory", {{"bytes", 8 * f.bytes}, {"huge_page_bytes", 0}, {"renewed", 0}}},
          {"settings", json::object()}};
}

}  // namespace

FakeDevice::FakeDevice(const fs::path& mount, const std::string& name, FrameFormat format,
                       std::recursive_mutex& mutex, std::function<void()> on_change)
    : name_(name),
      directory_(mount / name),
      format_(format),
      mutex_(mutex),
      on_change_(std::move(on_change)),
      status_(InitialStatus(name, format)) {
  fs::create_directories(directory_ / "frames");
  for (const char* attribute : {"format", "width", "height", "rate", "policy"}) {
    Write(attribute, status_[attribute].is_string() ? status_[attribute].get<std::string>() + "\n"
                                                    : status_[attribute].dump() + "\n");
  }
  Write("direction", "capture\n");
  Write("buffers_count", status_["buffers"]["count"].dump() + "\n");
  events_ = MakePipe(directory_ / "events");
  for (const char* attribute : {"trigger", "into"}) {
    commands_[attribute] = MakePipe(directory_ / attribute);
  }
  Store();
  thread_ = std::jthread([this](const std::stop_token& stop) { ReadCommands(stop); });
}

FakeDevice::~FakeDevice() {
  thread_.request_stop();
  thread_.join();
}

json FakeDevice::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void FakeDevice::Patch(const json& patch) {
  const std::lock_guard lock(mutex_);
  status_.merge_patch(patch);
  Store();
}

void FakeDevice::Obey(OnCommand on_command) {
  const std::lock_guard lock(mutex_);
  on_command_ = std::move(on_command);
}

uint64_t FakeDevice::Capture(const Bytes& pixels) {
  const std::lock_guard lock(mutex_);
  const uint64_t sequence = status_["sequence"]["next"];
  const fs::path file = directory_ / "frame.draft";
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(pixels.data()),
             static_cast<std::streamsize>(pixels.size()));
  SetAttribute(file, "sequence", std::to_string(sequence));
  SetAttribute(file, "timestamp_ns", std::to_string(1000 + sequence));
  SetAttribute(file, "format", format_.name());
  SetAttribute(file, "width", std::to_string(format_.width));
  SetAttribute(file, "height", std::to_string(format_.height));
  SetAttribute(file, "stride", std::to_string(format_.stride));
  SetAttribute(file, "bytes_used", std::to_string(format_.bytes));
  SetAttribute(file, "flags", "0");
  SetAttribute(file, "dropped", "0");
  const fs::path latest = directory_ / "latest.draft";
  fs::create_hard_link(file, latest);
  fs::rename(file, FramePath(sequence));
  fs::rename(latest, directory_ / "latest.raw");
  if (status_["sequence"]["oldest"].is_null()) status_["sequence"]["oldest"] = sequence;
  status_["sequence"]["newest"] = sequence;
  Count("present");
  Announce({{"event", "frame"},
            {"device", name_},
            {"sequence", sequence},
            {"buffer", 0},
            {"timestamp_ns", 1000 + sequence},
            {"bytes_used", format_.bytes},
            {"dropped", 0},
            {"flags", 0}});
  return sequence;
}

void FakeDevice::Lose(const std::string& kind, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  const uint64_t sequence = status_["sequence"]["next"];
  Count(kind == "drop" ? "dropped" : "failed");
  json event = {{"event", kind}, {"device", name_}, {"sequence", sequence}, {"reason", reason}};
  if (kind == "drop") event["count"] = 1;
  Announce(event);
}

void FakeDevice::Recycle(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  fs::remove(FramePath(sequence));
}

void FakeDevice::Announce(const json& event) {
  const std::string line = event.dump() + "\n";
  CheckSyscall(::write(events_.get(), line.data(), line.size()), "events");
}

void FakeDevice::Unplug() { events_.reset(); }

Bytes FakeDevice::Pixels(uint64_t sequence) const {
  Bytes pixels(format_.bytes);
  for (size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<uint8_t>(i * 7 + sequence * 31);
  return pixels;
}

fs::path FakeDevice::FramePath(uint64_t sequence) const {
  std::string number = std::to_string(sequence);
  number.insert(0, 8 - number.size(), '0');
  return directory_ / "frames" / (number + ".raw");
}

void FakeDevice::Write(const std::string& file, const std::string& text) {
  Replace(directory_ / file, text);
}

void FakeDevice::Store() {
  Write("status.json", status_.dump());
  Write("state", status_["state"].get<std::string>() + "\n");
  on_change_();
}

// One more sequence number is used up.
void FakeDevice::Count(const std::string& counter) {
  for (const std::string& name : {counter, std::string("captured")}) {
    status_["counters"][name] = status_["counters"][name].get<uint64_t>() + 1;
  }
  status_["sequence"]["next"] = status_["sequence"]["next"].get<uint64_t>() + 1;
  Store();
}

void FakeDevice::ReadCommands(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    for (const auto& [attribute, fd] : commands_) {
      pollfd poll_fd = {fd.get(), POLLIN, 0};
      if (::poll(&poll_fd, 1, 2) <= 0) continue;
      std::array<char, 4096> text;
      const ssize_t got = ::read(fd.get(), text.data(), text.size());
      Obey(attribute, {text.data(), static_cast<size_t>(std::max(got, ssize_t{0}))});
    }
    Obey("state", TakeState());
  }
}

std::string FakeDevice::TakeState() {
  const std::lock_guard lock(mutex_);
  const std::string state = status_["state"].get<std::string>() + "\n";
  std::string text = ReadText(directory_ / "state");
  if (text.empty() || text == state) return "";  // or it is being written
  Write("state", state);
  return text;
}

void FakeDevice::Obey(const std::string& attribute, const std::string& text) {
  OnCommand obey;
  {
    const std::lock_guard lock(mutex_);
    obey = on_command_;
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (obey) obey(*this, attribute, line);
  }
}

FakeMount::FakeMount()
    : context_{.out = out_,
               .err = err_,
               .environment = [this](const std::string& name) { return environment_[name]; },
               .program_directory = {},
               .system = {},
               .err_is_terminal = false} {
  std::string base = (fs::temp_directory_path() / "grabfs-cli-XXXXXX").string();
  if (::mkdtemp(base.data()) == nullptr) ThrowErrno(base);
  base_ = base;
  root_ = base_ / "mount";
  scratch_ = base_ / "scratch";
  fs::create_directories(root_);
  fs::create_directories(scratch_);
  environment_["GRABFS_MOUNT"] = root_.string();
  StoreStatus();
}

FakeMount::~FakeMount() {
  devices_.clear();
  std::error_code ignored;
  fs::remove_all(base_, ignored);
}

FakeDevice& FakeMount::AddDevice(const std::string& name, FrameFormat format) {
  devices_.push_back(
      std::make_unique<FakeDevice>(root_, name, format, mutex_, [this] { StoreStatus(); }));
  StoreStatus();
  return *devices_.back();
}

ExitCode FakeMount::Cli(const std::vector<std::string>& args) {
  out_.str("");
  err_.str("");
  return cli::Run(args, context_);
}

std::vector<json> FakeMount::OutObjects() const {
  std::vector<json> objects;
  std::istringstream lines(out_.str());
  for (std::string line; std::getline(lines, line);) objects.push_back(json::parse(line));
  return objects;
}

void FakeMount::StoreStatus() {
  const std::lock_guard lock(mutex_);
  json devices = json::array();
  for (const auto& device : devices_) devices.push_back(device->status());
  const json status = {{"version", "0.1"},
                       {"kernel", "6.12.0"},
                       {"pid", 1},
                       {"mountpoint", root_.string()},
                       {"data_path", "passthrough"},
                       {"data_path_reason", "the kernel supports it"},
                       {"handles", handles_},
                       {"devices", devices}};
  Replace(root_ / "status.json", status.dump());
}

size_t CountLines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

Bytes ReadBytes(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

std::string ReadText(const fs::path& file) {
  const Bytes bytes = ReadBytes(file);
  return std::string(bytes.begin(), bytes.end());
}

void WriteText(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

}  // namespace grabfs::cli
