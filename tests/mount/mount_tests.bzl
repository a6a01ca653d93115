# SPDX-License-Identifier: Apache-2.0
"""One test program, run once for each data path of the mount."""

load("//bazel:cc.bzl", "grabfs_cc_library", "grabfs_cc_test")

# What support/environment.h calls them.
DATA_PATHS = ["passthrough", "cached", "user"]

# Of an ordinary user's daemon only the privileges differ from the cached path's: tests that depend on
# them name it.
_EACH_RUN = ["passthrough", "cached"]

# Under sanitizers an ordinary user's daemon has nothing but its mounting that the cached path has not.
_SANITIZED = ["passthrough", "cached"]

def mount_tests(
        name,
        data_paths = DATA_PATHS,
        each_run = _EACH_RUN,
        sanitized = _SANITIZED,
        data = [],
        deps = [],
        size = "medium",
        srcs = None,
        **kwargs):
    """Defines NAME_PATH for each data path, and the suite NAME of them all.

    Args:
      name: of the suite.
      data_paths: which of DATA_PATHS to run.
      each_run: which of them in each run; the others carry the tag `not-each-run` and have their turn in
        `tools/test.sh paths`.
      sanitized: which of them to run under sanitizers.
      data: programs beyond the daemon.
      deps: libraries beyond the support of mount tests.
      size: of the tests, as Bazel understands it.
      srcs: the sources, if they are more than NAME.cc.
      **kwargs: passed to each test.
    """

    # Compiled once, linked into each test.
    grabfs_cc_library(
        name = name + "_cases",
        testonly = True,
        srcs = srcs or [name + ".cc"],
        alwayslink = True,
        # tests/vm runs them on the module's buffers.
        visibility = ["//tests/vm:__subpackages__"],
        deps = ["//tests/mount/support"] + deps,
    )
    for path in data_paths:
        grabfs_cc_test(
            name = name + "_" + path,
            size = size,
            data = ["//fusefs:grabfs"] + data,
            env = {"GRABFS_DATA_PATH": path},
            main = "//tests/mount/support:main",
            tags = ["mount"] +
                   ([] if path in each_run else ["not-each-run"]) +
                   ([] if path in sanitized else ["no-sanitizer"]) +
                   # Its threads are those of the cached path.
                   (["no-tsan"] if path == "user" else []),
            deps = [":" + name + "_cases"],
            **kwargs
        )
    native.test_suite(
        name = name,
        tests = [name + "_" + path for path in data_paths],
    )
