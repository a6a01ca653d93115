// SPDX-License-Identifier: Apache-2.0
//
// status.json as typed values: of one device, and of the whole mount. The meaning of each value is
// in docs/mount.md.
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

// What DeviceStatus::state may be.
inline constexpr std::array<std::string_view, 4> kStates = {"stopped", "streaming", "error",
                                                            "gone"};

struct DeviceStatus {
  struct Buffers {
    uint64_t count, free, filling, ready, held;
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
    std::optional<uint64_t> huge_page_bytes;  // absent where the kernel cannot tell
  };

  std::string name;
  std::string source;
  std::string state;
  std::string policy;
  std::string last_error;
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
  std::vector<Stream> streams;  // who reads them
  Memory memory = {};
  std::map<std::string, std::string> settings;
};

struct MountStatus {
  std::string version;
  std::string kernel;
  int64_t pid = 0;
  std::string data_path;
  std::string data_path_reason;
  std::vector<DeviceStatus> devices;
};

// All three throw Error(EPROTO) that names `origin` and what is wrong in it.
// Whole numbers from 0 on are counts; converting any other number may be undefined. Throws
// Error(EPROTO).
uint64_t ToCount(const nlohmann::json& value);
nlohmann::json ParseJson(std::string_view text, const std::string& origin);
DeviceStatus ParseDeviceStatus(const nlohmann::json& json, const std::string& origin);
MountStatus ParseMountStatus(const nlohmann::json& json, const std::string& origin);

}  // namespace grabfs::cli
