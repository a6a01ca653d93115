// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli alloc: memory of one's own, by create and ftruncate.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/mount/alloc_path.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {
namespace {

// "4096", "64K", "8M", "2G"; nullopt for anything else.
std::optional<uint64_t> ParseSize(std::string_view text) {
  constexpr std::string_view kUnits = "KMG";
  const size_t power = text.empty() ? std::string_view::npos : kUnits.find(text.back());
  if (power == std::string_view::npos) return ParseCount(text);
  const auto count = ParseCount(text.substr(0, text.size() - 1));
  const size_t bits = 10 * (power + 1);
  if (!count || *count > UINT64_MAX >> bits) return std::nullopt;
  return *count << bits;
}

mode_t ParseMode(const std::string& text) {
  mode_t mode = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, mode, 8);
  if (status == std::errc() && stop == end && mode <= 0777) return mode;
  throw UsageError("alloc: --mode " + text + ": write an octal number up to 777");
}

// What a refusal means, in words.
std::string Explain(int code) {
  switch (code) {
    case EDQUOT:
      return "that is more than this user's quota (mount option alloc_quota): free something with "
             "'grabfs-cli free'";
    case ENOSPC:
      return "there is not so much memory, or not so much for alloc/ (mount option alloc_size)";
    default:
      return ErrnoText(code);
  }
}

class AllocVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareMount(options);
    options.Argument("NAME", name_, "Of the file in alloc/");
    options.Argument("SIZE", size_, "Bytes, or with K, M or G; without it one image of the device");
    options.Text("--device", device_, "DEVICE", "Memory that this device can be given");
    options.Text("--mode", mode_, "OCTAL", "Who may use it (default 600: this user alone)");
    options.Flag("--json", json_, "An object instead of a path");
  }

  ExitCode Run(Context& context) override {
    const Mount mount = target_.FindMount(context);
    const uint64_t bytes = Size(mount);
    std::string name = AllocName(mount, name_);
    if (!device_.empty()) name = mount.FindDevice(device_).name() + "/" + name;
    const MountFile file = AllocFile(mount, name);
    Make(file, bytes, ParseMode(mode_));
    const std::string path = file.path().string();
    if (json_) {
      context.out << nlohmann::ordered_json{{"file", path}, {"bytes", bytes}}.dump() << '\n';
    } else {
      context.out << path << '\n';
    }
    return ExitCode::kDone;
  }

 private:
  [[nodiscard]] uint64_t Size(const Mount& mount) const {
    if (size_.empty()) return mount.FindDevice(device_).Status().bytes;
    const auto bytes = ParseSize(size_);
    if (!bytes) throw UsageError("alloc: '" + size_ + "' is no size: write 4096, 64K, 8M or 2G");
    return *bytes;
  }

  static void Make(const MountFile& file, uint64_t bytes, mode_t mode) {
    const UniqueFd fd = Open(file, O_RDWR | O_CREAT | O_EXCL, mode);
    if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) == 0) return;
    const int code = errno;
    Unlink(file);
    throw Error(code, file.path().string() + ": " + HumanBytes(bytes) + ": " + Explain(code));
  }

  Target target_;
  std::string name_;
  std::string size_;
  std::string device_;
  std::string mode_ = "600";
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kAllocVerb;
const VerbEntry kAllocVerb = {
    "alloc",
    "Allocate memory as a file of alloc/ and print its path",
    "grabfs-cli alloc mine 64M\n"
    "grabfs-cli alloc picture --device cam0 && grabfs-cli capture cam0 --into cam0/picture",
    &MakeVerb<AllocVerb>,
};

}  // namespace grabfs::cli
