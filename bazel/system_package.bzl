# SPDX-License-Identifier: Apache-2.0
"""A repository rule for libraries that the distribution packages: links to its files."""

def _system_package_impl(repository_ctx):
    for name, target in repository_ctx.attr.links.items():
        if not repository_ctx.path(target).exists:
            fail("{} is missing: install the package {} (tools/setup.sh does)".format(
                target,
                repository_ctx.attr.debian_package,
            ))
        repository_ctx.symlink(target, name)
    repository_ctx.symlink(repository_ctx.attr.build_file, "BUILD.bazel")

system_package = repository_rule(
    implementation = _system_package_impl,
    doc = "Headers or sources of an installed Debian package, under a BUILD file of ours.",
    local = True,
    attrs = {
        "build_file": attr.label(mandatory = True, allow_single_file = True),
        "debian_package": attr.string(mandatory = True, doc = "Named when a file is missing."),
        "links": attr.string_dict(mandatory = True, doc = "Path in the repository to the installed file."),
    },
)
