// SPDX-License-Identifier: Apache-2.0
//
// Is a file safe to be executed or loaded with the rights of a user? It is when nobody but root and
// that user can change it, or put another file in its place.
#pragma once

#include <sys/types.h>

#include <string>

namespace grabfs {

// `path`: absolute. Looks at the file and at every directory and symbolic link on the way to it:
// each must be root's or `user`'s, and writable by nobody else (but for directories like /tmp,
// where users cannot touch each other's files). Throws Error(EPERM) that names the culprit, or the
// errno value with which the file cannot be found.
void RequireTrustedPath(const std::string& path, uid_t user);

}  // namespace grabfs
