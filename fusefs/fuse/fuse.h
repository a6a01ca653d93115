// SPDX-License-Identifier: Apache-2.0
//
// libfuse's low-level API in the version we write against; included in fusefs/fuse only.
#pragma once

#define FUSE_USE_VERSION 318
#include <fuse_lowlevel.h>
