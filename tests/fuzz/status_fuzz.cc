// SPDX-License-Identifier: Apache-2.0
//
// What grabfs-cli reads from a mount that may not be one: status.json and events. Anything but what
// a daemon writes is EPROTO with a reason.
#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/base/deadline.h"
#include "cli/base/exit_code.h"
#include "cli/mount/events.h"
#include "cli/mount/status.h"
#include "fusefs/base/unique_fd.h"
#include "tests/fuzz/fuzz.h"

namespace grabfs::fuzz {
namespace {

void CheckStatus(std::string_view text) {
  AcceptOrRefuse(
      [text] {
        const nlohmann::json json = cli::ParseJson(text, "status.json");
        AcceptOrRefuse([&json] { cli::ParseMountStatus(json, "status.json"); }, {EPROTO});
        AcceptOrRefuse([&json] { cli::ParseDeviceStatus(json, "status.json"); }, {EPROTO});
      },
      {EPROTO});
}

// A file that ends is a device that has gone: the reader must come to that end, past every line
// that is no event.
void CheckEvents(std::string_view text) {
  UniqueFd file(CheckSyscall(::memfd_create("events", MFD_CLOEXEC), "memfd_create"));
  Require(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  Require(::lseek(file.get(), 0, SEEK_SET) == 0);
  cli::EventReader reader(std::move(file), "events", "sim0");
  bool ended = false;
  while (!ended) {
    AcceptOrRefuse(
        [&] {
          try {
            Require(reader.Next(cli::Deadline::After(0.0)).has_value());
          } catch (const cli::NoDeviceError&) {
            ended = true;
          }
        },
        {EPROTO});
  }
}

}  // namespace
}  // namespace grabfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = grabfs::fuzz::TextOf(data, size);
  grabfs::fuzz::CheckStatus(text);
  grabfs::fuzz::CheckEvents(text);
  return 0;
}
