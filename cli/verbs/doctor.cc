// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli doctor: what is active, what is broken and what would make it faster, in words.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/base/table.h"
#include "cli/command/verb.h"
#include "cli/doctor/health.h"

namespace grabfs::cli {
namespace {

class DoctorVerb : public Verb {
 public:
  void Declare(Options& options) override {
    options.Flag("--json", json_, "One array of findings");
  }

  ExitCode Run(Context& context) override {
    std::vector<Finding> findings = ExamineSystem(context);
    for (Finding& finding : ExamineCameras(context)) findings.push_back(std::move(finding));
    for (Finding& finding : ExamineMounts(context)) findings.push_back(std::move(finding));
    if (json_) {
      PrintJson(context, findings);
    } else {
      Print(context, findings);
    }
    const bool broken = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
      return finding.severity == Finding::Severity::kBroken;
    });
    return broken ? ExitCode::kFailed : ExitCode::kDone;
  }

 private:
  static void PrintJson(Context& context, const std::vector<Finding>& findings) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const Finding& finding : findings) {
      all.push_back({{"severity", SeverityName(finding.severity)},
                     {"subject", finding.subject},
                     {"text", finding.text},
                     {"advice", finding.advice}});
    }
    context.out << all.dump(2) << '\n';
  }

  static void Print(Context& context, const std::vector<Finding>& findings) {
    Table table({{"HEALTH"}, {"SUBJECT"}, {"FINDING"}});
    for (const Finding& finding : findings) {
      table.AddRow({SeverityName(finding.severity), finding.subject, finding.text});
      if (!finding.advice.empty()) table.AddRow({"", "", "-> " + finding.advice});
    }
    table.Print(context.out);
  }

  bool json_ = false;
};

}  // namespace

extern const VerbEntry kDoctorVerb;
const VerbEntry kDoctorVerb = {
    "doctor",
    "Say what works, what does not, and what would make it faster",
    "grabfs-cli doctor\n"
    "grabfs-cli doctor --json | jq -r '.[] | select(.severity == \"broken\") | .text'",
    &MakeVerb<DoctorVerb>,
};

}  // namespace grabfs::cli
