# SPDX-License-Identifier: Apache-2.0
"""Frames and other processes: forked, started by multiprocessing, ended, killed."""

import multiprocessing
import os
import signal
import threading
import unittest

import grabfs
import numpy as np
from support import BUFFERS, CameraTest, in_other_process


def brightness(frame):
    return frame.sequence, float(frame.mean()), frame._hold is None


def frames_of(name, count, queue):
    with grabfs.Camera(name) as cam:
        queue.put(None)
        for _ in range(count):
            queue.put(cam.next())


class ForkTest(CameraTest):
    def in_child(self, function):
        """Runs a function in a forked child, whose exit status is to be 0."""
        child = os.fork()
        if child == 0:
            try:
                function()
                os._exit(0)
            except BaseException as error:
                os.write(2, repr(error).encode())
            os._exit(1)
        _, status = os.waitpid(child, 0)
        self.assertEqual(status, 0)

    def test_a_child_has_its_parents_pixels_and_lets_nothing_go(self):
        number = self.capture()
        box = [self.cam.newest()]
        total = int(box[0].sum())

        def look_and_drop():
            assert int(box[0].sum()) == total
            box.clear()

        self.in_child(look_and_drop)
        self.assert_held(number)
        box.clear()
        self.assert_let_go(number)

    def test_a_child_opens_the_camera_for_itself(self):
        number = self.capture()

        def use():
            for use in (self.cam.next, self.cam.fileno, self.cam.trigger, lambda: self.cam.get("rate")):
                with self.assertRaises(ChildProcessError):
                    use()
            self.cam.close()
            assert grabfs.Camera("cam0").newest().sequence == number

        self.in_child(use)
        self.assertEqual(self.cam.newest().sequence, number)

    def test_a_child_does_not_wait_for_a_thread_that_it_has_not(self):
        thread = threading.Thread(target=lambda: self.cam.next())
        thread.start()

        def use():
            with self.assertRaises(ChildProcessError):
                self.cam.next()

        self.in_child(use)
        self.cam.trigger()
        thread.join()


class MultiprocessingTest(CameraTest):
    def test_workers_get_copies(self):
        for method in ("fork", "spawn"):
            with self.subTest(method), multiprocessing.get_context(method).Pool(1) as pool:
                frames = []
                for _ in range(3):
                    self.capture()
                    frames.append(self.cam.next().copy())
                number = self.capture()
                expected = [brightness(frame)[:2] for frame in [*frames, self.cam.next()]]
                results = pool.map(brightness, [*frames, self.cam.newest()])
                self.assertEqual([result[:2] for result in results], expected)
                self.assertTrue(all(copied for _, _, copied in results))
                self.assert_let_go(number)

    def test_frames_come_through_a_queue(self):
        context = multiprocessing.get_context("spawn")
        queue = context.Queue()
        process = context.Process(target=frames_of, args=("cam0", 3, queue))
        process.start()
        self.assertIsNone(queue.get())
        for _ in range(3):
            number = self.capture()
            frame = queue.get()
            self.assertEqual(frame.sequence, number)
            np.testing.assert_array_equal(frame, self.cam.newest())
        process.join()


class EndTest(CameraTest):
    ENDS = {
        "a global": "frame = cam.next()",
        "a slice": "frame = cam.next()[10:]",
        "a cycle": "frame = [cam.next()]; frame.append(frame)",
        "of a closed camera": "frame = cam.next(); cam.close()",
        "in a class": "class C: frame = cam.next()",
        "in a module": "sys.modules['numpy'].kept = cam.next()",
        "a daemon thread's": "import threading; frame = cam.next(); "
                             "threading.Thread(target=cam.next, daemon=True).start()",
        "a loop's": "for frame in cam: sys.exit(0)",
    }

    # One interpreter, forked before it has a camera: to start one takes longer than all else.
    SCRIPT = """
for end in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        cam = grabfs.Camera()
        print("ready", flush=True)
        exec(end)
        sys.exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""

    def test_who_ends_with_frames_lets_them_go(self):
        with in_other_process(self.SCRIPT, *self.ENDS.values()) as parent:
            for what in self.ENDS:
                with self.subTest(what):
                    self.assertEqual(parent.stdout.readline(), "ready\n")
                    number = self.capture()
                    self.assertEqual(parent.stdout.readline(), "0\n")
                    self.assert_let_go(number)
            self.assertEqual(parent.stderr.read(), "")

    def test_who_is_killed_lets_them_go(self):
        child = in_other_process(
            "cam = grabfs.Camera()\nprint('ready', flush=True)\n"
            "frame = cam.next()\nprint(frame.sequence, flush=True)\nsys.stdin.read()",
            stdin=-1)
        with child:
            child.stdout.readline()
            number = self.capture()
            self.assertEqual(int(child.stdout.readline()), number)
            self.assert_held(number)
            child.send_signal(signal.SIGKILL)
            child.wait()
            self.assert_let_go(number)


if __name__ == "__main__":
    unittest.main()
