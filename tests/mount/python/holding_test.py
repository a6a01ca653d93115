# SPDX-License-Identifier: Apache-2.0
"""A frame holds its buffer as long as any view of it lives, and not longer."""

import copy
import errno
import gc
import pickle
import threading
import unittest

import grabfs
import numpy as np
from support import BUFFERS, CameraTest

VIEWS = {
    "itself": lambda frame: frame,
    "a slice": lambda frame: frame[10:20, 30:40],
    "a slice of a slice": lambda frame: frame[10:][:, 30:][::2],
    "transposed": lambda frame: frame.T,
    "in another shape": lambda frame: frame.reshape(-1),
    "of another type": lambda frame: frame.view(np.int8),
    "an ordinary array": np.asarray,
    "an ordinary array of a slice": lambda frame: np.asarray(frame[5:])[5:],
    "a slice of an ordinary array": lambda frame: np.asarray(frame)[5:],
    "a matrix": lambda frame: frame.view(np.matrix),
    "a row": lambda frame: next(iter(frame)),
    "a memoryview": memoryview,
    "an array of a memoryview": lambda frame: np.frombuffer(memoryview(frame), np.uint8),
    "a sliding window": lambda frame: np.lib.stride_tricks.sliding_window_view(frame, (3, 3)),
    "a plane": lambda frame: frame.planes[0],
    "the base": lambda frame: frame.base,
    "a broadcast": lambda frame: np.broadcast_to(frame, (3, *frame.shape)),
    "without its class": lambda frame: np.ndarray.view(frame, np.ndarray),
    "an iterator": lambda frame: frame.flat,
    "in a cycle": lambda frame: [frame],
}

COPIES = {
    "a copy": lambda frame: frame.copy(),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "np.array": np.array,
    "another type": lambda frame: frame.astype(np.float32),
    "a slice, copied": lambda frame: frame[10:20].copy(),
    "a sum": lambda frame: frame + 1,
    "a comparison": lambda frame: frame > 3,
    "a number": lambda frame: frame[3, 4],
    "a mean": lambda frame: frame.mean(axis=0),
    "chosen pixels": lambda frame: frame[frame > 100],
    "unpickled": lambda frame: pickle.loads(pickle.dumps(frame)),
    "its info": lambda frame: frame.info,
    "rgb": lambda frame: frame.rgb(),
    "like it": np.zeros_like,
}


class HoldingTest(CameraTest):
    def test_views_hold(self):
        for what, make in VIEWS.items():
            with self.subTest(what):
                number = self.capture()
                view = make(self.cam.newest())
                before = bytes(memoryview(view)) if isinstance(view, np.ndarray) else None
                self.assert_held(number)
                if before is not None:
                    self.assertEqual(bytes(memoryview(view)), before)
                del view
                self.assert_let_go(number)

    def test_copies_do_not(self):
        for what, make in COPIES.items():
            with self.subTest(what):
                number = self.capture()
                kept = make(self.cam.newest())
                self.assert_let_go(number)
                del kept

    def test_the_last_view_lets_go(self):
        number = self.capture()
        frame = self.cam.newest()
        view = frame[1:]
        del frame
        self.assert_held(number)
        del view
        self.assert_let_go(number)

    def test_a_cycle_is_let_go_by_the_collector(self):
        number = self.capture()
        cycle = [self.cam.newest()]
        cycle.append(cycle)
        del cycle
        gc.collect()
        self.assert_let_go(number)

    def test_a_frame_outlives_its_camera(self):
        number = self.capture()
        frame = self.cam.newest()
        self.cam.close()
        self.cam = grabfs.Camera("cam0")
        self.assert_held(number)
        self.assert_is_frame(frame, number)
        del frame
        self.assert_let_go(number)

    def test_frames_of_another_format_stay(self):
        self.capture()
        frame = self.cam.newest()
        before = frame.copy()
        self.cam.set(width=64, height=32)
        self.capture(2 * BUFFERS)
        self.assertEqual(self.cam.next().shape, (32, 64))
        np.testing.assert_array_equal(frame, before)

    def test_another_thread_may_let_go(self):
        number = self.capture()
        box = [self.cam.newest()]
        thread = threading.Thread(target=box.clear)
        thread.start()
        thread.join()
        self.assert_let_go(number)

    def test_what_an_exception_held_is_let_go_with_it(self):
        number = self.capture()

        def fail():
            frame = self.cam.newest()
            raise RuntimeError(frame.sequence)

        with self.assertRaises(RuntimeError):
            fail()
        self.assert_let_go(number)


class LimitTest(CameraTest):
    def hold_all(self):
        frames = []
        for _ in range(self.cam.hold_limit):
            self.capture()
            frames.append(self.cam.next())
        return frames

    def test_the_limit_leaves_two_buffers_to_capture(self):
        self.assertEqual(self.cam.hold_limit, BUFFERS - 2)

    def test_who_holds_too_many_is_told_what_to_do(self):
        frames = self.hold_all()
        self.capture()
        with self.assertRaises(grabfs.HoldLimitError) as raised:
            self.cam.next()
        self.assertEqual(raised.exception.errno, errno.EDQUOT)
        for words in ("you hold 2 of 4 buffers, your limit", "copy()", "buffers_count"):
            self.assertIn(words, str(raised.exception))
        del frames[0]
        self.assertIsInstance(self.cam.next(), grabfs.Frame)

    def test_copies_are_without_limit(self):
        copies = []
        for _ in range(3 * BUFFERS):
            self.capture()
            copies.append(self.cam.next().copy())
        numbers = [frame.sequence for frame in copies]
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_more_buffers_allow_more(self):
        self.cam.set(buffers_count=8)
        self.capture()
        self.cam.newest()
        self.assertEqual(self.cam.hold_limit, 6)
        self.assertEqual(len(self.hold_all()), 6)

    def test_views_of_one_frame_are_one(self):
        self.capture()
        views = [self.cam.newest()[row:] for row in range(2)]
        with self.assertRaises(grabfs.HoldLimitError):
            self.cam.newest()
        del views[1]
        views += [views[0][row:] for row in range(50)]
        self.assertIsInstance(self.cam.newest(), grabfs.Frame)


if __name__ == "__main__":
    unittest.main()
