# SPDX-License-Identifier: Apache-2.0
"""Fuzz tests: a libFuzzer entry point that also runs, bounded, as an ordinary test."""

load("//bazel:cc.bzl", "grabfs_cc_test")

def grabfs_fuzz_test(name, corpus, deps, **kwargs):
    """Runs NAME.cc over its corpus and over mutations of it.

    The same file links against libFuzzer: see the top of bounded_test.cc.

    Args:
      name: of the target and of the file with LLVMFuzzerTestOneInput().
      corpus: directory of inputs, below this package.
      deps: what is fuzzed.
      **kwargs: passed to grabfs_cc_test.
    """
    grabfs_cc_test(
        name = name,
        srcs = [
            "bounded_test.cc",
            name + ".cc",
        ],
        data = native.glob([corpus + "/*"]),
        local_defines = ["GRABFS_CORPUS=\\\"" + native.package_name() + "/" + corpus + "\\\""],
        deps = deps,
        **kwargs
    )
