// SPDX-License-Identifier: Apache-2.0
#include "cli/save/frame_command.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <regex>
#include <utility>

#include "cli/save/name_pattern.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/picture/form.h"

namespace grabfs::cli {
namespace {

constexpr std::string_view kRaw = "raw";
constexpr std::string_view kAnyPicture = "";

// What may be replaced in a word: the name between braces is the first group, the digits of a
// number are the second.
std::ranges::subrange<std::sregex_iterator> Placeholders(const std::string& word) {
  static const std::regex expression("\\{([a-z]*)\\}|%(0?[0-9]{0,2})d");
  return {std::sregex_iterator(word.begin(), word.end(), expression), std::sregex_iterator()};
}

bool IsShown(std::string_view form) {
  return std::ranges::any_of(PictureForms(),
                             [&](PictureForm shown) { return PictureFormName(shown) == form; });
}

bool NamesFile(const std::smatch& match) {
  if (match[2].matched) return false;
  const std::string form = match[1];
  return form == kAnyPicture || form == kRaw || IsShown(form);
}

bool NamesFileIn(const std::string& word) {
  return std::ranges::any_of(Placeholders(word), NamesFile);
}

std::string Padded(uint64_t number, const std::string& digits) {
  const size_t width = digits.empty() ? 0 : std::stoul(digits);
  return PaddedNumber(number, width, digits.starts_with('0') ? '0' : ' ');
}

// The file of a frame in a form, by its name in braces.
std::string FileOf(const Device& device, uint64_t sequence, uint32_t fourcc, std::string form) {
  if (form == kAnyPicture) {
    const auto usual = UsualPictureForm(fourcc);
    form = usual ? PictureFormName(*usual) : kRaw;
  }
  return device.FramePath(sequence, form == kRaw ? "" : form).string();
}

}  // namespace

FrameCommand::FrameCommand(std::vector<std::string> words) : words_(std::move(words)) {
  if (!std::ranges::any_of(words_, NamesFileIn)) words_.emplace_back("{}");
}

std::vector<std::string> FrameCommand::Expand(const Device& device, uint64_t sequence,
                                              uint32_t fourcc) const {
  std::vector<std::string> expanded;
  for (const std::string& word : words_) {
    std::string& result = expanded.emplace_back();
    auto rest = word.begin();
    for (const std::smatch& match : Placeholders(word)) {
      result.append(rest, match[0].first);
      rest = match[0].second;
      if (match[2].matched) {
        result += Padded(sequence, match[2]);
      } else {
        result += NamesFile(match) ? FileOf(device, sequence, fourcc, match[1]) : match.str();
      }
    }
    result.append(rest, word.end());
  }
  return expanded;
}

}  // namespace grabfs::cli
