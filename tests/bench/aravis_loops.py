#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a frame of a network camera costs with grabfs, beside Aravis' own loop. Needs root and aravis-tools.

    aravis_loops.py [--quick] [--json]

GRABFS_BIN is the daemon, GRABFS_MODULES the folder of source-aravis.so, ARAVIS_LOOP the program of that name. Each side
has a simulated camera of its own on the loopback address, in a network namespace of its own; what the simulator itself
costs is not counted. Sides are measured in turns; medians count.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile
import time

from python_report import judge, show

SIZE = (1920, 1080)


@contextlib.contextmanager
def camera():
    """A simulated camera; gives what to put before a command so that it finds that camera, and no other."""
    simulator = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && exec arv-fake-gv-camera-0.8 -i 127.0.0.1"],
        stderr=subprocess.DEVNULL)
    try:
        prefix = ["nsenter", "--target", str(simulator.pid), "--net"]
        # Until it listens on port 3956.
        while b":0F74" not in subprocess.run([*prefix, "cat", "/proc/net/udp"], stdout=subprocess.PIPE, check=True).stdout:
            time.sleep(0.05)
        yield prefix
    finally:
        simulator.kill()
        simulator.wait()


def loop(prefix, *words):
    return subprocess.Popen([*prefix, os.environ["ARAVIS_LOOP"], *map(str, words)], stdout=subprocess.PIPE, text=True)


def result(process):
    out, _ = process.communicate()
    assert process.returncode == 0, "a loop has failed"
    return json.loads(out)


def cpu_of(pid):
    """Seconds of processor that the threads of a process have used."""
    threads = pathlib.Path("/proc/%d/task" % pid).glob("*/schedstat")
    return sum(int(thread.read_text(encoding="utf-8").split()[0]) for thread in threads) / 1e9


def by_aravis(processes, rate, frames, buffers, size=SIZE):
    """(processor seconds for a frame of one camera, lost frames): so many programs, each with its own camera."""
    with contextlib.ExitStack() as stack:
        cameras = [stack.enter_context(camera()) for _ in range(processes)]
        loops = [loop(prefix, "aravis", "Aravis-Fake-GV01", rate, *size, buffers, frames) for prefix in cameras]
        results = [result(process) for process in loops]
    return sum(r["cpu"] for r in results) / frames, sum(r["lost"] for r in results)


def by_grabfs(readers, rate, frames, buffers, size=SIZE):
    """The same of the daemon and its readers together."""
    with camera() as prefix, tempfile.TemporaryDirectory() as place:
        keys = "aravis:GV01,width=%d,height=%d,rate=%g,buffers=%d,state=streaming" % (*size, rate, 2 * buffers)
        daemon = subprocess.Popen(
            [*prefix, os.environ["GRABFS_BIN"], "-f", "--source-path", os.environ["GRABFS_MODULES"],
             "--device", "ind0=" + keys, place], stderr=subprocess.DEVNULL)
        device = pathlib.Path(place, "ind0")
        try:
            status = lambda: json.loads((device / "status.json").read_text(encoding="utf-8"))["counters"]
            while not (device / "status.json").exists() or status()["captured"] < 2:
                time.sleep(0.05)
            before, begin = status(), cpu_of(daemon.pid)
            results = [result(p) for p in [loop([], "grabfs", device, frames) for _ in range(readers)]]
            after, end = status(), cpu_of(daemon.pid)
            captured = after["captured"] - before["captured"]
            lost = sum(after[name] - before[name] for name in ("dropped", "failed"))
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()
    return (end - begin) / captured + sum(r["cpu"] for r in results) / frames, lost


def costs(quick):
    rate, frames, repeat = (5, 50, 1) if quick else (12, 150, 3)
    sides = {"alone": lambda: by_aravis(1, rate, frames, 8), "one": lambda: by_grabfs(1, rate, frames, 8),
             "four": lambda: by_grabfs(4, rate, frames, 8)}
    costs_of = {name: [] for name in sides}
    for _ in range(repeat):
        for name, side in sides.items():
            costs_of[name].append(side()[0])
    # Four simulators at once are too much for two processors, but what a program takes for a frame is not changed by
    # that it has to wait.
    four_alone = [by_aravis(4, rate / 3, frames // 3, 8)[0] for _ in range(repeat)]
    one, four, alone, copies = (statistics.median(costs_of["one"]), statistics.median(costs_of["four"]),
                                statistics.median(costs_of["alone"]), statistics.median(four_alone))
    text = "%.2f ms against %.2f"
    yield {"what": "1080p by GigE Vision: processor for a frame, one reader / Aravis' own loop", "value": one / alone,
           "unit": "", "target": {"at_most": 1.05}, "detail": text % (1e3 * one, 1e3 * alone)}
    yield {"what": "  four readers / four loops, each with a copy", "value": four / copies,
           "unit": "", "target": {"at_most": 0.35}, "detail": text % (1e3 * four, 1e3 * copies)}


def losses(quick):
    """The simulator at the highest rate that it takes."""
    frames, repeat = (500, 1) if quick else (1500, 3)
    size = (512, 512)
    alone = sum(by_aravis(1, 1000, frames, 8, size)[1] for _ in range(repeat))
    ours = sum(by_grabfs(1, 1000, frames, 8, size)[1] for _ in range(repeat))
    yield {"what": "512x512 by GigE Vision, as fast as the simulator can: lost frames more than Aravis alone",
           "value": max(0, ours - alone), "unit": "", "target": {"at_most": 0}, "detail": "%d against %d of %d" % (
               ours, alone, frames * repeat)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few and short measurements")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    options = parser.parse_args()
    rows = []
    for section in (costs, losses):
        for row in section(options.quick):
            rows.append(judge(row))
            if not options.json:
                show(rows[-1])
    if options.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
