/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GRABFS_GST_GRABFSSRC_H_
#define GRABFS_GST_GRABFSSRC_H_

#include <gst/base/gstpushsrc.h>

G_DECLARE_FINAL_TYPE(GrabfsSrc, grabfs_src, GRABFS, SRC, GstPushSrc)

#endif /* GRABFS_GST_GRABFSSRC_H_ */
