# SPDX-License-Identifier: Apache-2.0
"""What WORKSPACE gets by calling grabfs_repositories(), for MODULE.bazel."""

load("//bazel:repositories.bzl", "grabfs_repositories")

def _third_party_impl(_module_ctx):
    grabfs_repositories()

third_party = module_extension(
    implementation = _third_party_impl,
    doc = "The libraries and kernels that grabfs is built and tested with.",
)
