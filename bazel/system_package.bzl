# SPDX-License-Identifier: Apache-2.0
"""A repository rule for libraries that the distribution packages: links to its files.

Headers are looked for where pkg-config and the compiler look: distributions and processors differ in that.

Each repository says in present.bzl whether the package is there: PRESENT is a list with one word, or an empty one, so
that a BUILD file can write `[rule(...) for _ in PRESENT]` for what an optional package is needed for.
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
    """Returns the path of `name`, which is absolute or to be found in one of the folders; None: it is missing."""
    places = [name] if name.startswith("/") else [folder + "/" + name for folder in folders]
    for place in places:
        if repository_ctx.path(place).exists:
            return place
    return None

def _system_package_impl(repository_ctx):
    folders = _pkg_config_folders(repository_ctx) + _include_folders(repository_ctx)
    links = dict(repository_ctx.attr.links)
    links.update([(name, name) for name in repository_ctx.attr.headers])
    places = {name: _find(repository_ctx, target, folders) for name, target in links.items()}
    missing = [name for name, place in places.items() if not place]
    advice = "{} is missing: install the package {} (tools/setup.sh does)".format(
        ", ".join(missing),
        repository_ctx.attr.debian_package,
    )
    if missing and not repository_ctx.attr.optional:
        fail(advice)
    repository_ctx.file("present.bzl", "PRESENT = %s\n" % ([] if missing else ["yes"]))
    if missing:
        print("%s. %s is not built." % (advice, repository_ctx.attr.optional))  # buildifier: disable=print
        repository_ctx.file("BUILD.bazel", "")
        return
    for name, place in places.items():
        repository_ctx.symlink(place, name)
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
        "optional": attr.string(doc = "What is not built without the package; empty: nothing is built."),
        "pkg_config": attr.string(doc = "Where headers lie in folders of their own: knows which."),
    },
)
