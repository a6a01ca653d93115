#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Less noise: the average of 50 frames, none left out.

    average.py CAMERA PICTURE.npy [FRAMES]
"""

import itertools
import sys

import grabfs
import numpy as np


def main(camera, picture, frames=50):
    with grabfs.Camera(camera) as cam:
        total = sum(frame.astype(np.uint32) for frame in itertools.islice(cam.lossless(), int(frames)))
    np.save(picture, total / int(frames))


if __name__ == "__main__":
    main(*sys.argv[1:])
