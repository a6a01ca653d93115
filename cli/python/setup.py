# SPDX-License-Identifier: Apache-2.0
"""The version, which is stated in one place; all else is in pyproject.toml."""

import pathlib
import re

from setuptools import setup

HEADER = pathlib.Path(__file__).resolve().parents[2] / "fusefs" / "base" / "version.h"

setup(version=re.search(r'kVersion\[\] = "(.+)";', HEADER.read_text(encoding="utf-8")).group(1))
