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

def _headers_only_impl(ctx):
    contexts = [dep[CcInfo].compilation_context for dep in ctx.attr.deps]
    return [cc_common.merge_cc_infos(cc_infos = [
        CcInfo(compilation_context = context)
        for context in contexts
    ])]

_headers_only = rule(
    implementation = _headers_only_impl,
    doc = "The headers of libraries without their code.",
    attrs = {"deps": attr.label_list(providers = [CcInfo])},
)

def grabfs_source_module(name, kind, srcs, copts = [], deps = [], libraries = [], **kwargs):
    """A loadable source, source-KIND.so (fusefs/source/module.h).

    Args:
      name: of the module, as a file group.
      kind: of the source.
      srcs: its sources and headers.
      copts: further compiler options.
      deps: libraries of the daemon. The daemon has their code, so the module must not.
      libraries: those of its own.
      **kwargs: passed to cc_binary.
    """
    _headers_only(name = name + "_headers", deps = deps, testonly = kwargs.get("testonly", False))
    cc_binary(
        name = "source-%s.so" % kind,
        srcs = srcs,
        copts = _WARNINGS + copts,
        linkshared = True,
        deps = [":" + name + "_headers"] + libraries,
        **kwargs
    )
    native.filegroup(
        name = name,
        srcs = [":source-%s.so" % kind],
        testonly = kwargs.get("testonly", False),
        visibility = kwargs.get("visibility"),
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
