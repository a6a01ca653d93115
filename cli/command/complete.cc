// SPDX-License-Identifier: Apache-2.0
#include "cli/command/complete.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <ostream>
#include <span>
#include <sstream>
#include <string_view>

#include "cli/base/text.h"
#include "cli/base/timely_work.h"
#include "cli/command/verb_parser.h"
#include "cli/mount/device.h"
#include "cli/mount/mount.h"
#include "cli/mount/mount_table.h"
#include "cli/mount/status.h"
#include "cli/save/encoder.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

using Words = std::span<const std::string>;

// For all mounts to answer, and for all of a completion.
constexpr double kMountSeconds = 1;
constexpr double kSeconds = 2;

// What the words before the cursor say about which mount is meant.
class Surroundings {
 public:
  Surroundings(Words words, const Context& context) : words_(words), context_(context) {}

  // All devices of the mount that is meant, or of all mounts.
  [[nodiscard]] std::vector<Device> Devices() const;
  // Those among them that the words before the cursor name; all when none is named.
  [[nodiscard]] std::vector<Device> NamedDevices() const;

 private:
  [[nodiscard]] std::vector<std::string> Mountpoints() const;

  Words words_;
  const Context& context_;
};

std::vector<std::string> Surroundings::Mountpoints() const {
  if (const std::string named = OptionValue(words_, "--mount"); !named.empty()) return {named};
  if (const std::string named = context_.environment("GRABFS_MOUNT"); !named.empty()) {
    return {named};
  }
  std::vector<std::string> mountpoints;
  const std::vector<MountInfo> mounts = GrabfsMounts(context_.system);
  for (const ExaminedMount& examined : MountExaminer().Examine(mounts, kMountSeconds)) {
    if (examined.health == MountHealth::kAlive) mountpoints.push_back(examined.mount.mountpoint);
  }
  return mountpoints;
}

std::vector<Device> Surroundings::Devices() const {
  std::vector<Device> devices;
  for (const std::string& mountpoint : Mountpoints()) {
    try {
      for (Device& device : Mount(mountpoint).Devices()) devices.push_back(std::move(device));
    } catch (const Error&) {
      continue;  // gone, or closed to this user: nothing to offer from there
    }
  }
  return devices;
}

std::vector<Device> Surroundings::NamedDevices() const {
  std::vector<Device> all = Devices();
  std::vector<Device> named = all;
  std::erase_if(named, [this](const Device& device) {
    return std::ranges::none_of(words_, [&](const std::string& word) {
      return word == device.name() || word == device.directory();
    });
  });
  return named.empty() ? all : named;
}

// A name that is not unique says nothing: then the directory stands for the device.
Candidates DeviceNames(const Surroundings& surroundings) {
  const std::vector<Device> devices = surroundings.Devices();
  Candidates candidates;
  for (const Device& device : devices) {
    candidates.push_back({device.NameAmong(devices), device.directory().parent_path().string()});
  }
  return candidates;
}

void AddOnce(Candidates& candidates, Candidate candidate) {
  const bool there = std::ranges::count(candidates, candidate.text, &Candidate::text) > 0;
  if (!there) candidates.push_back(std::move(candidate));
}

// Attributes and controls, with `suffix` behind each.
Candidates Settings(const Surroundings& surroundings, const std::string& suffix) {
  Candidates candidates;
  for (const Device& device : surroundings.NamedDevices()) {
    for (const std::string& name : device.SettingNames()) {
      AddOnce(candidates, {name + suffix, device.name()});
    }
  }
  return candidates;
}

// "format=GR" or "format=": values of that setting, behind its name.
Candidates SettingValues(const Surroundings& surroundings, const std::string& name) {
  Candidates candidates;
  for (const Device& device : surroundings.NamedDevices()) {
    for (const std::string& value : device.KnownValues(name)) {
      AddOnce(candidates, {name + "=" + value, device.name()});
    }
  }
  return candidates;
}

Candidates SettingsOrValues(const std::string& word, const Surroundings& surroundings) {
  const size_t equals = word.find('=');
  return equals == std::string::npos ? Settings(surroundings, "=")
                                     : SettingValues(surroundings, word.substr(0, equals));
}

// The only device need not be named: then a setting may stand in its place.
Candidates DevicesOrSettings(std::string_view verb, const std::string& word,
                             const Surroundings& surroundings) {
  Candidates candidates = DeviceNames(surroundings);
  if (candidates.size() != 1) return candidates;
  Candidates more;
  if (verb == "set") more = SettingsOrValues(word, surroundings);
  if (verb == "get") more = Settings(surroundings, "");
  candidates.insert(candidates.end(), more.begin(), more.end());
  return candidates;
}

// What grabfs-cli free takes: names in alloc/, and in the directories of devices there.
Candidates AllocFiles(const Surroundings& surroundings) {
  Candidates candidates;
  std::vector<std::filesystem::path> seen;
  for (const Device& device : surroundings.Devices()) {
    const std::filesystem::path alloc = device.directory().parent_path() / "alloc";
    if (std::find(seen.begin(), seen.end(), alloc) != seen.end()) continue;
    seen.push_back(alloc);
    std::error_code ignored;
    for (const auto& file : std::filesystem::recursive_directory_iterator(alloc, ignored)) {
      if (!file.is_regular_file(ignored)) continue;
      candidates.push_back({file.path().lexically_relative(alloc).string(), "memory"});
    }
  }
  return candidates;
}

Candidates Mountpoints(const Context& context) {
  Candidates candidates;
  for (const MountInfo& entry : GrabfsMounts(context.system)) {
    candidates.push_back({entry.mountpoint, "grabfs"});
  }
  return candidates;
}

// Words that explain themselves.
template <typename Texts>
Candidates Plain(const Texts& words) {
  Candidates candidates;
  for (const std::string_view word : words) candidates.push_back({std::string(word), ""});
  return candidates;
}

Candidates FrameNumbers(const Surroundings& surroundings) {
  Candidates candidates;
  for (const Device& device : surroundings.NamedDevices()) {
    for (const uint64_t sequence : device.FrameSequences()) {
      candidates.push_back({std::to_string(sequence), "frame of " + device.name()});
    }
  }
  return candidates;
}

Candidates VerbNames() {
  Candidates candidates;
  for (const VerbEntry* entry : Verbs()) {
    candidates.push_back({std::string(entry->name), std::string(entry->summary)});
  }
  return candidates;
}

// The values of an option or argument of `verb`, by its name in the help.
Candidates ValuesOf(std::string_view verb, std::string_view name, const std::string& word,
                    const Surroundings& surroundings, const Context& context) {
  if (name == "DEVICE") return DevicesOrSettings(verb, word, surroundings);
  if (name == "KEY=VALUE") return SettingsOrValues(word, surroundings);
  if (name == "KEY") return Settings(surroundings, "");
  if (name == "SEQUENCE") return FrameNumbers(surroundings);
  // No candidates for the name of a new file.
  if (name == "NAME" && verb != "alloc") return AllocFiles(surroundings);
  if (name == "MOUNTPOINT" || name == "DIR") return Mountpoints(context);
  if (name == "STATE") return Plain(kStates);
  if (verb == "save" && name == "FORMAT") return Plain(FileFormNames());
  return {};
}

Candidates CompleteVerb(const VerbEntry& entry, Words words, const Context& context) {
  const std::unique_ptr<Verb> verb = entry.make();
  return CompleteFor(entry.name, VerbParser(entry, *verb).Describe(), words, context);
}

}  // namespace

Candidates CompleteFor(std::string_view name, const Command& command, Words words,
                       const Context& context) {
  if (words.empty()) return {};
  const Surroundings surroundings(words.first(words.size() - 1), context);
  return Complete(command, words, [&](const std::string& value, const std::string& word) {
    return ValuesOf(name, value, word, surroundings, context);
  });
}

Candidates CompleteCli(const std::vector<std::string>& words, const Context& context) {
  if (words.size() <= 1) return StartingWith(words.empty() ? "" : words.front(), VerbNames());
  try {
    return CompleteVerb(FindVerb(words.front()), Words(words).subspan(1), context);
  } catch (const Error&) {
    return {};  // no such verb, or the mount went away meanwhile
  }
}

void PrintInTime(std::ostream& out, const std::function<Candidates()>& complete) {
  TimelyWork work([&] {
    std::ostringstream text;
    Print(text, complete());
    return text.str();
  });
  out << work.Await(Deadline::After(kSeconds)).value_or("");
}

}  // namespace grabfs::cli
