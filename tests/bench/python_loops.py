#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the Python module costs, beside what Python programs had before it. Needs root, numpy, OpenCV and ZeroMQ.

    python_loops.py [--quick] [--json]

GRABFS_BIN is the daemon, PYTHONPATH has the module, GRABFS_LIBRARY is libgrabfs.so.0. Sides are measured one after
the other, several times; medians count.
"""

import argparse
import contextlib
import json
import os
import pathlib
import runpy
import signal
import socket
import statistics
import subprocess
import tempfile
import time

import cv2
import grabfs
import numpy as np
import zmq  # here, so that no process below pays for loading it
from python_report import judge, show

EXAMPLES = pathlib.Path(__file__).absolute().parents[2] / "docs/examples"


@contextlib.contextmanager
def mounted(device):
    """A mount with this camera, whose directory it gives."""
    with tempfile.TemporaryDirectory() as place:
        daemon = subprocess.Popen(
            [os.environ["GRABFS_BIN"], "-f", "--device", "cam0=pattern," + device, place],
            stderr=subprocess.DEVNULL)
        try:
            while not os.path.exists(place + "/status.json"):
                time.sleep(0.01)
            yield pathlib.Path(place, "cam0")
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()


def rate_of(frames, seconds):
    """Returns how many frames a second come, from the second one on."""
    next(frames)
    begin = time.perf_counter()
    for count, _ in enumerate(frames, 1):
        now = time.perf_counter()
        if now > begin + seconds:
            return count / (now - begin)


def of_module(device):
    with grabfs.Camera(device) as cam:
        yield from cam


def of_opencv(device):
    capture = cv2.VideoCapture(str(device / "stream.y4m"))
    while True:
        good, frame = capture.read()
        assert good
        yield frame


def of_memmap(device):
    with open(device / "events", encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            if event["event"] == "frame":
                name = device / "frames" / ("%08d.raw" % event["sequence"])
                yield np.memmap(name, np.uint8, "r", shape=(480, 640))


def loops(seconds, repeat):
    """How many frames a loop sees of a camera that is as fast as the machine."""
    sides = {"module": of_module, "OpenCV": of_opencv, "memmap": of_memmap}
    rates = {name: [] for name in sides}
    with mounted("format=GREY,width=640,height=480,rate=0,state=streaming") as device:
        for _ in range(repeat):
            for name, frames in sides.items():
                rates[name].append(rate_of(frames(device), seconds))
    rates = {name: statistics.median(values) for name, values in rates.items()}
    both = "%.0f frames/s against %.0f"
    for name, target, what in (("OpenCV", 20, "VideoCapture of stream.y4m"), ("memmap", 5, "events and np.memmap")):
        yield {"what": "frames/s of a loop, 640x480 GREY at rate 0 / of " + what,
               "value": rates["module"] / rates[name], "unit": "", "target": {"at_least": target},
               "detail": both % (rates["module"], rates[name])}


def holds(seconds, repeat):
    """What a frame costs a program that never waits."""
    rates = []
    with mounted("format=GREY,width=640,height=480,rate=0,state=stopped") as device:
        with grabfs.Camera(device) as cam:
            cam.trigger()
            cam.newest()
            for _ in range(repeat):
                begin, count = time.thread_time(), 0
                while time.thread_time() < begin + seconds:
                    for _ in range(1000):
                        cam.newest()
                    count += 1000
                rates.append(count / (time.thread_time() - begin))
    yield {"what": "hold, array, release: times a second of processor", "value": statistics.median(rates),
           "unit": "/s", "target": {"at_least": 100000}, "detail": ""}


def idle(seconds, repeat):
    """What a loop costs that does nothing."""
    shares = []
    with mounted("format=BGR4,width=1920,height=1080,rate=60,state=streaming") as device:
        for _ in range(repeat):
            begin, used = time.perf_counter(), time.process_time()
            rate_of(of_module(device), seconds)
            shares.append(100 * (time.process_time() - used) / (time.perf_counter() - begin))
    yield {"what": "1080p at 60/s: processor of a loop that does nothing", "value": statistics.median(shares),
           "unit": "%", "target": {"at_most": 2}, "detail": ""}


def processor_of(*bodies):
    """The processor time of processes that do this; the first one ends when the others have."""
    def start(body):
        process = os.fork()
        if process == 0:
            try:
                body()
            finally:
                os._exit(0)
        return process

    first, *others = [start(body) for body in bodies]
    used = 0
    for process in (*others, first):
        if process == first:
            os.kill(first, signal.SIGKILL)
        usage = os.wait4(process, 0)[2]
        used += usage.ru_utime + usage.ru_stime
    return used


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def by_zeromq(device, frames):
    """docs/examples, two receivers that do nothing with the pixels."""
    address = "tcp://127.0.0.1:%d" % free_port()
    send = runpy.run_path(str(EXAMPLES / "zmq-send.py"))["main"]
    receive = runpy.run_path(str(EXAMPLES / "zmq-receive.py"))["frames"]

    def receiver():
        for count, _ in enumerate(receive(address), 1):
            if count == frames:
                return

    return processor_of(lambda: send(str(device), address), receiver, receiver)


def by_sockets(device, frames):
    """The same by a connection to each receiver, and nothing but its length before a frame."""
    port = free_port()

    def sender():
        with grabfs.Camera(device) as cam, socket.create_server(("127.0.0.1", port)) as server:
            receivers = [server.accept()[0] for _ in range(2)]
            for frame in cam:
                for receiver in receivers:
                    with contextlib.suppress(ConnectionError):
                        receiver.sendall(frame.nbytes.to_bytes(8, "little"))
                        receiver.sendall(frame)

    def receiver():
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                connection = socket.create_connection(("127.0.0.1", port))
                break
        with connection, connection.makefile("rb", buffering=0) as stream:
            for _ in range(frames):
                pixels = bytearray(int.from_bytes(connection.recv(8, socket.MSG_WAITALL), "little"))
                room = memoryview(pixels)
                while room:
                    room = room[stream.readinto(room):]

    return processor_of(sender, receiver, receiver)


def network(seconds, repeat):
    """Frames at two receivers on this machine: the sender's and their processor time."""
    frames = max(10, int(60 * seconds))
    used = {by_zeromq: [], by_sockets: []}
    with mounted("format=GREY,width=1920,height=1080,rate=60,state=streaming") as device:
        for _ in range(repeat):
            for side, values in used.items():
                values.append(1000 * side(device, frames) / frames)
    one, other = (statistics.median(values) for values in used.values())
    yield {"what": "1080p at 60/s to two receivers: processor / of plain sockets", "value": one / other, "unit": "",
           "target": {"at_most": 1.5}, "detail": "%.2f ms a frame against %.2f" % (one, other)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few and short measurements")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    options = parser.parse_args()
    seconds, repeat = (0.1, 1) if options.quick else (1, 5)
    results = []
    for benchmark in (loops, holds, idle, network):
        rows = [judge(row) for row in benchmark(seconds, repeat)]
        results.append({"benchmark": benchmark.__name__, "rows": rows})
        for row in [] if options.json else rows:
            show(row)
    if options.json:
        print(json.dumps({"kernel": os.uname().release, "results": results}))


if __name__ == "__main__":
    main()
