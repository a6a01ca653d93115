# SPDX-License-Identifier: Apache-2.0
"""What docstrings and docs/python.md show is what happens."""

import doctest
import pathlib
import re
import unittest

import grabfs
import numpy
from grabfs import _camera, _frame

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NAMES = {"grabfs": grabfs, "Camera": grabfs.Camera, "np": numpy}


def prepare(test=None):
    """The camera of the examples."""
    with grabfs.Camera("cam0") as cam:
        cam.stop()
        cam.set(format="GREY", width=640, height=480, rate=60, buffers_count=8, policy="keep-newest")
        cam.start()


class DocumentTest(unittest.TestCase):
    def test_programs_run(self):
        text = pathlib.Path("docs/python.md").read_text(encoding="utf-8")
        programs = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
        self.assertGreater(len(programs), 3)
        for program in programs:
            with self.subTest(program):
                prepare()
                exec(compile(program, "docs/python.md", "exec"), {})


def load_tests(loader, tests, pattern):
    for module in (grabfs, _camera, _frame):
        tests.addTests(doctest.DocTestSuite(module, globs=dict(NAMES), setUp=prepare, optionflags=FLAGS))
    return tests


if __name__ == "__main__":
    unittest.main()
