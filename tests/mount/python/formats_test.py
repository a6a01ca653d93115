# SPDX-License-Identifier: Apache-2.0
"""Which array a format is, and that its samples are where OpenCV and the mount look for them."""

import ctypes
import pathlib
import re
import struct
import unittest

import cv2
import numpy as np
from grabfs import _formats, _frame, _library
from support import CameraTest

WIDTH, HEIGHT = 64, 32
GREY_16 = ((HEIGHT, WIDTH), "<u2")
BAYER_8 = ((HEIGHT, WIDTH), "u1")

# Those that the test picture comes in.
SHAPES = {
    "GREY": ((HEIGHT, WIDTH), "u1"), "Y10": GREY_16, "Y12": GREY_16, "Y16": GREY_16,
    "RGB3": ((HEIGHT, WIDTH, 3), "u1"), "BGR3": ((HEIGHT, WIDTH, 3), "u1"),
    "BGR4": ((HEIGHT, WIDTH, 4), "u1"), "XR24": ((HEIGHT, WIDTH, 4), "u1"),
    "YUYV": ((HEIGHT, WIDTH, 2), "u1"),
    "NV12": ((HEIGHT * 3 // 2, WIDTH), "u1"), "P010": ((HEIGHT * 3 // 2, WIDTH), "<u2"),
    "BA81": BAYER_8, "GBRG": BAYER_8, "GRBG": BAYER_8, "RGGB": BAYER_8,
    "BG10": GREY_16, "GB10": GREY_16, "BA10": GREY_16, "RG10": GREY_16,
    "BG12": GREY_16, "GB12": GREY_16, "BA12": GREY_16, "RG12": GREY_16,
}

# What OpenCV makes of them, which has other rounding and another interpolation.
TO_RGB = {
    "GREY": cv2.COLOR_GRAY2RGB, "BGR3": cv2.COLOR_BGR2RGB, "BGR4": cv2.COLOR_BGRA2RGB,
    "XR24": cv2.COLOR_BGRA2RGB, "YUYV": cv2.COLOR_YUV2RGB_YUYV, "NV12": cv2.COLOR_YUV2RGB_NV12,
    "Y16": cv2.COLOR_GRAY2RGB,
}


def difference(one, other):
    """Returns by how much most pixels differ at most; the first ones of a row are a number."""
    return np.percentile(np.abs(one[2:-2, 20:-2].astype(int) - other[2:-2, 20:-2]), 90)


class FormatsTest(CameraTest):
    def frame_of(self, name, width=WIDTH, height=HEIGHT):
        self.cam.set(format=name, width=width, height=height)
        self.capture()
        return self.cam.next(timeout=0)

    def test_each_format_has_its_shape(self):
        for name, (shape, dtype) in SHAPES.items():
            with self.subTest(name):
                frame = self.frame_of(name)
                self.assertEqual((frame.shape, frame.dtype, frame.info.format), (shape, dtype, name))
                self.assert_is_frame(frame, frame.sequence)

    def test_each_format_of_the_mount_is_known(self):
        text = pathlib.Path("fusefs/base/pixel_formats.inc").read_text(encoding="utf-8")
        rows = re.findall(r'^GRABFS_FORMAT\("(\w+)", "[^"]*", (\w+), (\d+),.*, (\d), (\d)\)$', text, re.M)
        self.assertEqual({row[0] for row in rows}, set(_formats.FORMATS))
        for name, family, bits, red_x, red_y in rows:
            with self.subTest(name):
                known = _formats.FORMATS[name]
                self.assertEqual(known.dtype, "<u2" if int(bits) > 8 else "|u1")
                if family == "Bayer":
                    self.assertEqual(known.bayer.index("R"), int(red_x) + 2 * int(red_y))
                else:
                    self.assertIsNone(known.bayer)

    def test_planes_lie_where_the_library_says(self):
        for name in SHAPES:
            with self.subTest(name):
                frame = self.frame_of(name)
                start = frame.__array_interface__["data"][0]
                planes = planes_of(frame._hold)
                self.assertEqual(len(frame.planes), len(planes))
                for view, (offset, stride, rows) in zip(frame.planes, planes):
                    self.assertEqual(view.__array_interface__["data"][0] - start, offset)
                    self.assertEqual((view.strides[0], view.shape[0]), (stride, rows))

    def test_planes_are_the_same_samples(self):
        frame = self.frame_of("NV12")
        luma, chroma = frame.planes
        self.assertEqual((luma.shape, chroma.shape), ((HEIGHT, WIDTH), (HEIGHT // 2, WIDTH // 2, 2)))
        np.testing.assert_array_equal(frame[:HEIGHT], luma)
        np.testing.assert_array_equal(frame[HEIGHT:], chroma.reshape(HEIGHT // 2, WIDTH))

    def test_rgb_is_the_picture_of_the_mount(self):
        for name in SHAPES:
            with self.subTest(name):
                frame = self.frame_of(name)
                rgb = frame.rgb()
                self.assertEqual(rgb.shape, (HEIGHT, WIDTH, 3))
                file = self.cam.path / "frames.tiff" / ("%08d.tiff" % frame.sequence)
                picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
                if picture.ndim == 2:
                    picture = cv2.merge([picture] * 3)
                np.testing.assert_array_equal(rgb[..., ::-1], picture)

    def test_opencv_understands_the_shapes(self):
        for name, conversion in TO_RGB.items():
            with self.subTest(name):
                frame = self.frame_of(name, 256, 128)
                self.assertLessEqual(difference(cv2.cvtColor(frame, conversion), frame.rgb()), 3)

    def test_opencv_has_the_bayer_names(self):
        for name, pattern in (("BA81", "BGGR"), ("GBRG", "GBRG"), ("GRBG", "GRBG"), ("RGGB", "RGGB")):
            with self.subTest(name):
                frame = self.frame_of(name, 256, 128)
                self.assertEqual(frame.info.bayer, pattern)
                conversion = getattr(cv2, "COLOR_Bayer%s2RGB" % pattern)
                self.assertLessEqual(difference(cv2.cvtColor(frame, conversion), frame.rgb()), 3)

    def test_rgb_of_many_bits_has_16(self):
        self.assertEqual(self.frame_of("Y12").rgb().dtype, np.uint16)


def planes_of(hold):
    """Returns (offset, stride, rows) of each plane in the library's memory of a frame."""
    count = hold.values()[-1]
    first = ctypes.addressof(hold.pointer.contents) + _library.VALUES.size
    return list(struct.iter_unpack("=QII", ctypes.string_at(first, 16 * count)))


class LayoutTest(unittest.TestCase):
    """Formats that the test picture does not come in, and sizes that it does not have."""

    def layout(self, name, width=WIDTH, height=HEIGHT, stride=None):
        code = int.from_bytes(name.ljust(4).encode(), "little")
        size = int(_formats.FORMATS[name].dtype[2]) if name in _formats.FORMATS else 1
        return _formats.layout(code, width, height, width * size if stride is None else stride)

    def test_planes_one_below_the_other(self):
        for name, rows in (("YU12", HEIGHT * 3 // 2), ("S010", HEIGHT * 3 // 2), ("422P", HEIGHT * 2)):
            layout = self.layout(name)
            self.assertEqual(layout.whole.shape, (rows, WIDTH), name)
            self.assertEqual(layout.bytes, rows * WIDTH * int(layout.dtype[2]), name)

    def test_planes_that_are_alike_are_stacked(self):
        self.assertEqual(self.layout("444P").whole.shape, (3, HEIGHT, WIDTH))
        self.assertEqual(self.layout("444P", stride=80).whole.strides, (80 * HEIGHT, 80, 1))

    def test_padded_rows_are_skipped(self):
        self.assertEqual(self.layout("GREY", 5, 3, stride=8).whole, (0, (3, 5), (8, 1)))
        self.assertEqual(self.layout("RGB3", 5, 3, stride=16).whole, (0, (3, 5, 3), (16, 3, 1)))
        self.assertEqual(self.layout("NV12", 6, 4, stride=8).whole, (0, (6, 6), (8, 1)))
        for name in ("YUYV", "UYVY", "YVYU", "VYUY"):
            self.assertEqual(self.layout(name, 5, 3, stride=12).whole, (0, (3, 5, 2), (12, 2, 1)), name)

    def test_what_is_no_rectangle_has_planes_only(self):
        self.assertIsNone(self.layout("YU12", stride=80).whole)
        self.assertEqual([plane.strides[0] for plane in self.layout("YU12", stride=80).planes], [80, 40, 40])
        odd = self.layout("NV12", 7, 5)
        self.assertIsNone(odd.whole)
        self.assertEqual([plane.shape for plane in odd.planes], [(5, 7), (3, 4, 2)])
        self.assertEqual(odd.bytes, 5 * 7 + 3 * 8)

    def test_an_unknown_format_has_its_name_only(self):
        self.assertEqual(self.layout("MJPG", stride=0), ("MJPG", "|u1", 0, None, ()))
        self.assertEqual(_formats.name_of(0x80000000 | int.from_bytes(b"Y16 ", "little")), "Y16-BE")


class GivenFrameTest(unittest.TestCase):
    """Frames that no software source makes, as the library would give them."""

    def frame(self, name, size, width, height, stride):
        self.memory = np.arange(size, dtype=np.uint8)
        code = int.from_bytes(name.encode(), "little")
        values = (self.memory.ctypes.data, size, 7, 0, 0, 0, 0, 0, code, width, height, stride, 0)
        self.given = _library.CFrame.from_buffer_copy(_library.VALUES.pack(*values))
        hold = _frame.Hold("/nowhere")  # of NULL: there is nothing to release
        hold.pointer = ctypes.pointer(self.given)
        return hold.frame()

    def test_compressed_frames_are_their_bytes(self):
        frame = self.frame("MJPG", 100, 640, 480, 0)
        self.assertEqual((frame.shape, frame.dtype, frame.planes), ((100,), np.uint8, ()))
        np.testing.assert_array_equal(frame, self.memory)
        with self.assertRaisesRegex(ValueError, "MJPG"):
            frame.rgb()

    def test_a_frame_that_did_not_arrive_as_a_whole_is_its_bytes(self):
        self.assertEqual(self.frame("GREY", 100, 16, 8, 16).shape, (100,))
        self.assertEqual(self.frame("GREY", 128, 16, 8, 16).shape, (8, 16))


if __name__ == "__main__":
    unittest.main()
