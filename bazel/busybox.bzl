# SPDX-License-Identifier: Apache-2.0
"""The static busybox of the virtual machines, which tools/fetch-busybox.sh unpacks beside the checkout.

Where it is absent the rest of the build is left alone: the target has no file, and tests say so.
"""

_BUILD = """# SPDX-License-Identifier: Apache-2.0
filegroup(
    name = "busybox",
    srcs = glob(["bin/busybox"], allow_empty = True),
    visibility = ["//visibility:public"],
)
"""

def _busybox_repository_impl(repository_ctx):
    path = repository_ctx.os.environ.get("GRABFS_BUSYBOX", "")
    if path and repository_ctx.path(path).exists:
        repository_ctx.symlink(path, "bin/busybox")
    repository_ctx.file("BUILD.bazel", _BUILD)

busybox_repository = repository_rule(
    implementation = _busybox_repository_impl,
    local = True,
    environ = ["GRABFS_BUSYBOX"],
)
