// SPDX-License-Identifier: Apache-2.0
//
// A directory that looks like a grabfs mount, of plain files and pipes, in which a test plays the
// daemon: it reads what the CLI writes to `trigger`, `state` and `into`, and writes `events`. It
// has no ring. And a Context in which verbs run in-process against it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/base/context.h"
#include "cli/base/exit_code.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/picture/image.h"

namespace grabfs::cli {

class FakeDevice {
 public:
  // What the daemon does when the CLI writes `value` to `attribute` ("trigger", "state" or "into").
  // Called by the device's own thread.
  using OnCommand =
      std::function<void(FakeDevice&, const std::string& attribute, const std::string& value)>;

  // `mutex` guards the files of the whole mount; `on_change` is called under it.
  FakeDevice(const std::filesystem::path& mount, const std::string& name, FrameFormat format,
             std::recursive_mutex& mutex, std::function<void()> on_change);
  FakeDevice(const FakeDevice&) = delete;
  FakeDevice& operator=(const FakeDevice&) = delete;
  ~FakeDevice();

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const FrameFormat& format() const { return format_; }
  [[nodiscard]] nlohmann::json status() const;
  // Merges `patch` into status.json.
  void Patch(const nlohmann::json& patch);
  void Obey(OnCommand on_command);

  // A frame of `pixels` under the next sequence number, announced.
  uint64_t Capture(const Bytes& pixels);
  // The same with pixels that depend on the sequence number only.
  uint64_t Capture() { return Capture(Pixels(Next())); }
  // A sequence number that came to nothing, announced as {"event": kind, "reason": reason}.
  void Lose(const std::string& kind, const std::string& reason);
  // The frame goes away, unannounced.
  void Recycle(uint64_t sequence);
  void Announce(const nlohmann::json& event);
  // Closes `events`, as an unplugged device does.
  void Unplug();

  [[nodiscard]] Bytes Pixels(uint64_t sequence) const;
  [[nodiscard]] std::filesystem::path FramePath(uint64_t sequence) const;
  [[nodiscard]] uint64_t Next() const { return status()["sequence"]["next"]; }

 private:
  void Write(const std::string& file, const std::string& text);
  void Store();
  void Count(const std::string& counter);
  void ReadCommands(const std::stop_token& stop);
  // What was written to `state` since the last call, which is a plain file: it is read, too.
  std::string TakeState();
  void Obey(const std::string& attribute, const std::string& text);

  std::string name_;
  std::filesystem::path directory_;
  FrameFormat format_;
  std::recursive_mutex& mutex_;  // guards the two below, and the files
  std::function<void()> on_change_;
  nlohmann::json status_;
  UniqueFd events_;
  OnCommand on_command_;  // guarded by mutex_, too
  std::map<std::string, UniqueFd> commands_;
  std::jthread thread_;
};

class FakeMount : public ::testing::Test {
 protected:
  FakeMount();
  ~FakeMount() override;

  FakeDevice& AddDevice(const std::string& name,
                        FrameFormat format = MakeFrameFormat(kGrey, 32, 16));

  // Runs grabfs-cli with $GRABFS_MOUNT set to this mount.
  ExitCode Cli(const std::vector<std::string>& args);
  [[nodiscard]] std::string Out() const { return out_.str(); }
  [[nodiscard]] std::string Err() const { return err_.str(); }
  // Each line of Out() as JSON.
  [[nodiscard]] std::vector<nlohmann::json> OutObjects() const;

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  // A path beside the mount, for output.
  [[nodiscard]] std::string Scratch(const std::string& name) const {
    return (scratch_ / name).string();
  }
  // What status.json says about file handles from now on.
  void GiveHandles(bool handles) {
    handles_ = handles;
    StoreStatus();
  }
  Context& context() { return context_; }
  std::map<std::string, std::string>& environment() { return environment_; }

 private:
  void StoreStatus();

  std::filesystem::path base_;
  std::filesystem::path root_;
  std::filesystem::path scratch_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::map<std::string, std::string> environment_;
  Context context_;
  bool handles_ = false;
  std::recursive_mutex mutex_;  // guards all files of the mount
  std::vector<std::unique_ptr<FakeDevice>> devices_;
};

// How many lines end in `text`.
size_t CountLines(const std::string& text);

// The whole file.
Bytes ReadBytes(const std::filesystem::path& file);
std::string ReadText(const std::filesystem::path& file);
void WriteText(const std::filesystem::path& file, const std::string& text);

}  // namespace grabfs::cli
