# SPDX-License-Identifier: Apache-2.0
"""Fuzz targets: one entry point, run bounded everywhere, and by libFuzzer where clang builds."""

load("//bazel:cc.bzl", "grabfs_cc_binary", "grabfs_cc_library", "grabfs_cc_test")

def grabfs_fuzz_test(name, deps, corpus = None):
    """Defines NAME, an ordinary test, and NAME_search, libFuzzer's search (--config=asan only).

    NAME runs NAME.cc over its corpus and over mutations that are the same in every run.

    Args:
      name: of the target and of the file with LLVMFuzzerTestOneInput(); ends in "_fuzz".
      deps: what is fuzzed.
      corpus: directory of inputs, below this package. A file "dictionary" beside them has words
        for libFuzzer.
    """
    corpus = corpus or "corpus/" + name[:-len("_fuzz")]
    inputs = native.glob([corpus + "/*"])
    grabfs_cc_library(
        name = name + "_entry",
        testonly = True,
        srcs = [name + ".cc"],
        alwayslink = True,
        deps = [":fuzz"] + deps,
    )
    grabfs_cc_test(
        name = name,
        size = "medium",
        srcs = ["bounded_test.cc"],
        data = inputs,
        env = {"GRABFS_CORPUS": native.package_name() + "/" + corpus},
        deps = [
            ":fuzz",
            ":" + name + "_entry",
        ],
    )

    # Named by //tests/fuzz:search alone: GCC cannot link them.
    grabfs_cc_binary(
        name = name + "_libfuzzer",
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":" + name + "_entry"],
    )
    native.sh_test(
        name = name + "_search",
        size = "medium",
        srcs = ["search.sh"],
        args = [
            "$(rootpath :%s_libfuzzer)" % name,
            native.package_name() + "/" + corpus,
        ],
        data = inputs + [":%s_libfuzzer" % name],
        tags = ["manual"],
    )
