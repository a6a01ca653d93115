// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace grabfs::bench {
namespace {

constexpr const char* kLine = "%-74s | %-7s | %16s | %s\n";

std::string Number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}

std::string Signed(const Target& target) {
  return (target.kind == Target::Kind::kAtMost ? "<= " : ">= ") + Number(target.limit);
}

const char* Verdict(const Row& row) {
  if (!row.target) return "-";
  return row.Missed() ? "MISSED" : "reached";
}

void PrintLine(const std::string& what, const std::string& target, const std::string& measured,
               const std::string& verdict, std::ostream& out) {
  std::array<char, 512> line{};
  std::snprintf(line.data(), line.size(), kLine, what.c_str(), target.c_str(), measured.c_str(),
                verdict.c_str());
  out << line.data();
}

nlohmann::json RowJson(const Row& row) {
  nlohmann::json json = {{"what", row.what},  {"value", row.value},   {"unit", row.unit},
                         {"target", nullptr}, {"detail", row.detail}, {"verdict", Verdict(row)}};
  if (row.target) {
    const bool at_most = row.target->kind == Target::Kind::kAtMost;
    json["target"] = {{at_most ? "at_most" : "at_least", row.target->limit}};
  }
  return json;
}

nlohmann::json ResultJson(const Result& result) {
  nlohmann::json json = {{"benchmark", result.benchmark}, {"rows", nlohmann::json::array()}};
  for (const Row& row : result.rows) json["rows"].push_back(RowJson(row));
  if (!result.failure.empty()) json["failure"] = result.failure;
  return json;
}

}  // namespace

bool Report::Failed() const {
  return std::any_of(results.begin(), results.end(),
                     [](const Result& result) { return !result.failure.empty(); });
}

bool Report::Missed() const {
  return std::any_of(results.begin(), results.end(), [](const Result& result) {
    return std::any_of(result.rows.begin(), result.rows.end(),
                       [](const Row& row) { return row.Missed(); });
  });
}

void PrintHeading(const Machine& machine, std::ostream& out) {
  out << "grabfs " << machine.version << ", Linux " << machine.kernel << ", " << machine.cpus
      << " CPUs (" << machine.processor << ")\n"
      << "data path: " << machine.data_path << " (" << machine.data_path_reason << ")\n\n";
  PrintLine("what", "target", "measured", "verdict", out);
}

void PrintResult(const Result& result, std::ostream& out) {
  for (const Row& row : result.rows) {
    const std::string measured = Number(row.value) + " " + row.unit;
    const std::string detail = row.detail.empty() ? "" : "   (" + row.detail + ")";
    PrintLine(row.what, row.target ? Signed(*row.target) : "", measured, Verdict(row) + detail,
              out);
  }
  if (!result.failure.empty()) {
    PrintLine(result.benchmark, "", "", "not measured: " + result.failure, out);
  }
  out << std::flush;
}

void PrintJson(const Report& report, std::ostream& out) {
  const Machine& machine = report.machine;
  nlohmann::json json = {
      {"version", machine.version},     {"kernel", machine.kernel},
      {"processor", machine.processor}, {"cpus", machine.cpus},
      {"data_path", machine.data_path}, {"data_path_reason", machine.data_path_reason},
      {"quick", report.quick},          {"results", nlohmann::json::array()}};
  for (const Result& result : report.results) json["results"].push_back(ResultJson(result));
  out << json.dump(2) << "\n";
}

}  // namespace grabfs::bench
