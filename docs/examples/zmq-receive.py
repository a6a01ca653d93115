#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Receives what zmq-send.py sends. It needs nothing of grabfs.

    zmq-receive.py ADDRESS [live|lossless]     tcp://HOST:5555, live

One line for each frame: its number, its shape, its mean, how many frames came between the one before and
this one.
"""

import json
import sys

import numpy as np
import zmq


def frames(address, mode="live"):
    """Yields the header and the picture of each frame; pictures are read-only."""
    kind = {"live": zmq.SUB, "lossless": zmq.PULL}[mode]
    with zmq.Context() as context, context.socket(kind) as socket:
        socket.set_hwm(1)  # what waits here is old when it is looked at
        socket.rcvbuf = 1 << 20
        if mode == "live":
            socket.subscribe(b"")
        socket.connect(address)
        while True:
            header, pixels = socket.recv_multipart(copy=False)
            header = json.loads(header.bytes)
            yield header, np.frombuffer(pixels, header["dtype"]).reshape(header["shape"])


def main(address, mode="live"):
    before = None
    for header, picture in frames(address, mode):
        number = header["sequence"]
        missed = number - before - 1 if before is not None else 0
        print(number, picture.shape, f"{picture.mean():.1f}", f"{missed} missed", flush=True)
        before = number


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
