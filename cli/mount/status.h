// SPDX-License-Identifier: Apache-2.0
//
// Parses status.json of a device and of the whole mount. docs/mount.md describes each value.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grabfs::cli {

// The values of DeviceStatus::state.
inline constexpr std::array<std::string_view, 4> kStates = {"stopped", "streaming", "error",
                                                            "gone"};

struct DeviceStatus {
  struct Buffers {
    uint64_t count, free, filling, ready, held, renewing, aside;
    std::string states;  // a letter for each
  };
  struct Stream {
    std::string file;
    int64_t pid;
    uint64_t frames, skipped;
  };
  struct Sequence {
    uint64_t next;
    std::optional<uint64_t> oldest, newest;
  };
  struct Counters {
    uint64_t captured, delivered, recycled, dropped, failed, present;
  };
  struct Memory {
    uint64_t bytes;
    std::optional<uint64_t> huge_page_bytes;  // absent if the kernel cannot report it
    uint64_t renewed;                         // how many times a buffer got new pages
  };

  std::string name;
  std::string source;
  std::string state;
  std::string policy;
  std::string last_error;
  uint64_t last_error_realtime_ns = 0;
  std::string format;
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t stride = 0;
  uint64_t bytes = 0;
  std::string rate;
  uint64_t trigger = 0;
  Buffers buffers = {};
  Sequence sequence = {};
  Counters counters = {};
  std::string data_path;
  std::string data_path_reason;
  std::string in_flight;        // what the daemon knows of pixels in flight
  std::vector<Stream> streams;  // readers of the stream files
  Memory memory = {};
  std::map<std::string, std::string> settings;
};

// "2026-12-01 08:55:43: width 17 is odd", in one line; empty: there is none.
std::string DescribeLastError(const DeviceStatus& status);

struct MountStatus {
  std::string version;
  std::string kernel;
  int64_t pid = 0;
  std::string data_path;
  std::string data_path_reason;
  bool handles = false;  // the mount gives file handles
  std::vector<DeviceStatus> devices;
};

// Throws Error(EPROTO) unless the value is an integer >= 0; to convert other numbers may be
// undefined.
uint64_t ToCount(const nlohmann::json& value);
// These three throw Error(EPROTO) that names `origin` and the mistake in it.
nlohmann::json ParseJson(std::string_view text, const std::string& origin);
DeviceStatus ParseDeviceStatus(const nlohmann::json& json, const std::string& origin);
MountStatus ParseMountStatus(const nlohmann::json& json, const std::string& origin);

}  // namespace grabfs::cli
