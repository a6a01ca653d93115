// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/accounts.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "fusefs/base/error.h"
#include "fusefs/main/numbers.h"

namespace grabfs {
namespace {

// A number needs no account. The last one is none: for chown(2) it means "as it is".
uint32_t ParseNumber(const std::string& what, const std::string& text) {
  const uint32_t number = ParseUint(what, text, 10);
  if (number == UINT32_MAX) throw Error(EINVAL, what + "=" + text + ": this number is nobody's");
  return number;
}

bool IsNumber(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

[[noreturn]] void ThrowUnknown(const std::string& what, const std::string& text,
                               const std::string& kind, const std::string& database) {
  throw Error(EINVAL, what + "=" + text + ": no such " + kind + ": write a name that 'getent " +
                          database + "' prints, or a number");
}

}  // namespace

uid_t ParseUser(const std::string& what, const std::string& text) {
  if (IsNumber(text)) return ParseNumber(what, text);
  const passwd* user = getpwnam(text.c_str());
  if (user == nullptr) ThrowUnknown(what, text, "user", "passwd");
  return user->pw_uid;
}

gid_t ParseGroup(const std::string& what, const std::string& text) {
  if (IsNumber(text)) return ParseNumber(what, text);
  const group* found = getgrnam(text.c_str());
  if (found == nullptr) ThrowUnknown(what, text, "group", "group");
  return found->gr_gid;
}

}  // namespace grabfs
