# SPDX-License-Identifier: Apache-2.0
"""Runs one virtual machine: follows its two serial lines and serves what the guest asks for."""

import os
import re
import selectors
import subprocess
import time
from typing import TextIO

import qmp
from machine import Machine
from report import Report
from splat import is_splat

_MOST_SPLATS_TOLD = 10
_PLUG_ATTEMPTS = 100


class Guest:
    """A run of a machine. Afterwards `problem` and `splats` tell what was wrong with it."""

    def __init__(
        self,
        machine: Machine,
        scratch: str,
        report: Report,
        log: TextIO,
        allowed: re.Pattern[str] | None,
    ) -> None:
        self._machine = machine
        self._qmp_path = os.path.join(scratch, "qmp")
        self._report = report
        self._log = log
        self._allowed = allowed
        self._begin = time.monotonic()
        self.problem = ""
        self.splats: list[str] = []

    def run(self, seconds: float) -> None:
        report_read, report_write = os.pipe()
        command = self._machine.command(
            f"/dev/fd/{report_write}", self._qmp_path, self._report.nonce
        )
        self._write_log("host", " ".join(command))
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[report_write],
        ) as qemu:
            os.close(report_write)
            try:
                self._follow(qemu.stdout.fileno(), report_read, self._begin + seconds)
            except TimeoutError:
                self.problem = f"no end after {seconds:g} seconds"
            finally:
                os.close(report_read)
                qemu.kill() if self.problem else None
            status = qemu.wait()
        if status != 0 and not self.problem:
            self.problem = f"QEMU ended with status {status}"

    def _follow(self, console: int, report: int, deadline: float) -> None:
        lines = {
            console: _LineReader(console, self._on_console),
            report: _LineReader(report, self._on_report),
        }
        with selectors.DefaultSelector() as selector:
            for descriptor in lines:
                selector.register(descriptor, selectors.EVENT_READ)
            while lines:
                remaining = deadline - time.monotonic()
                ready = selector.select(remaining) if remaining > 0 else []
                if not ready:
                    raise TimeoutError
                for key, _ in ready:
                    if not lines[key.fd].read():
                        selector.unregister(key.fd)
                        del lines[key.fd]

    def _on_console(self, line: str) -> None:
        self._write_log("console", line)
        if is_splat(line, self._allowed) and len(self.splats) < _MOST_SPLATS_TOLD:
            self.splats.append(f"kernel: {line}")

    def _on_report(self, line: str) -> None:
        if line:
            self._write_log("report", line)
        self._report.feed(line)
        match line.split():
            case ["@vm", "request", ("plug" | "unplug") as verb, device]:
                self._serve(verb, device)

    def _serve(self, verb: str, device: str) -> None:
        """Plugs a device in or pulls it out: the guest's test asks, since only it knows when."""
        if verb == "unplug":
            answer = qmp.execute(self._qmp_path, "device_del", {"id": device})
        else:
            answer = self._plug(self._machine.edu_device(int(device.removeprefix("edu"))))
        self._write_log("host", f"{verb} {device}: {answer}")

    def _plug(self, device: str) -> str:
        driver, *properties = device.split(",")
        arguments = {"driver": driver, **dict(entry.split("=", 1) for entry in properties)}
        # The guest has let go of the old device a moment before QEMU has.
        for _ in range(_PLUG_ATTEMPTS):
            answer = qmp.execute(self._qmp_path, "device_add", arguments)
            if not answer.startswith("Duplicate"):
                break
            time.sleep(0.05)
        return answer

    def _write_log(self, source: str, line: str) -> None:
        stamped = f"[{time.monotonic() - self._begin:7.2f}] {source:>7}: {line}"
        print(stamped, flush=True)
        print(stamped, file=self._log, flush=True)


class _LineReader:
    """Cuts a byte stream into lines of text."""

    def __init__(self, descriptor: int, consume) -> None:
        self._descriptor = descriptor
        self._consume = consume
        self._partial = b""

    def read(self) -> bool:
        """Consumes what is there; False at the end of the stream."""
        data = os.read(self._descriptor, 65536)
        *complete, self._partial = (self._partial + data).split(b"\n")
        if not data and self._partial:
            complete.append(self._partial)
        for line in complete:
            self._consume(line.rstrip(b"\r").decode("utf-8", "replace"))
        return bool(data)
