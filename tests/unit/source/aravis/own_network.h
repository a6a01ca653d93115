// SPDX-License-Identifier: Apache-2.0
//
// A network with nothing but the loopback device. Cameras are looked for on all networks, and a
// test must not ask those of the machine, nor have its simulator seen by another test.
#pragma once

#include <string>

namespace grabfs {

// From now on this process has it. Call it before the first thread is made. Returns "", or why that
// cannot be.
std::string EnterOwnNetwork();

}  // namespace grabfs
