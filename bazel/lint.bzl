# SPDX-License-Identifier: Apache-2.0
"""An aspect that runs clang-tidy over our C++ sources, each with the options it is compiled with.

As a build action a clean file is not looked at again before it, a header of it or the checks
change. tools/lint.sh runs it.
"""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "ACTION_NAMES")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

# For tests, where GoogleTest's headers and macros would make the full set take half a minute a file,
# and where a mistake shows by itself: names, and what makes a test pass by accident.
_TEST_CHECKS = ",".join([
    "-*",
    "bugprone-assert-side-effect",
    "bugprone-infinite-loop",
    "bugprone-sizeof-expression",
    "bugprone-unused-raii",
    "bugprone-use-after-move",
    "misc-unused-using-decls",
    "modernize-use-nullptr",
    "modernize-use-override",
    "readability-identifier-naming",
])

_RUN = """
if clang-tidy-19 --quiet "--config-file=$CONFIG" ${CHECKS:+"--checks=$CHECKS"} "$SOURCE" -- "$@" >"$REPORT.out" 2>"$REPORT.err"; then
  mv "$REPORT.out" "$REPORT"
  rm "$REPORT.err"
else
  cat "$REPORT.out" "$REPORT.err" >&2
  exit 1
fi
"""

def _compile_options(ctx, cc_toolchain, compilation):
    """Returns what the compiler is called with for the C++ sources of this target."""
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = cc_toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    variables = cc_common.create_compile_variables(
        cc_toolchain = cc_toolchain,
        feature_configuration = features,
        include_directories = compilation.includes,
        quote_include_directories = compilation.quote_includes,
        system_include_directories = compilation.system_includes,
        preprocessor_defines = depset(
            transitive = [compilation.defines, compilation.local_defines],
        ),
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts +
                             ctx.rule.attr.copts,
    )
    options = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = ACTION_NAMES.cpp_compile,
        variables = variables,
    )

    # GCC's own; clang would report that it does not know them.
    return [option for option in options if option not in (
        "-fno-canonical-system-headers",
        "-Wno-free-nonheap-object",
        "-Wunused-but-set-parameter",
    )] + ["-Wno-unknown-warning-option"]

def _is_test(ctx):
    return ctx.rule.kind == "cc_test" or ctx.rule.attr.testonly

def _check(ctx, source, cc_toolchain, compilation):
    """Declares the action that checks one source and returns its report, which is empty."""
    report = ctx.actions.declare_file("lint/%s.%s.tidy" % (ctx.label.name, source.basename))
    ctx.actions.run_shell(
        outputs = [report],
        inputs = depset(
            [source, ctx.file._config],
            transitive = [compilation.headers, cc_toolchain.all_files],
        ),
        command = _RUN,
        arguments = _compile_options(ctx, cc_toolchain, compilation),
        env = {
            "CHECKS": _TEST_CHECKS if _is_test(ctx) else "",
            "CONFIG": ctx.file._config.path,
            "PATH": "/usr/bin:/bin",
            "REPORT": report.path,
            "SOURCE": source.path,
        },
        mnemonic = "ClangTidy",
        progress_message = "Checking %s" % source.short_path,
    )
    return report

def _clang_tidy_impl(target, ctx):
    if CcInfo not in target or ctx.label.workspace_name:
        return [OutputGroupInfo(lint = depset())]
    cc_toolchain = find_cpp_toolchain(ctx)
    compilation = target[CcInfo].compilation_context
    reports = [
        _check(ctx, source, cc_toolchain, compilation)
        for source in ctx.rule.files.srcs
        if source.is_source and source.extension in ("cc", "cpp")
    ]
    return [OutputGroupInfo(lint = depset(reports))]

clang_tidy = aspect(
    implementation = _clang_tidy_impl,
    attrs = {
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
        "_config": attr.label(default = "//:.clang-tidy", allow_single_file = True),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
