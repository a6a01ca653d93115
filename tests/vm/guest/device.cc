// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/device.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "tests/vm/guest/environment.h"
#include "tests/vm/guest/session.h"

namespace grabfs::vm {
namespace {

namespace fs = std::filesystem;

bool AdapterPresent() {
  try {
    return !FindAdapters(AdapterName()).empty();
  } catch (const Error&) {
    return false;  // A node of a device that goes or comes this very moment.
  }
}

// Of VM_MODULE_PARAMETERS, "inject=1 virtual.count=2", those of a board or, for "", of the core.
std::string ParametersOf(const std::string& board) {
  const char* const parameters = std::getenv("VM_MODULE_PARAMETERS");
  std::istringstream words(parameters == nullptr ? "" : parameters);
  std::string result;
  for (std::string word; words >> word;) {
    const size_t dot = word.substr(0, word.find('=')).find('.');
    const bool core = dot == std::string::npos;
    if ((core ? "" : word.substr(0, dot)) != board) continue;
    result += (core ? word : word.substr(dot + 1)) + " ";
  }
  return result;
}

void Load(const std::string& name) {
  const std::string path = "/lib/modules/" + name + ".ko";
  const size_t end = std::string("grabdma_").size();
  const std::string parameters = ParametersOf(name.size() > end ? name.substr(end) : "");
  const UniqueFd module(CheckSyscall(open(path.c_str(), O_RDONLY | O_CLOEXEC), "open " + path));
  CheckSyscall(syscall(SYS_finit_module, module.get(), parameters.c_str(), 0), "load " + path);
}

bool HasEdu() {
  for (const auto& device : fs::directory_iterator("/sys/bus/pci/devices")) {
    if (ReadText(device.path() / "device").starts_with("0x11e8")) return true;
  }
  return false;
}

// The harness reads this on the report line; see harness/guest.py.
void AskHarness(const char* verb) {
  std::printf("@vm request %s edu0\n", verb);
  std::fflush(stdout);
}

}  // namespace

Device::Device(const std::string& node)
    : device_(
          fs::canonical("/sys/class/grabdma/" + fs::path(node).filename().string() + "/device")),
      name_(fs::path(device_).filename()),
      driver_(fs::canonical(device_ + "/driver")) {}

void Device::Unbind() const { WriteText(driver_ + "/unbind", name_); }

void Device::Bind() const { WriteText(driver_ + "/bind", name_); }

bool Device::bound() const { return fs::exists(driver_ + "/" + name_); }

bool Device::is_pci() const { return fs::exists("/sys/bus/pci/devices/" + name_); }

void Device::Remove() const { WriteText(device_ + "/remove", "1"); }

void Device::Rescan() { WriteText("/sys/bus/pci/rescan", "1"); }

void Device::Unplug() const {
  AskHarness("unplug");
  WaitUntil("the device to be unplugged", [this] { return !present(); });
}

void Device::Plug() const {
  AskHarness("plug");
  WaitForAdapter();
}

std::string LossName(Loss loss) {
  switch (loss) {
    case Loss::kUnbind:
      return "Unbind";
    case Loss::kInjected:
      return "Injected";
    case Loss::kRemove:
      return "Remove";
    case Loss::kUnplug:
      return "Unplug";
  }
  return "";
}

bool IsOfTheBus(Loss loss) { return loss == Loss::kRemove || loss == Loss::kUnplug; }

void Device::Lose(Loss loss) const {
  switch (loss) {
    case Loss::kUnbind:
      return Unbind();
    case Loss::kInjected:
      Session(AdapterPath()).Inject(GRABDMA_FAULT_UNPLUG);
      return WaitUntil("the driver to let go", [this] { return !bound(); });
    case Loss::kRemove:
      return Remove();
    case Loss::kUnplug:
      return Unplug();
  }
}

void Device::Restore(Loss loss) const {
  switch (loss) {
    case Loss::kUnbind:
    case Loss::kInjected:
      Bind();
      break;
    case Loss::kRemove:
      Rescan();
      break;
    case Loss::kUnplug:
      Plug();
      break;
  }
  WaitForAdapter();
}

bool Device::present() const { return fs::exists(device_); }

void WaitForAdapter() { WaitUntil("an adapter", AdapterPresent); }

void WaitForNoAdapter() {
  WaitUntil("no adapter", [] { return !AdapterPresent(); });
}

int RemoveModule() {
  const auto in_use = [](const char* name) {
    std::ifstream file(std::string("/sys/module/") + name + "/refcnt");
    int users = 0;
    return file >> users && users > 0;
  };
  // The one that refuses comes first: so the other is not removed and loaded in vain.
  std::array<const char*, 3> names = {"grabdma_edu", "grabdma_virtual", "grabdma"};
  if (in_use(names[1])) std::swap(names[0], names[1]);
  // What was gone before, does not come back.
  std::vector<const char*> removed;
  int error = 0;
  for (const char* const name : names) {
    if (!fs::exists(std::string("/sys/module/") + name)) continue;
    if (syscall(SYS_delete_module, name, O_NONBLOCK) != 0) {
      error = errno;
      break;
    }
    removed.push_back(name);
  }
  if (error == 0) return removed.empty() ? ENOENT : 0;
  for (const char* const name : removed) Load(name);
  return error;
}

void InsertModule() {
  Load("grabdma");
  const bool edu = HasEdu();
  if (edu) Load("grabdma_edu");
  if (!edu || !ParametersOf("virtual").empty()) Load("grabdma_virtual");
}

void WaitUntil(const std::string& what, const std::function<bool()>& done,
               std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience * PatienceFactor();
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw Error(ETIMEDOUT, "waited in vain for " + what);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  if (!file) ThrowErrno("open " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteText(const std::string& path, const std::string& text) {
  const UniqueFd file(CheckSyscall(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open " + path));
  CheckSyscall(write(file.get(), text.data(), text.size()), "write " + path);
}

}  // namespace grabfs::vm
