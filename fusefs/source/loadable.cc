// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/loadable.h"

#include <dlfcn.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/source/module.h"
#include "fusefs/source/trusted_path.h"

namespace grabfs {
namespace {

namespace fs = std::filesystem;

// Of the folder in which this program lies, as installed: /usr/bin and /usr/lib/grabfs.
constexpr char kFromProgram[] = "../lib/grabfs";
constexpr char kPrefix[] = "source-";
constexpr char kSuffix[] = ".so";

// A kind becomes a part of a path.
bool IsName(const std::string& kind) {
  return !kind.empty() && std::ranges::all_of(kind, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

// The loader's text names the file already, in most cases.
[[noreturn]] void Refuse(const std::string& path, const std::string& why) {
  throw Error(ENOEXEC, why.starts_with(path) ? why : path + ": " + why);
}

void RequireSameBuild(const std::string& path, const SourceModule& module) {
  const SourceModule own = {.usage = "", .make = nullptr};
  if (std::strcmp(module.version, own.version) != 0) {
    Refuse(path, std::string("is of grabfs ") + module.version + ", and this is " + own.version +
                     ": install packages of one version");
  }
  if (std::strcmp(module.compiler, own.compiler) != 0 || module.layout != own.layout) {
    Refuse(path, "was not built together with this grabfs: install packages of one build");
  }
}

const SourceModule& Load(const std::string& path) {
  if (::getauxval(AT_SECURE) != 0)
    throw Error(EPERM, path + ": not for a daemon that is set-user-ID");
  if (::geteuid() == 0) RequireTrustedPath(path, 0);
  // All symbols now: one that is missing must be an error of the command line, not of a capture.
  void* const object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) Refuse(path, ::dlerror());
  const auto* const module = static_cast<const SourceModule*>(::dlsym(object, kSourceModuleSymbol));
  if (module == nullptr) Refuse(path, "is no source of grabfs");
  RequireSameBuild(path, *module);
  return *module;
}

// Where modules are.
fs::path Folder(fs::path folder) {
  if (folder.empty()) {
    std::error_code unreadable;
    folder = fs::read_symlink("/proc/self/exe", unreadable).parent_path() / kFromProgram;
  }
  return fs::absolute(folder).lexically_normal();
}

}  // namespace

std::string LoadableSourcePath(const SourceSpec& spec) {
  return (Folder(spec.source_path) / (kPrefix + spec.kind + kSuffix)).string();
}

std::unique_ptr<Source> MakeLoadableSource(SourceSpec& spec) {
  if (!IsName(spec.kind)) return nullptr;
  const std::string path = LoadableSourcePath(spec);
  if (::access(path.c_str(), F_OK) != 0) return nullptr;
  return Load(path).make(spec);
}

std::vector<FoundCamera> FindLoadableCameras(const std::string& source_path) {
  std::vector<FoundCamera> cameras;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(Folder(source_path), absent)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    try {
      const SourceModule& module = Load(entry.path());
      if (module.find == nullptr) continue;
      for (FoundCamera& camera : module.find()) cameras.push_back(std::move(camera));
    } catch (const Error& error) {
      LogWarning(error.what());
    }
  }
  return cameras;
}

}  // namespace grabfs
