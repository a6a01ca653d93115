// SPDX-License-Identifier: Apache-2.0
//
// The benchmark of grabfs: mounts the real daemon, measures both sides of every promised figure in
// one run, prints a table. A missed figure is a result and no failure, unless --strict is given:
// 0 measured, 1 something could not be measured (or was missed, with --strict), 2 usage.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <regex>

#include "tests/bench/benchmarks.h"
#include "tests/bench/machine.h"
#include "tests/bench/report.h"

namespace grabfs::bench {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct Options {
  std::string grabfs;
  std::string only;
  int repeat = 15;
  bool quick = false;
  bool json = false;
  bool strict = false;
};

// The daemon that was built together with this program.
std::string BuiltDaemon() {
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  return (self.parent_path() / "../../fusefs/main/grabfs").lexically_normal();
}

void Declare(CLI::App& app, Options& options) {
  options.grabfs = BuiltDaemon();
  app.add_option("--grabfs", options.grabfs, "The daemon to measure")->capture_default_str();
  app.add_option("--only", options.only, "Only benchmarks whose name matches this expression");
  app.add_option("--repeat", options.repeat, "How often each side is measured")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--quick", options.quick,
               "Few and short measurements: a proof that all of it works");
  app.add_flag("--json", options.json, "Print JSON");
  app.add_flag("--strict", options.strict, "Exit 1 when a figure is missed");
}

Result Run(const Benchmark& benchmark, const Context& context) {
  Result result{std::string(benchmark.name), {}, ""};
  try {
    result.rows = benchmark.run(context);
  } catch (const std::exception& error) {
    result.failure = error.what();
  }
  return result;
}

Report RunAll(const Options& options, const Context& context) {
  Report report{DescribeMachine(context), options.quick, {}};
  const std::regex only(options.only);
  if (!options.json) PrintHeading(report.machine, std::cout);
  for (const Benchmark& benchmark : Benchmarks()) {
    if (!std::regex_search(std::string(benchmark.name), only)) continue;
    report.results.push_back(Run(benchmark, context));
    if (!options.json) PrintResult(report.results.back(), std::cout);
  }
  if (options.json) PrintJson(report, std::cout);
  return report;
}

int Main(const Options& options) {
  Scratch scratch;
  const Context context{scratch, options.grabfs,
                        options.quick ? std::min(3, options.repeat) : options.repeat,
                        options.quick};
  const Report report = RunAll(options, context);
  return report.Failed() || (options.strict && report.Missed()) ? kFailed : 0;
}

}  // namespace
}  // namespace grabfs::bench

int main(int argc, char** argv) {
  grabfs::bench::Options options;
  CLI::App app("Measures grabfs against tmpfs and plain memory, both in the same run.");
  grabfs::bench::Declare(app, options);
  try {
    app.parse(argc, argv);
    return grabfs::bench::Main(options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : grabfs::bench::kUsage;
  } catch (const std::exception& error) {
    std::cerr << "bench: " << error.what() << "\n";
    return grabfs::bench::kFailed;
  }
}
