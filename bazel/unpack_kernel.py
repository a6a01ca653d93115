# SPDX-License-Identifier: Apache-2.0
"""Unpacks a kernel image: an emulated processor takes seconds for what this one does in one.

    unpack_kernel.py VMLINUZ OUTPUT

OUTPUT is the ELF file that the image (bzImage: Documentation/arch/x86/boot.rst) unpacks itself to.
QEMU starts it by its PVH entry (XEN_ELFNOTE_PHYS32_ENTRY in include/xen/interface/elfnote.h). An
image that is packed in another way, or has no such entry, is copied as it is: QEMU starts it, too.
"""

import lzma
import struct
import subprocess
import sys
import zlib

_PT_NOTE = 4
_XEN_ELFNOTE_PHYS32_ENTRY = 18


def _unzstd(data):
    return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout


_UNPACKERS = {
    b"\xfd7zXZ": lambda data: lzma.LZMADecompressor().decompress(data),
    b"\x1f\x8b": lambda data: zlib.decompressobj(wbits=31).decompress(data),
    b"\x28\xb5\x2f\xfd": _unzstd,
}


def _unpack(image):
    """Returns the ELF file in a bzImage, or None."""
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (setup_sectors + 1) * 512 + offset
    # Its unpacked size, 4 bytes, is appended to the payload.
    payload = image[begin : begin + length - 4]
    for magic, unpacker in _UNPACKERS.items():
        if payload.startswith(magic):
            return unpacker(payload)
    return None


def _note_types(notes):
    """Yields the type of each of Xen's notes in a note segment."""
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from("<III", notes, at)
        name = notes[at + 12 : at + 12 + name_size]
        at += 12 + (name_size + 3) // 4 * 4 + (size + 3) // 4 * 4
        if name == b"Xen\0":
            yield kind


def _has_pvh_entry(elf):
    (headers,) = struct.unpack_from("<Q", elf, 0x20)
    size, count = struct.unpack_from("<HH", elf, 0x36)
    for header in range(headers, headers + size * count, size):
        kind, _flags, offset, _va, _pa, length = struct.unpack_from("<IIQQQQ", elf, header)
        if kind == _PT_NOTE and _XEN_ELFNOTE_PHYS32_ENTRY in _note_types(
            elf[offset : offset + length]
        ):
            return True
    return False


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        image = file.read()
    elf = _unpack(image)
    with open(target, "wb") as file:
        file.write(elf if elf and _has_pvh_entry(elf) else image)


if __name__ == "__main__":
    main()
