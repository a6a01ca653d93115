// SPDX-License-Identifier: GPL-2.0
/* The bodies of the tracepoints that trace.h declares. */
#include "compat.h"
#include "grabdma.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
