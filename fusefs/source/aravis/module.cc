// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/module.h"

#include "fusefs/source/aravis/aravis.h"

GRABFS_SOURCE_MODULE("aravis:CAMERA", grabfs::MakeAravis);
