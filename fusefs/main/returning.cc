// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/returning.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/base/thread.h"
#include "fusefs/main/devices.h"
#include "fusefs/source/loadable.h"

namespace grabfs {
namespace {

// A camera that has just come answers some questions and others not.
bool MayPass(const Error& error) {
  return error.code() == ENODEV || error.code() == EBUSY || error.code() == ETIMEDOUT ||
         error.code() == EIO;
}

}  // namespace

Returning::Returning(const std::vector<DeviceOption>& named, FileSystem* file_system)
    : file_system_(file_system), stop_(CheckSyscall(eventfd(0, EFD_CLOEXEC), "eventfd")) {
  std::ranges::copy_if(named, std::back_inserter(cameras_),
                       [](const DeviceOption& option) { return IsLoadable(option.source); });
}

Returning::~Returning() {
  (void)eventfd_write(stop_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void Returning::Start() {
  if (!cameras_.empty()) thread_ = StartThread("looking for cameras", [this] { Run(); });
}

void Returning::Run() {
  for (;;) {
    pollfd fd = {stop_.get(), POLLIN, 0};
    if (poll(&fd, 1, static_cast<int>(kInterval.count())) > 0) return;
    for (const DeviceOption& option : cameras_) {
      if (!file_system_->HasDevice(option.config.name)) LookFor(option);
    }
  }
}

void Returning::LookFor(const DeviceOption& option) {
  try {
    file_system_->AddDevice(MakeDevice(option));
    LogInfo(option.config.name + ": is there (" + option.source.kind + ":" +
            option.source.argument + ")");
    last_failure_.clear();
  } catch (const Error& error) {
    // Not each time anew.
    if (!MayPass(error) && last_failure_ != error.what()) LogWarning(error.what());
    last_failure_ = error.what();
  }
}

}  // namespace grabfs
