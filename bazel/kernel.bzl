# SPDX-License-Identifier: Apache-2.0
"""Kernels to build the module for and to boot in virtual machines.

A kernel is unpacked beside the checkout by tools/fetch-kernels.sh, not downloaded by Bazel. One
that is absent leaves the rest of the build alone: what needs it fails when it is to run, and says
what to do; what the user opted out of by GRABFS_SKIP_KERNELS is skipped.
"""

KernelInfo = provider(
    doc = "A kernel: headers, image and modules of one release.",
    fields = {
        "headers": "Absolute path of the build tree (make -C), or empty.",
        "image": "File: what QEMU boots, or None.",
        "missing": "Why the kernel cannot be used, or empty.",
        "modules": "Absolute path of lib/modules/RELEASE with modules.dep, or empty.",
        "release": "Release as uname -r prints it, or empty.",
        "series": "Name of the series, such as 6.12.",
        "skipped": "Whether the user asked to go without it.",
        "tools": "Absolute path of the compiler that came with it, or empty.",
    },
)

def _unpack(ctx, packed):
    """Returns the image as QEMU boots it quickest."""
    image = ctx.actions.declare_file("vmlinux")
    ctx.actions.run_shell(
        command = 'python3 -B "$@"',
        arguments = [ctx.file._unpack_kernel.path, packed.path, image.path],
        inputs = [ctx.file._unpack_kernel, packed],
        mnemonic = "UnpackKernel",
        outputs = [image],
        use_default_shell_env = True,
    )
    return image

def _kernel_impl(ctx):
    image = _unpack(ctx, ctx.file.image) if ctx.file.image else None
    return [
        DefaultInfo(files = depset([image] if image else [])),
        KernelInfo(
            headers = ctx.attr.headers,
            image = image,
            missing = ctx.attr.missing,
            modules = ctx.attr.modules,
            release = ctx.attr.release,
            series = ctx.attr.series,
            skipped = ctx.attr.skipped,
            tools = ctx.attr.tools,
        ),
        # For tests that are scripts: $(KERNEL_HEADERS) in their arguments.
        platform_common.TemplateVariableInfo({
            "KERNEL_HEADERS": ctx.attr.headers,
            "KERNEL_MISSING": ctx.attr.missing,
            "KERNEL_RELEASE": ctx.attr.release,
        }),
    ]

kernel = rule(
    implementation = _kernel_impl,
    doc = "Written by kernel_repository; provides KernelInfo, and variables for `toolchains`.",
    attrs = {
        "headers": attr.string(),
        "image": attr.label(allow_single_file = True),
        "missing": attr.string(),
        "modules": attr.string(),
        "release": attr.string(),
        "series": attr.string(mandatory = True),
        "skipped": attr.bool(),
        "tools": attr.string(),
        "_unpack_kernel": attr.label(
            default = "//bazel:unpack_kernel.py",
            allow_single_file = True,
        ),
    },
)

_BUILD = """# SPDX-License-Identifier: Apache-2.0
# The kernel {series}, as kernel_repository of //bazel:kernel.bzl found it.

load("@grabfs//bazel:kernel.bzl", "kernel")

kernel(
    name = "kernel",
    {image}headers = "{headers}",
    missing = "{missing}",
    modules = "{modules}",
    release = "{release}",
    series = "{series}",
    skipped = {skipped},
    tools = "{tools}",
    visibility = ["//visibility:public"],
)
"""

def _kernel_repository_impl(repository_ctx):
    series = repository_ctx.attr.series
    environ = repository_ctx.os.environ

    skipped = series in environ.get("GRABFS_SKIP_KERNELS", "").split(" ")
    release, _, path = environ.get(_variable(series), "").partition(":")

    missing = ""
    if skipped:
        missing = "GRABFS_SKIP_KERNELS asks to go without kernel %s" % series
    elif not path or not repository_ctx.path(path + "/vmlinuz").exists:
        missing = "kernel %s is not here: run %s" % (series, repository_ctx.attr.fetch_with)

    if not missing:
        repository_ctx.symlink(path + "/vmlinuz", "vmlinuz")
    repository_ctx.file("BUILD.bazel", _BUILD.format(
        headers = "" if missing else path + "/headers",
        image = "" if missing else "image = \"vmlinuz\",\n    ",
        missing = missing,
        modules = "" if missing else path + "/modules",
        release = "" if missing else release,
        series = series,
        skipped = skipped,
        tools = "" if missing or not repository_ctx.path(path + "/usr/bin").exists else path + "/usr/bin",
    ))

def _variable(series):
    """Returns the name under which .bazelrc.local tells where a kernel is."""
    return "GRABFS_KERNEL_" + series.replace(".", "_")

_kernel_repository = repository_rule(
    implementation = _kernel_repository_impl,
    local = True,
    environ = ["GRABFS_SKIP_KERNELS"] + [_variable(series) for series in ("6.1", "6.12", "newest", "debug")],
    attrs = {
        "fetch_with": attr.string(default = "tools/fetch-kernels.sh"),
        "series": attr.string(mandatory = True),
    },
)

def kernel_repository(series, **kwargs):
    """Declares the repository @kernel_SERIES (dots as underscores) with the target :kernel.

    Args:
      series: name of the kernel's folder in the cache, such as 6.12.
      **kwargs: further attributes.
    """
    _kernel_repository(name = "kernel_" + series.replace(".", "_"), series = series, **kwargs)
