// SPDX-License-Identifier: Apache-2.0
//
// What GStreamer finds in the library.
#include <gst/gst.h>

#include "fusefs/base/version.h"

#define PACKAGE "grabfs"

extern "C" {

#include "cli/gst/grabfssrc.h"

static gboolean Load(GstPlugin* plugin) {
  return gst_element_register(plugin, "grabfssrc", GST_RANK_NONE, grabfs_src_get_type());
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, grabfs,
                  "Frames of cameras and frame grabbers that grabfs has mounted", Load,
                  grabfs::kVersion, "Apache 2.0", PACKAGE, "https://grabfs.invalid")
}
