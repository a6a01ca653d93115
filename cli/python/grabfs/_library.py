# SPDX-License-Identifier: Apache-2.0
"""libgrabfs by ctypes: what of grabfs/grabfs.h is used here, and its errors as exceptions."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import Any

# The library's ABI has a number; where it lies may be said for tests.
_NAME = os.environ.get("GRABFS_LIBRARY") or "libgrabfs.so.0"

try:
    _waiting = ctypes.CDLL(_NAME)
    # The same functions for calls that never wait: they keep the interpreter's lock.
    _quick = ctypes.PyDLL(_NAME)
except OSError as failure:
    raise ImportError(
        "libgrabfs cannot be loaded (%s): install the package libgrabfs0" % failure
    ) from failure

# struct grabfs_frame without its planes: data, bytes, sequence, timestamp_ns, realtime_ns, missed,
# dropped; flags, fourcc, width, height, stride, planes.
VALUES = struct.Struct("@P6Q6I")


class CFrame(ctypes.Structure):
    """A frame in the library's memory, to be read by VALUES."""

    _fields_ = [("values", ctypes.c_char * VALUES.size)]


FramePointer = ctypes.POINTER(CFrame)


class NoDeviceError(OSError):
    """There is no such camera, or it is gone: unplugged, unmounted, or its daemon was killed.

    A camera that comes back is opened again.
    """


class HoldLimitError(OSError):
    """You hold as many frames as you may. Let some go, or keep copies."""


def reason() -> str:
    """Returns why the last function of the library that failed in this thread did."""
    words: bytes = _reason()
    return words.decode(errors="replace")


def error(result: int) -> OSError:
    """Returns the exception for what a function of the library has just returned."""
    code = -result
    if code in (errno.ENODEV, errno.ENOTCONN):
        return NoDeviceError(code, reason())
    if code == errno.EDQUOT:
        return HoldLimitError(code, reason())
    if code == errno.EAGAIN:  # as any other time that was too short
        code = errno.ETIMEDOUT
    return OSError(code, reason())  # of the subclass that Python has for it


def check(result: int) -> int:
    """Returns a result that is none of an error."""
    if result < 0:
        raise error(result)
    return result


def _function(library: ctypes.CDLL, name: str, *arguments: Any, returns: Any = ctypes.c_int) -> Any:
    function = getattr(library, name)
    function.argtypes = arguments
    function.restype = returns
    return function


def method(function: Any) -> Any:
    """Returns a function of the library as a method that is called with the object itself.

    As `__del__` it is called by the interpreter directly. A method written in Python may be interrupted by a
    signal's handler before it has done anything.
    """
    make = ctypes.pythonapi.PyInstanceMethod_New
    make.restype, make.argtypes = ctypes.py_object, (ctypes.py_object,)
    return make(function)


_TAKE = (ctypes.c_void_p, ctypes.c_int64, ctypes.POINTER(FramePointer))

_reason = _function(_quick, "grabfs_reason", returns=ctypes.c_char_p)
open_device = _function(
    _waiting, "grabfs_open", ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)
)
close = _function(_waiting, "grabfs_close", ctypes.c_void_p, returns=None)
newest = _function(_waiting, "grabfs_newest", *_TAKE)
next_ = _function(_waiting, "grabfs_next", *_TAKE)
each = _function(_waiting, "grabfs_each", *_TAKE)
release = _function(_quick, "grabfs_release", FramePointer, returns=None)
seek = _function(_waiting, "grabfs_seek", ctypes.c_void_p, ctypes.c_uint64)
hold_limit = _function(_waiting, "grabfs_hold_limit", ctypes.c_void_p)
fd = _function(_waiting, "grabfs_fd", ctypes.c_void_p)
path = _function(_quick, "grabfs_path", ctypes.c_void_p, returns=ctypes.c_char_p)
directory = _function(_quick, "grabfs_directory", ctypes.c_void_p, returns=ctypes.c_char_p)
get = _function(
    _waiting, "grabfs_get", ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t
)
set_ = _function(_waiting, "grabfs_set", ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)


class Handle(ctypes.c_void_p):
    """struct grabfs_device*. Closed when nobody has it any more, nor is in a call with it."""

    __del__ = method(close)
