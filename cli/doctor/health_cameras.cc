// SPDX-License-Identifier: Apache-2.0
//
// The cameras' part of `doctor`. Which kinds of cameras there are is the daemon's business: it
// lists them, and this program knows nothing of sources.
#include <optional>
#include <sstream>

#include "cli/base/process.h"
#include "cli/base/timely_work.h"
#include "cli/doctor/health.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

using enum Finding::Severity;

// Cameras in networks are waited for a second or two. A device that hangs must not stop the doctor.
constexpr double kPatienceSeconds = 10;

// A line of `grabfs --list-cameras`: SOURCE, a tabulator, a description.
Finding ExamineCamera(const std::string& line) {
  const size_t tab = line.find('\t');
  const std::string source = line.substr(0, tab);
  const std::string description = tab == std::string::npos ? "" : line.substr(tab + 1);
  return {kGood, source, description, "grabfs --device cam0=" + source + " MOUNTPOINT"};
}

}  // namespace

std::vector<Finding> ExamineCameras(const Context& context) {
  const auto daemon = FindProgram(context, "grabfs");
  if (!daemon) return {};
  std::optional<std::string> lines;
  try {
    TimelyWork work([&] { return OutputOf({daemon->string(), "--list-cameras"}); });
    lines = work.Await(Deadline::After(kPatienceSeconds));
  } catch (const Error& error) {
    return {{kNote, "cameras", std::string("cannot be looked for: ") + error.what(), ""}};
  }
  if (!lines) return {{kNote, "cameras", "looking for them takes too long", ""}};
  std::vector<Finding> findings;
  std::istringstream text(*lines);
  for (std::string line; std::getline(text, line);) findings.push_back(ExamineCamera(line));
  if (!findings.empty()) return findings;
  return {{kNote, "cameras", "none was found",
           "GigE Vision and USB3 Vision cameras need the package grabfs-aravis; programs and files "
           "can be cameras, too"}};
}

}  // namespace grabfs::cli
