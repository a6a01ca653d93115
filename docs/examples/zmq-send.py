#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends the frames of a camera to other machines, with ZeroMQ.

    zmq-send.py CAMERA [ADDRESS [live|lossless]]     tcp://*:5555, live

live: every receiver gets the newest frames, as many as it can take. lossless: each frame goes to one of the
receivers, and the sender waits until one takes it. A message is a header in JSON and the pixels.
"""

import sys

import grabfs
import numpy as np
import zmq


def main(camera, address="tcp://*:5555", mode="live"):
    kind = {"live": zmq.PUB, "lossless": zmq.PUSH}[mode]
    with zmq.Context() as context, context.socket(kind) as socket, grabfs.Camera(camera) as cam:
        socket.set_hwm(1)  # what waits for a slow receiver is old when it arrives
        socket.sndbuf = 1 << 20
        socket.linger = 1000  # milliseconds, at the end
        socket.bind(address)
        sending = []
        for frame in cam.lossless() if mode == "lossless" else cam:
            pixels = np.ascontiguousarray(frame)  # no copy, unless its rows are padded
            header = {**frame.info._asdict(), "shape": pixels.shape, "dtype": pixels.dtype.str}
            # ZeroMQ reads the pixels where the device wrote them, and holds the frame until they are sent.
            # Receivers that are slow have many held: then it sends a copy.
            sending = [message for message in sending if not message.done]
            copy = len(sending) > cam.hold_limit - 4
            socket.send_json(header, zmq.SNDMORE)
            message = socket.send(pixels, copy=copy, track=True)
            if not copy:
                sending.append(message)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
