# SPDX-License-Identifier: Apache-2.0
"""A repository rule for libraries that the distribution packages: links to its files.

Headers are looked for where pkg-config and the compiler look: distributions and processors differ in that.
"""

def _include_folders(repository_ctx):
    """Returns the folders in which the C compiler looks for <headers>."""
    compiler = repository_ctx.os.environ.get("CC", "cc")
    listing = repository_ctx.execute(
        [compiler, "-E", "-x", "c", "-v", "/dev/null"],
        environment = {"LC_ALL": "C"},
    )
    if listing.return_code != 0:
        fail("{} does not tell where it looks for headers: {}".format(compiler, listing.stderr))
    _, _, rest = listing.stderr.partition("#include <...> search starts here:\n")
    folders, _, _ = rest.partition("End of search list.")
    return [folder.strip() for folder in folders.splitlines()]

def _pkg_config_folders(repository_ctx):
    """Returns the folders that pkg-config names for the package, if that is known to it."""
    name = repository_ctx.attr.pkg_config
    if not name:
        return []
    listing = repository_ctx.execute(["pkg-config", "--cflags-only-I", name])
    return [word[2:] for word in listing.stdout.strip().split(" ") if word.startswith("-I")]

def _find(repository_ctx, name, folders):
    """Returns the path of `name`, which is absolute or to be found in one of the folders."""
    places = [name] if name.startswith("/") else [folder + "/" + name for folder in folders]
    for place in places:
        if repository_ctx.path(place).exists:
            return place
    fail("{} is missing: install the package {} (tools/setup.sh does)".format(
        name,
        repository_ctx.attr.debian_package,
    ))

def _system_package_impl(repository_ctx):
    folders = _pkg_config_folders(repository_ctx) + _include_folders(repository_ctx)
    for name in repository_ctx.attr.headers:
        repository_ctx.symlink(_find(repository_ctx, name, folders), name)
    for name, target in repository_ctx.attr.links.items():
        repository_ctx.symlink(_find(repository_ctx, target, folders), name)
    repository_ctx.symlink(repository_ctx.attr.build_file, "BUILD.bazel")

system_package = repository_rule(
    implementation = _system_package_impl,
    doc = "Headers or sources of an installed package, under a BUILD file of ours.",
    local = True,
    environ = ["CC"],
    attrs = {
        "build_file": attr.label(mandatory = True, allow_single_file = True),
        "debian_package": attr.string(mandatory = True, doc = "Named when a file is missing."),
        "headers": attr.string_list(doc = "As they are included; folders, too."),
        "links": attr.string_dict(doc = "Path in the repository to a header, or to an absolute path."),
        "pkg_config": attr.string(doc = "Where headers lie in folders of their own: knows which."),
    },
)
