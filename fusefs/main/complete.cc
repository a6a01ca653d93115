// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/complete.h"

#include <array>
#include <string_view>

#include "fusefs/base/pixel_format.h"
#include "fusefs/main/mount_options.h"
#include "fusefs/main/options.h"
#include "fusefs/source/source.h"

namespace grabfs {
namespace {

// Words that are separated by commas: the candidates for the last of them, behind those before it.
Candidates AfterComma(const std::string& word, Candidates parts) {
  const size_t comma = word.rfind(',');
  const std::string before = comma == std::string::npos ? "" : word.substr(0, comma + 1);
  for (Candidate& part : parts) part.text.insert(0, before);
  return parts;
}

Candidates MountOptionWords(const std::string& word) {
  Candidates candidates;
  for (const MountOption& option : MountOptions()) {
    candidates.push_back({std::string(option.name), std::string(option.help)});
  }
  return AfterComma(word, std::move(candidates));
}

// "cam0=" and then a source up to its colon: what follows is a file.
Candidates Sources(const std::string& name) {
  Candidates candidates;
  for (const std::string& usage : SourceUsages()) {
    const size_t colon = usage.find(':');
    const std::string kind = colon == std::string::npos ? usage : usage.substr(0, colon + 1);
    candidates.push_back({name + "=" + kind, usage});
  }
  return candidates;
}

Candidates Formats() {
  Candidates candidates;
  for (const PixelFormat& format : PixelFormats()) {
    candidates.push_back({"format=" + std::string(format.name), ""});
  }
  return candidates;
}

// NAME=SOURCE[,key=value...]: there are no candidates for a name.
Candidates DeviceSpec(const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos) return {};
  if (word.find(',') == std::string::npos) return Sources(word.substr(0, equals));
  if (word.substr(word.rfind(',') + 1).starts_with("format=")) return AfterComma(word, Formats());
  return AfterComma(word, {{"width=", "pixels"},
                           {"height=", "pixels"},
                           {"format=", "fourcc, such as BGR4, GREY or YUYV"},
                           {"rate=", "frames per second; 0: as fast as possible"},
                           {"buffers=", "how many"},
                           {"policy=keep-newest", "recycle the oldest frame (the default)"},
                           {"policy=keep-oldest", "recycle nothing: drop new frames"},
                           {"state=streaming", "start at once"},
                           {"announce=1", "directory watchers see each frame as a new file"},
                           {"memory=grabdma", "buffers of the module, which see every pin"}});
}

}  // namespace

Candidates CompleteDaemon(const std::vector<std::string>& words) {
  return Complete(DescribeOptions(), words, [](const std::string& name, const std::string& word) {
    if (name == "SPEC") return DeviceSpec(word);
    if (name == "OPTIONS") return MountOptionWords(word);
    return Candidates();
  });
}

}  // namespace grabfs
