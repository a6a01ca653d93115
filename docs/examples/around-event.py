#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps what was before and after an event: here, that the picture becomes brighter.

    around-event.py CAMERA RECORDING.npz [BEFORE [AFTER]]     so many frames: 30 and 30
"""

import collections
import itertools
import sys

import grabfs
import numpy as np


def is_event(before, frame):
    return frame[::8, ::8].mean() > before[::8, ::8].mean() + 5


def main(camera, recording, before=30, after=30):
    with grabfs.Camera(camera) as cam:
        frames = cam.lossless()
        history = collections.deque([next(frames).copy()], maxlen=int(before))
        for frame in frames:
            if is_event(history[-1], frame):
                break
            history.append(frame.copy())  # copies: the buffers stay with the camera
        kept = [*history, frame, *(later.copy() for later in itertools.islice(frames, int(after)))]
    np.savez(recording, frames=kept, timestamps=[frame.timestamp for frame in kept])


if __name__ == "__main__":
    main(*sys.argv[1:])
