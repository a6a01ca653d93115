#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A motion detector on buffers that nobody copies.

    motion.py DEVICE_DIRECTORY [THRESHOLD [FRAMES]]

Every frame is mapped where the device wrote it and compared with the one before; both are held
while they are compared, so that neither changes. One line for each frame: its number, the share of
pixels that changed, and MOTION when that is above the threshold (in percent, 1).

With OpenCV the comparison is cv2.absdiff(previous, current): the arrays below are what it takes.
"""

import json
import sys

import numpy as np

NOISE = 16  # a smaller difference of a sample is none


def shape_of(device):
    """Returns the shape of an image as numpy sees it, for formats of whole bytes a pixel."""
    with open(device + "/status.json", encoding="utf-8") as status:
        status = json.load(status)
    samples = {"GREY": 1, "RGB3": 3, "BGR3": 3, "BGR4": 4, "XR24": 4}[status["format"]]
    return status["height"], status["width"], samples


def frames_of(device):
    """Yields the number and the path of each frame from now on; a slow caller misses some."""
    with open(device + "/events", encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            if event["event"] == "frame":
                yield event["sequence"], "%s/frames/%08d.raw" % (device, event["sequence"])
            elif event["event"] == "state" and event["state"] == "stopped":
                return


def changed(previous, current):
    """Returns the share of pixels that differ, in percent."""
    difference = np.abs(previous[::4, ::4].astype(np.int16) - current[::4, ::4])
    return 100 * float((difference > NOISE).any(axis=2).mean())


def main(device, threshold=1.0, limit=0):
    shape = shape_of(device)
    previous = None
    count = 0
    for sequence, path in frames_of(device):
        # It is there: the frame of the line that was read last stays until the next is read.
        current = np.memmap(path, np.uint8, "r", shape=shape)
        if previous is not None:
            share = changed(previous, current)
            print(sequence, "%.2f%%" % share, "MOTION" if share > threshold else "", flush=True)
        previous = current  # the one before is unmapped, and its buffer is the device's again
        count += 1
        if count == limit:
            return


if __name__ == "__main__":
    arguments = sys.argv[2:]
    main(sys.argv[1].rstrip("/"), *([float(arguments[0])] if arguments else []),
         *([int(arguments[1])] if len(arguments) > 1 else []))
