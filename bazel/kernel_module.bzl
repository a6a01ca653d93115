# SPDX-License-Identifier: Apache-2.0
"""Builds an out-of-tree kernel module with the kernel's own build system."""

load("//bazel:kernel.bzl", "KernelInfo")

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
make -C "$HEADERS" M="$work/$PACKAGE" $FLAGS modules >"$work/log" 2>&1 || failed=yes
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
strip --strip-debug -o "$exec_root/$MODULE" "$work/$PACKAGE/$(basename "$MODULE")"
"""

def _kernel_module_impl(ctx):
    kernel = ctx.attr.kernel[KernelInfo]
    module = ctx.actions.declare_file("%s/%s.ko" % (ctx.label.name, ctx.attr.module))
    if kernel.skipped:
        ctx.actions.write(module, "")
    elif kernel.missing:
        ctx.actions.run_shell(
            outputs = [module],
            command = "echo '%s' >&2; exit 1" % kernel.missing,
            mnemonic = "KernelModule",
            progress_message = "Looking for kernel %s" % kernel.series,
        )
    else:
        ctx.actions.run_shell(
            outputs = [module],
            inputs = ctx.files.srcs,
            command = _BUILD_MODULE,
            # Where it is, and its path from the root of the repository, which differ for generated ones.
            arguments = [word for file in ctx.files.srcs for word in (file.path, file.short_path)],
            env = {
                "FLAGS": " ".join(ctx.attr.flags),
                "HEADERS": kernel.headers,
                "KERNEL_RELEASE": kernel.release,
                "MODULE": module.path,
                "PACKAGE": ctx.label.package,
                "PATH": (kernel.tools + ":" if kernel.tools else "") + "/usr/bin:/bin:/usr/sbin:/sbin",
            },
            mnemonic = "KernelModule",
            progress_message = "Building %s.ko for Linux %s" % (ctx.attr.module, kernel.release),
        )
    return [DefaultInfo(files = depset([module])), kernel]

kernel_module = rule(
    implementation = _kernel_module_impl,
    doc = """Builds MODULE.ko for one kernel, under W=1 and sparse, with warnings as errors.

The sources keep their paths from the root of the repository; a Kbuild file among them lies in the
package itself. For a kernel that the user goes without, the result is an empty file, which the test
rules know from KernelInfo.skipped.""",
    attrs = {
        "flags": attr.string_list(
            default = [
                "W=1",
                "C=1",
            ],
            doc = "Arguments of make. C=1: sparse looks at each source, too.",
        ),
        "kernel": attr.label(mandatory = True, providers = [KernelInfo]),
        "module": attr.string(mandatory = True, doc = "Name of the module."),
        "srcs": attr.label_list(allow_files = True, mandatory = True),
    },
)
