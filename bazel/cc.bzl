# SPDX-License-Identifier: Apache-2.0
"""The C++ rules of this project: rules_cc's, with our warnings as errors.

The warnings live here and not in .bazelrc so that they bind our sources only and leave
third-party code alone.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wcast-qual",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wshadow",
    "-Wsuggest-override",
    "-Wundef",
]

def grabfs_cc_library(name, copts = [], **kwargs):
    cc_library(
        name = name,
        copts = _WARNINGS + copts,
        **kwargs
    )

def grabfs_cc_binary(name, copts = [], **kwargs):
    cc_binary(
        name = name,
        copts = _WARNINGS + copts,
        **kwargs
    )

def grabfs_cc_test(
        name,
        copts = [],
        deps = [],
        main = "@googletest//:gtest_main",
        size = "small",
        **kwargs):
    """A GoogleTest program; gtest's main comes with it.

    Args:
      name: of the target.
      copts: further compiler options.
      deps: libraries beyond GoogleTest.
      main: the library with main().
      size: small (1 minute), medium (5) or large (15).
      **kwargs: passed to cc_test.
    """
    cc_test(
        name = name,
        size = size,
        copts = _WARNINGS + copts,
        deps = deps + [main],
        **kwargs
    )
