// SPDX-License-Identifier: Apache-2.0
//
// Compares two buffers of any mount with tmpfs, or plays one script on them:
//
//     differential [--seed N] [--operations N] [--cached] BUFFER BUFFER
//     differential --script FILE [--cached] BUFFER BUFFER
//
// --cached: the files are not passed through. --oracle DIRECTORY: a tmpfs other than /dev/shm.
// The device must not capture meanwhile. Exit status: 0 no difference, 1 a difference, which is
// printed as a script, 2 usage.
#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/mount/differential/campaign.h"
#include "tests/mount/differential/oracle.h"
#include "tests/mount/support/file.h"

namespace {

using namespace grabfs::differential;

constexpr int kUsage = 2;

struct Options {
  uint64_t seed = 1;
  uint64_t operations = 100000;
  std::string script;
  std::string oracle = "/dev/shm";
  bool passthrough = true;
  Paths buffers;
};

[[noreturn]] void FailUsage() {
  std::fprintf(stderr,
               "usage: differential [--seed N] [--operations N] [--script FILE] "
               "[--cached] [--oracle DIRECTORY] BUFFER BUFFER\n");
  std::exit(kUsage);
}

Options ParseOptions(int argc, char** argv) {
  static constexpr option kOptions[] = {
      {"seed", required_argument, nullptr, 's'},   {"operations", required_argument, nullptr, 'n'},
      {"script", required_argument, nullptr, 'f'}, {"oracle", required_argument, nullptr, 'o'},
      {"cached", no_argument, nullptr, 'c'},       {}};
  Options options;
  for (int c = 0; (c = ::getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    if (c == 's') options.seed = std::stoull(optarg);
    if (c == 'n') options.operations = std::stoull(optarg);
    if (c == 'f') options.script = optarg;
    if (c == 'o') options.oracle = optarg;
    if (c == 'c') options.passthrough = false;
    if (c == '?') FailUsage();
  }
  if (argc - optind != static_cast<int>(kFiles)) FailUsage();
  for (unsigned file = 0; file < kFiles; file++) options.buffers.at(file) = argv[optind++];
  return options;
}

Script ReadScript(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return ParseScript(text.str());
}

int PlayScript(const Script& script, const Stage& stage) {
  const Played played = Play(script, stage);
  if (!played.mismatch) return EXIT_SUCCESS;
  const auto& [place, what] = *played.mismatch;
  std::printf("%s\n%s\n", Print(script.operations.at(place)).c_str(), what.c_str());
  return EXIT_FAILURE;
}

int Search(const Options& options, const Stage& stage) {
  const Campaign campaign = RunCampaign(stage, options.seed, options.operations);
  std::fprintf(stderr, "%s%llu operations\n", Describe(campaign.tallies).c_str(),
               static_cast<unsigned long long>(campaign.operations));
  if (!campaign.failure) return EXIT_SUCCESS;
  std::printf("%s", Describe(*campaign.failure).c_str());
  return EXIT_FAILURE;
}

int Main(const Options& options) {
  const auto bytes = static_cast<uint64_t>(grabfs::mount_test::Stat(options.buffers[0]).st_size);
  const Oracle oracle(options.oracle, bytes);
  const Stage stage{options.buffers,
                    oracle.paths(),
                    {bytes, options.passthrough, oracle.KnowsDirect()},
                    options.passthrough ? PerformOnPassedThroughFile : PerformOnCachedFile};
  if (options.script.empty()) return Search(options, stage);
  return PlayScript(ReadScript(options.script), stage);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Main(ParseOptions(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "differential: %s\n", error.what());
    return kUsage;
  }
}
