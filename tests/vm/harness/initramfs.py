# SPDX-License-Identifier: Apache-2.0
"""Builds the guest's initramfs: a cpio archive ("newc") made in memory, without root and cpio(1).

The archive holds what one test run needs and nothing else: our static /init, a static busybox
with its applets, the given programs with their shared libraries, files and kernel modules.
"""

import os
import stat
import subprocess

_DIRECTORIES = ("bin", "dev", "etc/vm", "lib/modules", "mnt", "proc", "root", "run", "sys", "tmp")


class Archive:
    """An initramfs in the making. Guest paths are absolute; parents appear by themselves."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._present: set[str] = set()
        for directory in _DIRECTORIES:
            self._add_parents(directory + "/")
        # The kernel opens this for init's standard descriptors before devtmpfs is mounted.
        self._entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))

    def add_bytes(self, guest_path: str, data: bytes, mode: int = 0o644) -> None:
        name = guest_path.lstrip("/")
        if name in self._present:
            return
        self._add_parents(name)
        self._entry(name, stat.S_IFREG | mode, data)

    def add_file(self, guest_path: str, host_path: str) -> None:
        with open(host_path, "rb") as file:
            data = file.read()
        self.add_bytes(guest_path, data, os.stat(host_path).st_mode & 0o777)

    def add_symlink(self, guest_path: str, target: str) -> None:
        name = guest_path.lstrip("/")
        if name not in self._present:
            self._add_parents(name)
            self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def add_program(self, host_path: str, guest_path: str | None = None) -> None:
        """Adds an executable and, when it is dynamic, every shared object it asks for."""
        self.add_file(guest_path or "/bin/" + os.path.basename(host_path), host_path)
        for library in shared_objects(host_path):
            self.add_file(library, library)

    def add_busybox(self, host_path: str) -> None:
        if shared_objects(host_path):
            raise RuntimeError(f"{host_path} is not static: the guest has no shared libraries for it")
        self.add_file("/bin/busybox", host_path)
        applets = subprocess.run(
            [host_path, "--list"], check=True, capture_output=True, text=True
        ).stdout.split()
        for applet in applets:
            self.add_symlink("/bin/" + applet, "busybox")

    def write(self, path: str) -> None:
        with open(path, "wb") as file:
            file.writelines(self._chunks)
            file.write(_header("TRAILER!!!", 0, 0, (0, 0), 0))

    def _add_parents(self, name: str) -> None:
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            directory = "/".join(parts[:depth])
            if directory not in self._present:
                self._entry(directory, stat.S_IFDIR | 0o755)

    def _entry(self, name: str, mode: int, data: bytes = b"", device=(0, 0)) -> None:
        self._present.add(name)
        inode = len(self._present)
        self._chunks.append(_header(name, inode, mode, device, len(data)))
        self._chunks.append(data + b"\0" * (-len(data) % 4))


def _header(name: str, inode: int, mode: int, device: tuple[int, int], size: int) -> bytes:
    encoded = name.encode() + b"\0"
    links, owner, mtime, check = 1, 0, 0, 0
    fields = (inode, mode, owner, owner, links, mtime, size, 0, 0, *device, len(encoded), check)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    return header + b"\0" * (-len(header) % 4)


def shared_objects(program: str) -> list[str]:
    """The libraries and the loader that `program` needs, as absolute paths; none when static."""
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    found = []
    for line in listing.stdout.splitlines():
        words = line.split()
        if "not" in words and "found" in words:
            raise RuntimeError(f"{program}: shared object missing on this host: {line.strip()}")
        found.extend(word for word in words if word.startswith("/") and not word.endswith(":"))
    return found
