# SPDX-License-Identifier: Apache-2.0
"""One command to a running QEMU over its machine protocol (QMP)."""

import json
import socket


def execute(path: str, command: str, arguments: dict[str, str]) -> str:
    """Returns "done", or QEMU's own description of the error."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(path)
        with connection.makefile("rw", encoding="utf-8") as stream:
            json.loads(stream.readline())  # The greeting.
            _ask(stream, "qmp_capabilities", {})
            answer = _ask(stream, command, arguments)
    return "done" if "return" in answer else answer["error"]["desc"]


def _ask(stream, command: str, arguments: dict[str, str]) -> dict:
    json.dump({"execute": command, "arguments": arguments}, stream)
    stream.write("\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "return" in answer or "error" in answer:  # Else an event.
            return answer
