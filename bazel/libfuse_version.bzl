# SPDX-License-Identifier: Apache-2.0
"""The one pinned release of libfuse: a newer one is taken by editing these lines.

tools/fetch-libfuse.sh reads the same lines, and verifies the archive against upstream's
signature as well.
"""

LIBFUSE_VERSION = "3.18.3"
LIBFUSE_SHA256 = "bcd19582c5e30f7fe45dd86a5540e998590aa01903afc7ebcbeea6c8ac5421ee"
