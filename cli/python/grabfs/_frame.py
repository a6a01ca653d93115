# SPDX-License-Identifier: Apache-2.0
"""A frame as an array.

What holds the buffer is the object at the end of the array's chain of bases, so numpy itself keeps it
as long as there are views of the frame, in whatever form: slices, memoryviews, tensors. A copy has
memory of its own and holds nothing.

    Frame ──base──▶ ndarray of its bytes ──base──▶ Hold ──▶ struct grabfs_frame
      ▲
    views
"""

from __future__ import annotations

import datetime
import errno
import os
from typing import Any, NamedTuple, Optional, Tuple, cast

import numpy as np

from . import _formats, _library


class Info(NamedTuple):
    """What is known of a frame."""

    sequence: int
    """Its number. Each frame that the device tries to capture has the next one."""
    timestamp_ns: int
    """When it was captured, on CLOCK_MONOTONIC: see time.monotonic_ns()."""
    realtime_ns: int
    """The same on the clock of the day: see time.time_ns()."""
    missed: int
    """Frames between the one that this camera gave before and this one."""
    dropped: int
    """Frames directly before this one that were lost since all buffers were in use."""
    flags: int
    """V4L2_BUF_FLAG_*."""
    format: str
    """The pixel format, as V4L2 names it: GREY, NV12, MJPG ..."""
    width: int
    height: int
    stride: int
    """Bytes from row to row of the first plane; 0 where there are no rows."""
    bytes: int
    """Of the frame; of a compressed one, what it took."""

    @property
    def time(self) -> datetime.datetime:
        """When it was captured, in UTC."""
        return datetime.datetime.fromtimestamp(self.realtime_ns / 1e9, datetime.timezone.utc)

    @property
    def bayer(self) -> Optional[str]:
        """The first two rows of a Bayer format's colours, as OpenCV names its conversions:
        COLOR_BayerRGGB2BGR. None for other formats."""
        known = _formats.FORMATS.get(self.format)
        return known.bayer if known else None


class Hold:
    """A frame that the library has given, or the place for one. Releases it at its end.

    The library itself writes the pointer here, and reads it in the end: there is no moment at which a frame
    has no owner, whatever interrupts the interpreter.
    """

    _as_parameter_: Any = _library.FramePointer()  # for ctypes: NULL
    __del__ = _library.method(_library.release)

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.pointer = self._as_parameter_ = _library.FramePointer()

    def values(self) -> Tuple[int, ...]:
        """Returns the members of struct grabfs_frame."""
        return _library.VALUES.unpack_from(self.pointer.contents)

    def frame(self) -> Frame:
        """Returns the frame that was given here."""
        data, size, sequence, timestamp, realtime, missed, dropped, *rest = self.values()
        flags, fourcc, width, height, stride, _ = rest
        layout = self.layout = _formats.layout(fourcc, width, height, stride)
        self.__array_interface__ = {
            "shape": (size,), "typestr": "|u1", "data": (data, True), "version": 3,
        }
        memory = np.asarray(self)
        whole = layout.whole if size >= layout.bytes else None
        if whole is None:
            frame = np.ndarray.__new__(Frame, (size,), "|u1", memory)
        else:
            frame = np.ndarray.__new__(Frame, whole.shape, layout.dtype, memory, 0, whole.strides)
        frame.info = Info(sequence, timestamp, realtime, missed, dropped, flags, layout.format,
                          width, height, stride, size)
        frame._hold = self
        return frame


class Frame(np.ndarray[Any, np.dtype[Any]]):
    """The picture of one frame, read-only, where the device wrote it.

    It stays what it is, and its buffer is not filled again, as long as it or any view of it lives.
    Shape and dtype follow from the format: docs/python.md has the table.

    Slices and other views are frames, too, and know what they were cut from; a copy() has memory of its
    own, holds nothing, and can be written. Results of arithmetic are ordinary arrays.

    >>> with Camera("cam0") as cam:
    ...     frame = cam.newest()
    ...     later = cam.next()
    >>> later.sequence > frame.sequence and later.timestamp > frame.timestamp
    True
    >>> frame.flags.writeable, frame.copy().flags.writeable
    (False, True)
    >>> type(later - frame)
    <class 'numpy.ndarray'>
    """

    __slots__ = ("info", "_hold")

    info: Info
    _hold: Optional[Hold]  # of the frame as it was given, not of its views and copies

    def __array_finalize__(self, origin: Any) -> None:
        self.info = cast(Info, getattr(origin, "info", None))
        self._hold = None

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        if array is self:  # `out=` of a function
            return array
        return array[()] if array.ndim == 0 else np.asarray(array)

    # Other processes get a copy.
    def __reduce__(self) -> Any:
        make, arguments, state = cast(Tuple[Any, Any, Tuple[Any, ...]], super().__reduce__())
        return make, arguments, (*state, self.info)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state[:-1])
        self.info = state[-1]

    @property
    def sequence(self) -> int:
        """The number of the frame."""
        return self.info.sequence

    @property
    def timestamp(self) -> float:
        """When it was captured, in seconds as time.monotonic() counts them."""
        return self.info.timestamp_ns / 1e9

    @property
    def missed(self) -> int:
        """How many frames came between the one that the camera gave before and this one."""
        return self.info.missed

    @property
    def dropped(self) -> int:
        """How many directly before this one were lost, since all buffers were in use."""
        return self.info.dropped

    @property
    def planes(self) -> Tuple[np.ndarray[Any, np.dtype[Any]], ...]:
        """Views of the planes of the picture, in the order of their bytes.

        Of NV12 they are Y, and Cb with Cr as (rows, columns, 2). Only for a frame as the camera gave it.

        >>> with Camera("cam0") as cam:
        ...     [plane.shape for plane in cam.newest().planes]
        [(480, 640)]
        """
        memory, layout = self.base, self._whole().layout
        return tuple(
            np.ndarray(shape, layout.dtype, memory, offset, strides)
            for offset, shape, strides in (layout.planes if self.ndim > 1 else ())
        )

    def rgb(self) -> np.ndarray[Any, np.dtype[Any]]:
        """Returns the picture as a new array (rows, columns, 3) of R G B.

        The mount converts it, as it does for `frames.npy/`: BT.601, Bayer formats bilinearly, samples
        of more than 8 bits scaled to uint16, MJPG decoded. Only for a frame as the camera gave it, as
        long as it is held; not for formats without pictures, such as H264.

        >>> with Camera("cam0") as cam:
        ...     cam.newest().rgb().shape
        (480, 640, 3)
        """
        picture = _read_picture(self._whole().directory, self.info)
        return picture if picture.ndim == 3 else np.repeat(picture[..., np.newaxis], 3, axis=2)

    def _whole(self) -> Hold:
        if self._hold is None:
            raise ValueError("only a frame as the camera gave it has this, not its slices and copies")
        return self._hold


def _read_picture(directory: str, info: Info) -> np.ndarray[Any, np.dtype[Any]]:
    """Reads what the mount has made of a frame that is held."""
    name = os.path.join(directory, "frames.npy", "%08d.npy" % info.sequence)
    try:
        with open(name, "rb") as file:
            if os.fstat(file.fileno()).st_mtime_ns == info.realtime_ns:
                picture: np.ndarray[Any, np.dtype[Any]] = np.load(file)
                return picture
    except FileNotFoundError as error:
        raise ValueError("the mount has no picture of this frame, which is %s" % info.format) from error
    raise _library.NoDeviceError(errno.ENODEV, "%s: there is another device now" % directory)
