// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/exec/exec_options.h"

#include <pwd.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"
#include "fusefs/source/options.h"
#include "fusefs/source/trusted_path.h"

namespace grabfs {
namespace {

constexpr char kNobody[] = "nobody";

ExecOptions::Restart TakeRestart(SourceSpec& spec) {
  const auto text = TakeOption(spec, "restart");
  for (const auto restart : {ExecOptions::Restart::kAlways, ExecOptions::Restart::kOnFailure,
                             ExecOptions::Restart::kNever}) {
    if (!text || *text == RestartName(restart)) return restart;
  }
  throw Error(EINVAL, "restart=" + *text + ": use always, on-failure or never");
}

uint32_t ParseNumber(const std::string& key, const std::string& text, const char* what) {
  uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) throw Error(EINVAL, key + "=" + text + ": " + what);
  return number;
}

std::optional<uint64_t> TakeTimeout(SourceSpec& spec) {
  const auto text = TakeOption(spec, "timeout");
  if (!text) return std::nullopt;
  return ParseNumber("timeout", *text, "must be whole seconds, 0: for ever") * kNsPerSecond;
}

// Copies what getpwnam(3) and getpwuid(3) have found.
void SetAccount(KeeperOrder& order, const passwd& account) {
  order.uid = account.pw_uid;
  order.gid = account.pw_gid;
  order.account = account.pw_name;
  order.home = account.pw_dir;
}

// Root's daemon gives its rights to nobody who is not named.
void ChooseUser(SourceSpec& spec, KeeperOrder& order) {
  const auto given = TakeOption(spec, "user");
  if (::geteuid() != 0) {
    if (given) throw Error(EPERM, "user=" + *given + ": only root's daemon can choose");
    order.uid = ::geteuid();
    order.gid = ::getegid();
    if (const passwd* account = ::getpwuid(order.uid)) SetAccount(order, *account);
    return;
  }
  const std::string name = given.value_or(kNobody);
  const passwd* account = ::getpwnam(name.c_str());
  if (account == nullptr) {
    throw Error(EINVAL,
                "user=" + name + ": no such user: write a name that 'getent passwd' prints");
  }
  order.change_user = true;
  SetAccount(order, *account);
}

std::string AbsolutePath(const std::string& program) {
  if (program.empty())
    throw Error(EINVAL, "exec: give the program, as in exec:/usr/local/bin/camera");
  if (program.find('/') == std::string::npos) {
    throw Error(EINVAL,
                "exec:" + program + ": give the path of the program: exec:/where/" + program);
  }
  return std::filesystem::absolute(program).lexically_normal().string();
}

// Somebody else's environment and command line must choose no program for a daemon that has more
// rights than he.
void RequireOwnRights(const std::string& description) {
  if (::getauxval(AT_SECURE) == 0) return;
  throw Error(EPERM, description + ": not for a daemon that is set-user-ID");
}

}  // namespace

const char* RestartName(ExecOptions::Restart restart) {
  switch (restart) {
    case ExecOptions::Restart::kAlways:
      return "always";
    case ExecOptions::Restart::kOnFailure:
      return "on-failure";
    case ExecOptions::Restart::kNever:
      return "never";
  }
  return "always";
}

ExecOptions TakeExecOptions(SourceSpec& spec) {
  RequireOwnRights("exec:" + spec.argument);
  ExecOptions options;
  options.order.program = AbsolutePath(spec.argument);
  options.restart = TakeRestart(spec);
  options.timeout_ns = TakeTimeout(spec);
  ChooseUser(spec, options.order);
  if (::geteuid() == 0) RequireTrustedPath(options.order.program, options.order.uid);
  return options;
}

}  // namespace grabfs
