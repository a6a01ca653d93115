#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what documents say about files that can be looked at.

    check_docs.py ROOT

No merge left its marks, every relative link leads to a file, and every message that heads a section of
docs/troubleshooting.md is a message of the sources ("…" stands for what varies).
"""

import pathlib
import re
import sys

SOURCES = ("cli", "fusefs")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
MERGE_MARK = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
MESSAGE = re.compile(r"^### `(.+)`$", re.MULTILINE)
# Literals of C++ that stand one after the other are one, and so are those that a variable parts.
JOINT = re.compile(r'"\s*"')


def documents(root):
    yield from sorted(root.glob("*.md"))
    for folder in ("docs", "kmod", "tests"):
        yield from sorted((root / folder).rglob("*.md"))


def without_code(text):
    """Returns the text without blocks and spans of code, in which brackets are no links."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^(?: {4}|\t).*$", "", text, flags=re.MULTILINE))


def merge_marks(root):
    for document in documents(root):
        if MERGE_MARK.search(document.read_text(encoding="utf-8")):
            yield "%s: has marks of an unfinished merge" % document.relative_to(root)


def broken_links(root):
    for document in documents(root):
        for target in LINK.findall(without_code(document.read_text(encoding="utf-8"))):
            if "://" not in target and not (document.parent / target).exists():
                yield "%s: no file is at %s" % (document.relative_to(root), target)


def source_text(root):
    files = (path for folder in SOURCES for path in (root / folder).rglob("*.cc"))
    return "\n".join(JOINT.sub("", path.read_text(encoding="utf-8")) for path in files)


def unknown_messages(root):
    sources = source_text(root)
    document = root / "docs" / "troubleshooting.md"
    for message in MESSAGE.findall(document.read_text(encoding="utf-8")):
        for part in message.split("…"):
            if part.strip() and part not in sources:
                yield "%s: no message says '%s'" % (document.relative_to(root), part)


def main(root):
    problems = [*merge_marks(root), *broken_links(root), *unknown_messages(root)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
