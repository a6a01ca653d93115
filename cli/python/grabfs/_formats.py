# SPDX-License-Identifier: Apache-2.0
"""What array a pixel format is: its dtype, its shape, its planes.

The bytes of a frame are as V4L2 has them, and are not moved. So the array of a format is the one
whose indices find its samples there; OpenCV's conversions take the same.
"""

from __future__ import annotations

import functools
import math
from typing import Iterator, NamedTuple, Optional, Sequence, Tuple


class Plane(NamedTuple):
    """Of what a plane has fewer: log2 of the columns and rows that share a sample."""

    columns: int
    rows: int
    samples: int  # in each place: 3 in RGB3


class Format(NamedTuple):
    dtype: str
    planes: Tuple[Plane, ...]
    bayer: Optional[str] = None  # the first two rows


_LUMA = Plane(0, 0, 1)
_420 = Plane(1, 1, 1)
_422 = Plane(1, 0, 1)
_PAIRS_420 = Plane(1, 1, 2)


def _bytes(samples: int) -> Format:
    return Format("|u1", (Plane(0, 0, samples),))


FORMATS = {
    "GREY": _bytes(1),
    "Y10": Format("<u2", (_LUMA,)),
    "Y12": Format("<u2", (_LUMA,)),
    "Y16": Format("<u2", (_LUMA,)),
    "YUYV": _bytes(2),
    "UYVY": _bytes(2),
    "YVYU": _bytes(2),
    "VYUY": _bytes(2),
    "RGB3": _bytes(3),
    "BGR3": _bytes(3),
    "BGR4": _bytes(4),
    "XR24": _bytes(4),
    "NV12": Format("|u1", (_LUMA, _PAIRS_420)),
    "P010": Format("<u2", (_LUMA, _PAIRS_420)),
    "YU12": Format("|u1", (_LUMA, _420, _420)),
    "S010": Format("<u2", (_LUMA, _420, _420)),
    "422P": Format("|u1", (_LUMA, _422, _422)),
    "444P": Format("|u1", (_LUMA, _LUMA, _LUMA)),
}

for _rows, _names in {
    "BGGR": ("BA81", "BG10", "BG12"),
    "GBRG": ("GBRG", "GB10", "GB12"),
    "GRBG": ("GRBG", "BA10", "BA12"),
    "RGGB": ("RGGB", "RG10", "RG12"),
}.items():
    FORMATS[_names[0]] = Format("|u1", (_LUMA,), _rows)
    FORMATS[_names[1]] = FORMATS[_names[2]] = Format("<u2", (_LUMA,), _rows)


class Section(NamedTuple):
    """A plane, or the whole frame, as an array over the frame's bytes."""

    offset: int
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]


class Layout(NamedTuple):
    format: str
    dtype: str
    bytes: int  # of a complete frame
    whole: Optional[Section]  # None: no array but one of its bytes
    planes: Tuple[Section, ...]


def name_of(fourcc: int) -> str:
    """Returns the name of a pixel format as the mount has it."""
    name = (fourcc & 0x7FFFFFFF).to_bytes(4, "little").decode("ascii", "replace").rstrip()
    return name + "-BE" if fourcc >> 31 else name


def _shared(pixels: int, shift: int) -> int:
    return (pixels + (1 << shift) - 1) >> shift


def _section(plane: Plane, size: int, width: int, height: int, offset: int, stride: int) -> Section:
    """Returns the array of a plane with samples of `size` bytes."""
    shape = (_shared(height, plane.rows), _shared(width, plane.columns))
    if plane.samples == 1:
        return Section(offset, shape, (stride, size))
    return Section(offset, (*shape, plane.samples), (stride, plane.samples * size, size))


def _one_below_the_other(planes: Sequence[Section], width: int, size: int) -> Optional[Section]:
    """Returns the planes as rows that are as long as the first plane's, if they are that."""
    stride = planes[0].strides[0]
    lengths = [math.prod(plane.shape[1:]) for plane in planes]
    same = all(plane.strides[0] == stride for plane in planes) and set(lengths) == {width}
    packed = all(plane.strides[0] == length * size for plane, length in zip(planes, lengths))
    samples = [math.prod(plane.shape) for plane in planes]
    if not same and not (packed and all(count % width == 0 for count in samples)):
        return None
    return Section(0, (sum(samples) // width, width), (stride, size))


def _whole(planes: Sequence[Section], width: int, size: int) -> Optional[Section]:
    """Returns all planes as one array, if they are one."""
    first = planes[0]
    if len(planes) == 1:
        return first
    if all(plane.shape == first.shape for plane in planes):
        strides = (first.strides[0] * first.shape[0], *first.strides)
        return Section(0, (len(planes), *first.shape), strides)
    return _one_below_the_other(planes, width, size)


def _sections(format_: Format, width: int, height: int, stride: int) -> Iterator[Section]:
    """Yields the planes of a frame, as fusefs/base/pixel_format.cc lays them out."""
    size = int(format_.dtype[2])
    columns = -(-stride // (format_.planes[0].samples * size))
    offset = 0
    for number, plane in enumerate(format_.planes):
        if number > 0:
            stride = _shared(columns, plane.columns) * plane.samples * size
        yield _section(plane, size, width, height, offset, stride)
        offset += stride * _shared(height, plane.rows)


@functools.lru_cache(maxsize=64)
def layout(fourcc: int, width: int, height: int, stride: int) -> Layout:
    """Returns how the bytes of a frame are an array."""
    name = name_of(fourcc)
    format_ = FORMATS.get(name)
    if format_ is None or stride == 0:
        return Layout(name, "|u1", 0, None, ())
    planes = tuple(_sections(format_, width, height, stride))
    last = planes[-1]
    end = last.offset + last.strides[0] * last.shape[0]
    whole = _whole(planes, width, int(format_.dtype[2]))
    return Layout(name, format_.dtype, end, whole, planes)
