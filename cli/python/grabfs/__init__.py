# SPDX-License-Identifier: Apache-2.0
"""Frames of cameras as numpy arrays, without a copy.

A camera is a device of a grabfs mount. Its frames are read-only arrays over the memory that the
device wrote; a frame holds its buffer as long as it, or any view of it, lives.

>>> import grabfs
>>> with grabfs.Camera("cam0") as cam:
...     for frame in cam:
...         print(frame.shape, frame.dtype, frame.info.format)
...         break
(480, 640) uint8 GREY

All errors are OSError, with the errno of libgrabfs and a text that says what to do.
"""

from ._camera import Camera, Controls, Frames
from ._frame import Frame, Info
from ._library import HoldLimitError, NoDeviceError

__all__ = ["Camera", "Controls", "Frame", "Frames", "HoldLimitError", "Info", "NoDeviceError"]
