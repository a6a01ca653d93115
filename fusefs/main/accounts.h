// SPDX-License-Identifier: Apache-2.0
//
// Users and groups as they are named on the command line: by name or by number.
#pragma once

#include <sys/types.h>

#include <string>

namespace grabfs {

// Both throw Error(EINVAL) that begins with `what`, if there is no such name.
uid_t ParseUser(const std::string& what, const std::string& text);
gid_t ParseGroup(const std::string& what, const std::string& text);

}  // namespace grabfs
