# SPDX-License-Identifier: Apache-2.0
"""Cameras: found by name, path or none; their attributes and controls; what goes wrong."""

import errno
import os
import pathlib
import unittest

import grabfs
from support import CameraTest, wait_until


class OpeningTest(CameraTest):
    def test_by_name_by_path_or_the_only_one(self):
        folder = pathlib.Path(os.environ["GRABFS_MOUNT"], "cam0")
        for device in ("cam0", str(folder), folder, None):
            with grabfs.Camera(device) as cam:
                self.assertEqual((cam.path, cam.name), (folder, "cam0"))

    def test_a_path_is_no_name(self):
        with self.assertRaises(grabfs.NoDeviceError):
            grabfs.Camera(pathlib.Path("cam0"))

    def test_what_is_no_camera_is_told(self):
        for device in ("cam1", "/", "alloc", "/nowhere/cam0"):
            with self.assertRaises(grabfs.NoDeviceError) as raised:
                grabfs.Camera(device)
            self.assertEqual(raised.exception.errno, errno.ENODEV)
            self.assertIn(device, str(raised.exception))

    def test_it_says_how_frames_are_found(self):
        self.assertEqual(self.cam.has_ring, self.cam.status["data_path"] == "passthrough")

    def test_a_closed_camera_is_closed(self):
        with self.cam as cam:
            self.assertFalse(cam.closed)
        self.assertTrue(self.cam.closed)
        self.cam.close()
        for use in (self.cam.next, self.cam.newest, self.cam.fileno, self.cam.start, self.cam.trigger,
                    lambda: self.cam.hold_limit, lambda: self.cam.get("rate"), lambda: self.cam.status,
                    lambda: next(self.cam.lossless()), lambda: next(iter(self.cam))):
            with self.assertRaisesRegex(ValueError, "closed"):
                use()

    def test_it_can_be_printed(self):
        self.assertIn("cam0", repr(self.cam))


class AttributesTest(CameraTest):
    def test_numbers_are_numbers(self):
        self.cam.set(rate=25, policy="keep-oldest")
        self.assertEqual(
            [self.cam.get(name) for name in ("rate", "width", "policy")], [25, 130, "keep-oldest"])
        self.cam.set(rate="30000/1001")
        self.assertEqual(self.cam.get("rate"), "30000/1001")

    def test_they_can_be_read_as_controls(self):
        self.assertEqual(self.cam.controls["width"], 130)
        self.assertEqual(self.cam.controls.width, 130)
        self.cam.controls.rate = 25
        self.cam.controls["width"] = 64
        self.assertEqual((self.cam.get("rate"), self.cam.get("width")), (25, 64))

    def test_there_are_only_the_controls_that_there_are(self):
        self.assertEqual((list(self.cam.controls), dir(self.cam.controls)), ([], []))
        self.assertFalse(hasattr(self.cam.controls, "exposure"))
        with self.assertRaisesRegex(AttributeError, "exposure"):
            self.cam.controls.exposure = 10
        with self.assertRaises(FileNotFoundError):
            self.cam.controls["exposure"]

    def test_refusals_say_why(self):
        with self.assertRaises(OSError) as raised:
            self.cam.set(width=3)
        self.assertEqual(raised.exception.errno, errno.EINVAL)
        self.assertIn(self.cam.status["last_error"], str(raised.exception))
        with self.assertRaises(PermissionError):
            self.cam.set(stride=3)
        with self.streaming(rate=100), self.assertRaises(OSError) as raised:
            self.cam.set(width=64)
        self.assertEqual(raised.exception.errno, errno.EBUSY)

    def test_long_texts_are_whole(self):
        self.assertEqual(self.cam.status["name"], "cam0")


class CaptureTest(CameraTest):
    def test_a_trigger_captures_so_many(self):
        first = self.next_number()
        self.cam.trigger(3)
        frames = self.cam.lossless()
        self.assertEqual([next(frames).sequence - first for _ in range(3)], [0, 1, 2])
        wait_until(lambda: self.cam.get("trigger") == 0)
        self.assertEqual(self.next_number(), first + 3)

    def test_a_camera_that_was_stopped_stands(self):
        for _ in range(5):
            self.cam.start()
            self.cam.next()
            self.cam.stop()
            self.assertEqual(self.cam.get("state"), "stopped")
            self.cam.set(width=130)


if __name__ == "__main__":
    unittest.main()
