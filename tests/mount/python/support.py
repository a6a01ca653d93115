# SPDX-License-Identifier: Apache-2.0
"""What tests of the module grabfs have in common. python_test.cc mounts cam0 and starts them."""

import contextlib
import os
import subprocess
import sys
import time
import unittest

import grabfs
import numpy as np

PATIENCE = 30 * int(os.environ.get("VM_PATIENCE", "1"))
BUFFERS = 4


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it does not come true")
        time.sleep(0.002)


def in_other_process(script, *arguments, **options):
    """Starts a script in an interpreter of its own."""
    return subprocess.Popen(
        [sys.executable, "-B", "-W", "error", "-c", "import grabfs, os, sys\n" + script, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


class CameraTest(unittest.TestCase):
    """The camera is stopped, has four buffers, and makes small grey pictures."""

    def setUp(self):
        self.cam = grabfs.Camera("cam0")
        self.addCleanup(lambda: self.cam.close())
        self.cam.stop()
        self.cam.set(format="GREY", width=130, height=94, rate=0, buffers_count=BUFFERS, policy="keep-newest")
        self.cam.close()
        self.cam = grabfs.Camera("cam0")

    def next_number(self):
        return self.cam.status["sequence"]["next"]

    def capture(self, frames=1):
        """Captures frames, and returns the number of the last one."""
        end = self.next_number() + frames
        self.cam.trigger(frames)
        wait_until(lambda: self.next_number() >= end and self.cam.get("trigger") == 0)
        return end - 1

    def file(self, number):
        return self.cam.path / "frames" / ("%08d.raw" % number)

    def assert_held(self, number):
        self.capture(3 * BUFFERS)
        self.assertTrue(self.file(number).exists(), "the buffer was filled again")

    def assert_let_go(self, number):
        wait_until(lambda: self.capture() and not self.file(number).exists())

    def assert_is_frame(self, array, number):
        np.testing.assert_array_equal(np.ravel(array), np.fromfile(self.file(number), array.dtype))

    @contextlib.contextmanager
    def streaming(self, rate):
        self.cam.set(rate=rate)
        self.cam.start()
        try:
            yield
        finally:
            grabfs.Camera("cam0").stop()
