#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A live histogram, in a window of matplotlib.

    histogram.py CAMERA [FRAMES]
"""

import itertools
import sys

import grabfs
import matplotlib.pyplot as plt
import numpy as np


def main(camera, frames=None):
    figure, axes = plt.subplots()
    with grabfs.Camera(camera) as cam:
        bars = axes.stairs(np.zeros(256), fill=True)
        for frame in itertools.islice(cam, int(frames) if frames else None):
            counts, _ = np.histogram(frame[::4, ::4], 256, (0, 2 ** (8 * frame.itemsize)))
            bars.set_data(counts)
            axes.set(title=f"{cam.name}, frame {frame.sequence}", ylim=(0, counts.max() or 1))
            plt.pause(0.01)  # draws
            if not plt.fignum_exists(figure.number):  # the window was closed
                return
        print(frame.sequence, counts.argmax())


if __name__ == "__main__":
    main(*sys.argv[1:])
