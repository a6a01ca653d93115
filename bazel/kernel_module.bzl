# SPDX-License-Identifier: Apache-2.0
"""Builds an out-of-tree kernel module with the kernel's own build system."""

load("//bazel:kernel.bzl", "KernelInfo")

KernelModulesInfo = provider(
    doc = "All modules of one build.",
    fields = {
        "files": "Name: File of the module.",
        "symvers": "File: the symbols that they export, for modules built against them.",
    },
)

# Any warning is an error, be it the compiler's, modpost's or sparse's. The log is shown as a whole:
# the lines around a warning are what explains it.
_BUILD_MODULE = """
set -eu
exec_root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
while [ $# -gt 0 ]; do
  mkdir -p "$work/$(dirname "$2")"
  cp -L "$1" "$work/$2"
  shift 2
done
[ -z "$SYMVERS" ] || cp "$SYMVERS" "$work/kmod/Module.symvers"
make -C "$HEADERS" M="$work/$PACKAGE" $FLAGS GRABDMA="$work/kmod" modules >"$work/log" 2>&1 || failed=yes
# The kernel's own type information, for which pahole is, is no matter of ours.
grep 'warning: \\|WARNING: ' "$work/log" | grep -v 'pahole version differs' && failed=yes
# A kernel that does not like the machine's sparse says so and goes without.
case " $FLAGS " in
  *" C=1 "*) grep -q '^  CHECK ' "$work/log" || { echo 'sparse has not been run' >&2; failed=yes; } ;;
esac
if [ -n "${failed:-}" ]; then
  sed "s|$work/||g" "$work/log" >&2
  exit 1
fi
for module in $MODULES; do
  strip --strip-debug -o "$exec_root/$module" "$work/$PACKAGE/$(basename "$module")"
done
cp "$work/$PACKAGE/Module.symvers" "$exec_root/$EXPORTED"
"""

def _kernel_module_impl(ctx):
    kernel = ctx.attr.kernel[KernelInfo]
    names = [ctx.attr.module] + ctx.attr.others
    modules = {name: ctx.actions.declare_file("%s/%s.ko" % (ctx.label.name, name)) for name in names}
    exported = ctx.actions.declare_file(ctx.label.name + "/Module.symvers")
    outputs = modules.values() + [exported]
    against = [dep[KernelModulesInfo].symvers for dep in [ctx.attr.against] if dep]
    if kernel.skipped:
        for file in outputs:
            ctx.actions.write(file, "")
    elif kernel.missing:
        ctx.actions.run_shell(
            outputs = outputs,
            command = "echo '%s' >&2; exit 1" % kernel.missing,
            mnemonic = "KernelModule",
            progress_message = "Looking for kernel %s" % kernel.series,
        )
    else:
        ctx.actions.run_shell(
            outputs = outputs,
            inputs = ctx.files.srcs + against,
            command = _BUILD_MODULE,
            # Where it is, and its path from the root of the repository, which differ for generated ones.
            arguments = [word for file in ctx.files.srcs for word in (file.path, file.short_path)],
            env = {
                "EXPORTED": exported.path,
                "FLAGS": " ".join(ctx.attr.flags),
                "HEADERS": kernel.headers,
                "KERNEL_RELEASE": kernel.release,
                "MODULES": " ".join([file.path for file in modules.values()]),
                "PACKAGE": ctx.label.package,
                "PATH": (kernel.tools + ":" if kernel.tools else "") + "/usr/bin:/bin:/usr/sbin:/sbin",
                "SYMVERS": against[0].path if against else "",
            },
            mnemonic = "KernelModule",
            progress_message = "Building %s.ko for Linux %s" % (ctx.attr.module, kernel.release),
        )
    return [
        DefaultInfo(files = depset([modules[ctx.attr.module]])),
        KernelModulesInfo(files = modules, symvers = exported),
        kernel,
    ]

kernel_module = rule(
    implementation = _kernel_module_impl,
    doc = """Builds MODULE.ko for one kernel, under W=1 and sparse, with warnings as errors.

The sources keep their paths from the root of the repository; a Kbuild file among them lies in the
package itself. For a kernel that the user goes without, the result is an empty file, which the test
rules know from KernelInfo.skipped.""",
    attrs = {
        "against": attr.label(
            doc = "The kernel_module of kmod, where these modules use its symbols.",
            providers = [KernelModulesInfo],
        ),
        "flags": attr.string_list(
            default = [
                "W=1",
                "C=1",
            ],
            doc = "Arguments of make. C=1: sparse looks at each source, too.",
        ),
        "kernel": attr.label(mandatory = True, providers = [KernelInfo]),
        "module": attr.string(mandatory = True, doc = "Name of the module."),
        "others": attr.string_list(doc = "Names of further modules of the same build; see built_module."),
        "srcs": attr.label_list(allow_files = True, mandatory = True),
    },
)

def _built_module_impl(ctx):
    file = ctx.attr.build[KernelModulesInfo].files[ctx.attr.module]
    return [DefaultInfo(files = depset([file])), ctx.attr.build[KernelInfo]]

built_module = rule(
    implementation = _built_module_impl,
    doc = "One of the modules that a kernel_module builds.",
    attrs = {
        "build": attr.label(mandatory = True, providers = [KernelModulesInfo, KernelInfo]),
        "module": attr.string(mandatory = True, doc = "Its name."),
    },
)
