# SPDX-License-Identifier: Apache-2.0
"""Finds stock kernel modules by name in an unpacked kernel package, with all they depend on."""

import lzma
import os
import re


class ModuleTree:
    """The modules of one kernel: lib/modules/RELEASE of its package, or None for no modules."""

    def __init__(self, root: str | None) -> None:
        self._paths: dict[str, str] = {}
        self._builtin: set[str] = set()
        for directory, _, files in os.walk(root) if root else ():
            for file in files:
                if re.search(r"\.ko(\.xz)?$", file):
                    self._paths[module_name(file)] = os.path.join(directory, file)
                elif file == "modules.builtin":
                    self._read_builtin(os.path.join(directory, file))

    def load_order(self, name: str) -> list[tuple[str, bytes]]:
        """(name, contents) of the module and its dependencies, each after those it needs.

        Empty when the kernel has the module built in.
        """
        order: dict[str, bytes] = {}
        self._visit(_canonical(name), order)
        return list(order.items())

    def _visit(self, name: str, order: dict[str, bytes]) -> None:
        if name in order or name in self._builtin:
            return
        if name not in self._paths:
            raise RuntimeError(f"this kernel has no module {name}, neither as a file nor built in")
        contents = read_module(self._paths[name])
        for dependency in _depends(contents):
            self._visit(dependency, order)
        order[name] = contents

    def _read_builtin(self, path: str) -> None:
        with open(path, encoding="utf-8") as file:
            self._builtin = {module_name(line.strip()) for line in file}


def module_name(path: str) -> str:
    return _canonical(os.path.basename(path).split(".ko")[0])


def read_module(path: str) -> bytes:
    """The module's ELF image, decompressed: finit_module in the guest takes it as it is."""
    opener = lzma.open if path.endswith(".xz") else open
    with opener(path, "rb") as file:
        return file.read()


def _canonical(name: str) -> str:
    return name.replace("-", "_")


def _depends(contents: bytes) -> list[str]:
    match = re.search(rb"\0depends=([^\0]*)\0", contents)
    names = match.group(1).decode() if match else ""
    return [_canonical(name) for name in names.split(",") if name]
