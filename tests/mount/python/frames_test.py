# SPDX-License-Identifier: Apache-2.0
"""A frame is an array: its pixels, what it knows, and what is a frame no more."""

import contextlib
import copy
import os
import pickle
import time
import unittest

import grabfs
import numpy as np
from support import BUFFERS, CameraTest


class FramesTest(CameraTest):
    def test_a_frame_is_the_picture(self):
        number = self.capture()
        frame = self.cam.newest()
        self.assertIsInstance(frame, np.ndarray)
        self.assertEqual((frame.shape, frame.dtype), ((94, 130), np.uint8))
        self.assert_is_frame(frame, number)

    def test_newest_is_the_newest_again_and_again(self):
        number = self.capture(3)
        self.assertEqual([self.cam.newest().sequence for _ in range(3)], [number] * 3)

    def test_next_skips_to_the_newest(self):
        number = self.capture(3)
        frame = self.cam.next()
        self.assertEqual((frame.sequence, frame.missed, frame.dropped), (number, 2, 0))

    def test_a_loop_takes_what_is_newer(self):
        numbers = []
        with self.streaming(rate=200):
            for frame in self.cam:
                numbers.append(frame.sequence)
                if len(numbers) == 20:
                    break
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_lossless_skips_none(self):
        first = self.next_number()
        self.capture(3)
        frames = self.cam.lossless()
        self.assertEqual([next(frames).sequence - first for _ in range(3)], [0, 1, 2])

    def test_lossless_begins_where_it_is_told(self):
        number = self.capture(3)
        self.cam.newest()
        frames = self.cam.lossless(since=number - 1)
        self.assertEqual([next(frames).sequence, next(frames).sequence], [number - 1, number])

    def test_lossless_tells_what_it_missed(self):
        frames = self.cam.lossless()
        with self.assertRaises(TimeoutError):
            frames.next(timeout=0)
        expected = self.next_number()
        last = self.capture(5 * BUFFERS)
        while expected <= last:
            frame = frames.next()
            self.assertEqual(frame.sequence, expected + frame.missed)
            expected = frame.sequence + 1

    def test_it_knows_what_the_file_knows(self):
        number = self.capture()
        info = self.cam.newest().info
        for name in ("sequence", "timestamp_ns", "format", "width", "height", "stride", "flags", "dropped"):
            value = os.getxattr(self.file(number), "user.grabfs." + name).decode()
            self.assertEqual(str(getattr(info, name)), value, name)
        self.assertEqual(info.bytes, os.stat(self.file(number)).st_size)
        self.assertEqual(info.realtime_ns, os.stat(self.file(number)).st_mtime_ns)
        self.assertEqual(int(info.time.timestamp()), info.realtime_ns // 10**9)

    def test_its_time_is_that_of_time_monotonic(self):
        before = time.monotonic()
        self.capture()
        frame = self.cam.newest()
        self.assertTrue(before < frame.timestamp < time.monotonic())

    def test_what_was_dropped_is_told(self):
        self.capture(BUFFERS)
        others = [open(file, "rb") for file in (self.cam.path / "frames").iterdir()]
        expected = self.next_number()
        self.capture(3)
        for other in others:
            other.close()
        frames = self.cam.lossless(since=expected)
        frame = None
        while frame is None:  # that the others have let go is known a moment later
            self.capture()
            with contextlib.suppress(TimeoutError):
                frame = frames.next(timeout=0.02)
        self.assertEqual((frame.missed, frame.dropped), (frame.sequence - expected,) * 2)
        self.assertGreaterEqual(frame.dropped, 3)


class ReadOnlyTest(CameraTest):
    def test_nobody_can_write(self):
        self.capture()
        frame = self.cam.newest()
        with self.assertRaises(ValueError):
            frame[0, 0] = 1
        with self.assertRaises(ValueError):
            np.add(frame, 1, out=frame, casting="unsafe")

    def test_nobody_can_allow_it(self):
        self.capture()
        frame = self.cam.newest()
        for view in (frame, frame[1:], np.asarray(frame), frame.base, frame.view(np.int8), *frame.planes):
            with self.assertRaises(ValueError):
                view.flags.writeable = True
            self.assertTrue(memoryview(view).readonly)


class DerivedTest(CameraTest):
    def setUp(self):
        super().setUp()
        self.number = self.capture()
        self.frame = self.cam.newest()
        self.addCleanup(lambda: delattr(self, "frame"))  # and its buffer is free

    def test_views_know_what_they_were_cut_from(self):
        for view in (self.frame[10:20, 30:], self.frame.T, self.frame.reshape(-1)):
            self.assertIsInstance(view, grabfs.Frame)
            self.assertEqual(view.sequence, self.number)

    def test_copies_can_be_written(self):
        for other in (self.frame.copy(), copy.copy(self.frame), copy.deepcopy(self.frame),
                      self.frame.astype(np.uint8), pickle.loads(pickle.dumps(self.frame, protocol=5))):
            self.assertEqual(other.info, self.frame.info)
            np.testing.assert_array_equal(other, self.frame)
            other[0, 0] ^= 1
            self.assertNotEqual(other[0, 0], self.frame[0, 0])

    def test_results_are_ordinary_arrays(self):
        other = self.frame.copy()
        for result in (self.frame + 1, 1 - self.frame, self.frame > other, np.sqrt(self.frame),
                       np.stack([self.frame, other]), self.frame.max(axis=0), np.zeros(130) + self.frame):
            self.assertIs(type(result), np.ndarray)

    def test_numbers_are_ordinary_numbers(self):
        for number in (self.frame.sum(), self.frame.mean(), self.frame.max(), np.median(self.frame),
                       self.frame[3, 4]):
            self.assertIsInstance(number, np.generic)

    def test_a_copy_takes_results(self):
        out = self.frame.copy()
        self.assertIs(np.maximum(self.frame, 100, out=out), out)
        self.assertEqual(out.min(), 100)

    def test_only_whole_frames_have_planes_and_rgb(self):
        for part in (self.frame[1:], self.frame.copy(), pickle.loads(pickle.dumps(self.frame))):
            with self.assertRaises(ValueError):
                part.rgb()
            with self.assertRaises(ValueError):
                part.planes


if __name__ == "__main__":
    unittest.main()
