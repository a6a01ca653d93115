#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A motion detector on frames that nobody copies.

    motion.py CAMERA [THRESHOLD [FRAMES]]

One line for each frame: its number, the share of samples that changed since the one before, and MOTION
where that is above the threshold (in percent, 1). With OpenCV it is cv2.absdiff(previous, current).
"""

import itertools
import sys

import grabfs
import numpy as np

NOISE = 16  # a smaller difference of a sample is none


def changed(previous, current):
    """Returns the share of samples that differ, in percent."""
    difference = np.abs(previous[::4, ::4].astype(np.int16) - current[::4, ::4])
    return 100 * np.mean(difference > NOISE)


def main(camera, threshold=1, frames=None):
    with grabfs.Camera(camera) as cam:
        previous = cam.next()
        for current in itertools.islice(cam, int(frames) - 1 if frames else None):
            share = changed(previous, current)
            verdict = "MOTION" if share > float(threshold) else ""
            print(current.sequence, f"{share:.2f}%", verdict, flush=True)
            previous = current  # the one before is let go


if __name__ == "__main__":
    main(*sys.argv[1:])
