# SPDX-License-Identifier: Apache-2.0
"""Tests that run inside a virtual machine, as ordinary Bazel tests (tag `vm`).

tests/vm/README.md tells what a step is and what fails a run.
"""

load("//bazel:kernel.bzl", "KernelInfo")

# The kernels that every VM test runs on in each run, the newest that Debian has, which has its turn in
# `tools/test.sh newest`, and the one that is built on demand.
_STOCK_KERNELS = ["6.1", "6.12"]
_NEWEST_KERNEL = "newest"
_DEBUG_KERNEL = "debug"

# FUSE passthrough came with 6.9.
_WITHOUT_PASSTHROUGH = ["6.1"]

# Factor on the debug kernel's time limits: its checks make everything several times slower, and a
# machine that is busy may do so again.
_DEBUG_PATIENCE = 10

# Percentage of the repetitions there of what happens at random moments: kernels that check nothing
# are for many of them, this one sees in each what they would not.
_DEBUG_REPETITIONS = 25

def _debug_arguments(edu, iommu):
    """Returns what the debug kernel's command line has beside.

    Its checks make ACPI slow: the loop by which the machine `pc` tells the routing of interrupts takes
    longer than the 30 seconds that ACPI allows, whenever a PCI device is enabled. Without it, edu has a
    pin instead of messages, and the machine one processor; messages are edu_iommu's, on q35.
    """
    routing = ["acpi=noirq"] if edu and not iommu else []
    return ["VM_LEAK_SCAN=1", "VM_REPETITIONS=%d" % _DEBUG_REPETITIONS] + routing

def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"

def _flag(name, value):
    return "--%s=%s" % (name, _quote(value))

def _kernel_arguments(kernel):
    if kernel.skipped or kernel.missing:
        return [_flag("unavailable" if not kernel.skipped else "skip", kernel.missing)]
    return [_flag("kernel", kernel.image.short_path), _flag("modules", kernel.modules)]

def _busybox_arguments(files):
    if not files:
        return [_flag("unavailable", "busybox is not here: run tools/fetch-busybox.sh"), "--busybox="]
    return [_flag("busybox", files[0].short_path)]

def _machine_arguments(ctx):
    attr = ctx.attr
    arguments = [
        _flag("memory", attr.memory),
        _flag("cpus", str(attr.cpus)),
        _flag("numa", str(attr.numa_nodes)),
        _flag("machine", attr.machine),
        _flag("low-memory", attr.low_memory),
        _flag("timeout", str(attr.seconds)),
        _flag("step-timeout", str(attr.step_seconds)),
        _flag("patience", str(attr.patience)),
    ]
    arguments += ["--iommu"] if attr.iommu else []
    arguments += ["--icount"] if attr.icount else []
    arguments += ["--host-files"] if attr.host_files else []
    arguments += [_flag("edu", properties) for properties in attr.edu]
    arguments += [_flag("append", argument) for argument in attr.kernel_arguments]
    if attr.allow_log:
        arguments.append(_flag("allow-log", attr.allow_log))
    return arguments

def _module_path(target):
    return target.files.to_list()[0].short_path

def _content_arguments(ctx):
    attr = ctx.attr
    arguments = [_flag("load", name) for name in attr.stock_modules]
    for target, parameters in attr.modules.items():
        arguments.append(_flag("load", (_module_path(target) + " " + parameters).strip()))
    arguments += [_flag("stage", _module_path(target)) for target in attr.staged_modules]
    arguments += [_flag("program", file.short_path) for file in ctx.files.programs]
    arguments += [_flag("host-program", name) for name in attr.host_programs]
    for target, guest_path in attr.data.items():
        arguments.append(_flag("file", target.files.to_list()[0].short_path + ":" + guest_path))
    arguments += [_flag("step", name + "=" + command) for name, command in attr.steps.items()]
    return arguments

def _vm_test_impl(ctx):
    harness = [file for file in ctx.files._harness if file.basename == "run_vm.py"][0]

    # Bazel starts tests where their files are; whoever starts the launcher by hand need not.
    enter = '[ -n "${TEST_SRCDIR:-}" ] || cd "$0.runfiles/%s" || exit\n' % ctx.workspace_name
    words = [
        "exec python3 -B " + _quote(harness.short_path),
        _flag("init", ctx.file._init.short_path),
    ] + _busybox_arguments(ctx.files._busybox) + _kernel_arguments(ctx.attr.kernel[KernelInfo]) + \
            _machine_arguments(ctx) + _content_arguments(ctx)

    launcher = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(
        launcher,
        "#!/bin/sh\n" + enter + " \\\n  ".join(words + ['"$@"']) + "\n",
        is_executable = True,
    )
    files = ctx.files._harness + ctx.files._init + ctx.files._busybox + ctx.files.kernel + ctx.files.modules + \
            ctx.files.staged_modules + ctx.files.programs + ctx.files.data
    return [DefaultInfo(executable = launcher, runfiles = ctx.runfiles(files = files))]

_vm_test = rule(
    implementation = _vm_test_impl,
    test = True,
    attrs = {
        "allow_log": attr.string(doc = "Kernel messages that this test provokes on purpose."),
        "cpus": attr.int(default = 1),
        "data": attr.label_keyed_string_dict(allow_files = True, doc = "File: path in the guest."),
        "edu": attr.string_list(doc = "An edu device for each entry, with these properties."),
        "host_files": attr.bool(doc = "The build machine's files, read-only: in_host_files.sh."),
        "host_programs": attr.string_list(doc = "The build machine's, instead of busybox's."),
        "icount": attr.bool(doc = "Virtual time that skips waiting."),
        "iommu": attr.bool(),
        "kernel": attr.label(mandatory = True, providers = [KernelInfo]),
        "kernel_arguments": attr.string_list(),
        "low_memory": attr.string(doc = "So much of the memory lies below 4 GiB, the rest above."),
        "machine": attr.string(default = "pc", values = ["pc", "q35"]),
        "memory": attr.string(default = "512M"),
        "modules": attr.label_keyed_string_dict(
            allow_files = [".ko"],
            doc = "Module: parameters; loaded before the steps.",
        ),
        "numa_nodes": attr.int(default = 1),
        "patience": attr.int(default = 1, doc = "Factor on all time limits."),
        "programs": attr.label_list(allow_files = True, doc = "For the guest's /bin."),
        "seconds": attr.int(
            default = 280,
            doc = "Limit of the whole run: against hangs, with room for a busy machine.",
        ),
        "staged_modules": attr.label_list(
            allow_files = [".ko"],
            doc = "For the guest's /lib/modules, not loaded.",
        ),
        "step_seconds": attr.int(default = 240, doc = "Limit of a step, in guest time."),
        "steps": attr.string_dict(mandatory = True, doc = "Name: command, in order."),
        "stock_modules": attr.string_list(doc = "Modules of the kernel itself, by name."),
        "_busybox": attr.label(default = "@busybox//:busybox"),
        "_harness": attr.label(default = "//tests/vm/harness"),
        "_init": attr.label(default = "//tests/vm/guest:init", allow_single_file = True),
    },
)

def _target_suffix(kernel):
    return kernel.replace(".", "_")

def vm_test(
        name,
        steps,
        passthrough_steps = {},
        kernels = _STOCK_KERNELS + [_NEWEST_KERNEL, _DEBUG_KERNEL],
        modules = {},
        staged_modules = [],
        kernel_arguments = [],
        edu = [],
        iommu = False,
        tags = [],
        **kwargs):
    """Declares NAME_KERNEL for each kernel.

    The tests on the newest kernel carry the tag `manual`: `tools/test.sh newest` runs them all. So do those
    on the debug kernel, since it is built on demand: tools/debug-kernel.sh runs them all, and their last
    step is a search for leaked memory.

    Args:
      name: first part of the targets' names.
      steps: as in the rule.
      passthrough_steps: those that repeat others on kernels without FUSE passthrough, and are left out there.
      kernels: series to run on.
      modules: as in the rule; `{}` in a label stands for the kernel: "//kmod:grabdma_{}".
      staged_modules: as in the rule, with `{}` too.
      kernel_arguments: as in the rule.
      edu: as in the rule.
      iommu: as in the rule.
      tags: further tags.
      **kwargs: attributes of the rule above.
    """
    for kernel in kernels:
        suffix = _target_suffix(kernel)
        debug = kernel == _DEBUG_KERNEL
        _vm_test(
            name = name + "_" + suffix,
            steps = steps if kernel in _WITHOUT_PASSTHROUGH else dict(steps, **passthrough_steps),
            kernel = "@kernel_%s//:kernel" % suffix,
            modules = {label.format(suffix): modules[label] for label in modules},
            staged_modules = [label.format(suffix) for label in staged_modules],
            edu = edu,
            iommu = iommu,
            kernel_arguments = kernel_arguments + (_debug_arguments(edu, iommu) if debug else []),
            patience = _DEBUG_PATIENCE if debug else 1,
            tags = tags + ["vm", "kernel-" + kernel] + ([] if kernel in _STOCK_KERNELS else ["manual"]),
            timeout = "eternal" if debug else "moderate",
            **kwargs
        )
