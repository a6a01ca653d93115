// SPDX-License-Identifier: Apache-2.0
//
// grabfs-view: a live device in an X11 window.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/base/context.h"
#include "cli/base/exit_code.h"
#include "cli/base/text.h"
#include "cli/command/complete.h"
#include "cli/command/options.h"
#include "cli/command/target.h"
#include "cli/view/viewer.h"
#include "cli/view/x_server.h"
#include "fusefs/base/error.h"
#include "fusefs/base/version.h"
#include "fusefs/command/completion.h"
#include "fusefs/command/help.h"

namespace grabfs::view {
namespace {

using cli::ExitCode;

std::string Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

// What the command line is bound to.
struct Arguments {
  cli::Target target;
  Viewer::Options viewer;
  bool send = false;
  bool version = false;
};

std::unique_ptr<CLI::App> MakeParser(Arguments& arguments) {
  auto app = std::make_unique<CLI::App>(
      "Shows a live device in an X11 window, straight from its frame buffers.", "grabfs-view");
  app->set_help_flag("-h,--help", "Print this help and exit");
  app->footer(KeyHelp());
  cli::Options options(*app);
  arguments.target.DeclareDevice(options);
  app->add_option("--zoom", arguments.viewer.zoom, "2^N times as large: 1 doubles, -1 halves")
      ->type_name("N");
  options.Flag("-f,--fullscreen", arguments.viewer.full_screen, "Fill the screen");
  options.Flag("--send", arguments.send,
               "Send pixels through the connection even where the X server could map the buffers");
  options.Flag("--version", arguments.version, "Print the version and exit");
  return app;
}

ExitCode Show(Arguments& arguments, const cli::Context& context) {
  const cli::Device device = arguments.target.FindDevice(context);
  const XServer server;
  Viewer::Options options = arguments.viewer;
  options.share = !arguments.send;
  Viewer(server, device, options).Run();
  return ExitCode::kDone;
}

ExitCode Run(const std::vector<std::string>& words, cli::Context& context) {
  Arguments arguments;
  const std::unique_ptr<CLI::App> app = MakeParser(arguments);
  if (!words.empty() && words.front() == kCompleteOption) {
    const std::vector<std::string> typed(words.begin() + 1, words.end());
    cli::PrintInTime(context.out, [&] {
      return cli::CompleteFor("view", DescribeCommand(*app), typed, context);
    });
    return ExitCode::kDone;
  }
  try {
    app->parse(std::vector<std::string>(words.rbegin(), words.rend()));  // as CLI11 wants them
  } catch (const CLI::CallForHelp&) {
    context.out << Help(DescribeCommand(*app));
    return ExitCode::kDone;
  } catch (const CLI::ParseError& error) {
    throw cli::UsageError(std::string(error.what()) + "; see 'grabfs-view --help'");
  }
  if (arguments.version) {
    context.out << VersionLine("grabfs-view");
    return ExitCode::kDone;
  }
  return Show(arguments, context);
}

ExitCode Main(const std::vector<std::string>& words) {
  cli::Context context = {.out = std::cout,
                          .err = std::cerr,
                          .environment = Environment,
                          .program_directory = {},
                          .system = {}};
  try {
    return Run(words, context);
  } catch (const Error& error) {
    std::cerr << "grabfs-view: " << cli::OneLine(error.what()) << '\n';
    return cli::ExitCodeOf(error);
  } catch (const std::exception& error) {
    std::cerr << "grabfs-view: " << cli::OneLine(error.what()) << '\n';
    return ExitCode::kFailed;
  }
}

}  // namespace
}  // namespace grabfs::view

int main(int argc, char** argv) {
  return static_cast<int>(grabfs::view::Main({argv + (argc > 0 ? 1 : 0), argv + argc}));
}
