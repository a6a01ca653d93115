// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/device.h"

#include <algorithm>
#include <cerrno>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "cli/base/exit_code.h"
#include "cli/base/text.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/base/policy.h"

namespace grabfs::cli {

namespace {

std::vector<std::string> WritableFiles(const std::filesystem::path& directory) {
  constexpr auto kWritable = std::filesystem::perms::owner_write |
                             std::filesystem::perms::group_write |
                             std::filesystem::perms::others_write;
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(directory, ignored)) {
    const auto mode = file.symlink_status(ignored);
    const bool writable = (mode.permissions() & kWritable) != std::filesystem::perms::none;
    if (writable && is_regular_file(mode)) names.push_back(file.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> FormatNames() {
  std::vector<std::string> names;
  for (const PixelFormat& format : PixelFormats()) names.emplace_back(format.name);
  return names;
}

// From the description of a control: lines of a key and a value (docs/mount.md).
std::vector<std::string> Choices(const std::string& description) {
  std::vector<std::string> choices;
  std::istringstream lines(description);
  for (std::string line; std::getline(lines, line);) {
    if (line == "type boolean") return {"0", "1"};
    std::istringstream words(line);
    std::string key, number, name;
    if (words >> key >> number && key == "menu" && std::getline(words >> std::ws, name)) {
      choices.push_back(name);
    }
  }
  return choices;
}

}  // namespace

Device::Device(const std::filesystem::path& mount, std::string name)
    : name_(std::move(name)), directory_(mount / name_) {}

std::filesystem::path Device::FramePath(uint64_t sequence, const std::string& form) const {
  std::ostringstream file;
  file << std::setw(8) << std::setfill('0') << sequence << '.' << (form.empty() ? "raw" : form);
  return directory_ / (form.empty() ? "frames" : "frames." + form) / file.str();
}

nlohmann::json Device::StatusJson() const {
  const MountFile file = File("status.json");
  try {
    return ParseJson(ReadFile(file), file.path().string());
  } catch (const Error& error) {
    if (error.code() != ENOENT && error.code() != ENODEV) throw;
    throw NoDeviceError(name_ + ": no such device in " + directory_.parent_path().string());
  }
}

DeviceStatus Device::Status() const {
  return ParseDeviceStatus(StatusJson(), (directory_ / "status.json").string());
}

std::vector<uint64_t> Device::FrameSequences() const {
  const std::filesystem::path frames = directory_ / "frames";
  std::error_code code;
  std::vector<uint64_t> sequences;
  for (std::filesystem::directory_iterator entry(frames, code), end; !code && entry != end;
       entry.increment(code)) {
    if (entry->path().extension() != ".raw") continue;
    if (const auto sequence = ParseCount(entry->path().stem().string())) {
      sequences.push_back(*sequence);
    }
  }
  if (code) throw Error(code.value(), frames.string() + ": " + code.message());
  std::sort(sequences.begin(), sequences.end());
  return sequences;
}

std::vector<std::string> Device::SettingNames() const {
  std::vector<std::string> attributes = WritableFiles(directory_);
  const std::vector<std::string> controls = WritableFiles(directory_ / "controls");
  attributes.insert(attributes.end(), controls.begin(), controls.end());
  return attributes;
}

std::string Device::NameAmong(const std::vector<Device>& all) const {
  return std::ranges::count(all, name_, &Device::name) == 1 ? name_ : directory_.string();
}

std::vector<std::string> Device::KnownValues(const std::string& setting) const {
  if (setting == "format") return FormatNames();
  if (setting == "policy") return {kPolicyNames.begin(), kPolicyNames.end()};
  if (setting == "state") return {"start", "stop"};
  if (setting.find('/') != std::string::npos) return {};
  try {
    return Choices(ReadFile(File("controls/" + setting + ".info")));
  } catch (const Error&) {
    return {};  // no control
  }
}

std::string Device::Get(const std::string& setting) const {
  const MountFile file = SettingFile(setting);
  std::error_code ignored;
  // Links lead to what never ends; a number of the ring's or a device elsewhere is no setting.
  const bool is_one = setting.find_first_of("/.") == std::string::npos &&
                      is_regular_file(std::filesystem::symlink_status(file.path(), ignored));
  const std::string value = is_one ? ReadFile(file) : "";
  if (is_one && value.find('\0') == std::string::npos) return Trim(value);
  (void)Status();  // is there a device?
  throw Error(ENOENT, name_ + ": it has no setting '" + setting + "'" +
                          Hint(setting, SettingNames()) + " 'grabfs-cli get " + name_ +
                          "' prints all");
}

MountFile Device::SettingFile(const std::string& name) const {
  MountFile attribute = File(name);
  MountFile control = File("controls/" + name);
  std::error_code ignored;
  const bool is_control = !std::filesystem::exists(attribute.path(), ignored) &&
                          std::filesystem::exists(control.path(), ignored);
  return is_control ? control : attribute;
}

void Device::Set(const std::string& attribute, const std::string& value) const {
  try {
    WriteCommand(SettingFile(attribute), value + "\n");
  } catch (const Error& error) {
    throw Error(error.code(), Refusal(attribute, value, error.code()));
  }
}

std::string Device::Refusal(const std::string& attribute, const std::string& value,
                            int code) const {
  const std::string what = name_ + ": " + attribute + "=" + value + ": ";
  switch (code) {
    case EINVAL:
    case ENOSPC:
    case EOPNOTSUPP:
    case EBUSY:
    case EIO: {
      const DeviceStatus status = Status();
      const bool stop = code == EBUSY && (status.state == "streaming" || status.trigger > 0);
      return what + (status.last_error.empty() ? ErrnoText(code) : status.last_error) +
             (stop ? " ('grabfs-cli stop " + name_ + "')" : "");
    }
    case EACCES:
    case EPERM:
    case EROFS:
      return what + ErrnoText(code) + " (read-only attribute or mount, or not allowed to you)";
    case EXDEV:
      return what + "it leads out of the mount: not followed";
    default:
      return what + ErrnoText(code);
  }
}

}  // namespace grabfs::cli
