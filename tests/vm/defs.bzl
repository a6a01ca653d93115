# SPDX-License-Identifier: Apache-2.0
"""The shapes that tests of the module come in; what they have in common with all others is in
//bazel:vm_test.bzl."""

load("//bazel:vm_test.bzl", "vm_test")

_MODULE = "//kmod:grabdma_{}"

# Puts the tests of tests/mount on DMA buffers.
_ON_DMA = {
    "//tests/vm/guest:grabfs_on_dma.sh": "/bin/grabfs_on_dma",
    "//tests/vm/guest:mount_test_on_dma.sh": "/bin/mount_test_on_dma",
}

def guest_programs(names):
    """Labels of programs in tests/vm/guest."""
    return ["//tests/vm/guest:" + name for name in names]

def grabdma_vm_test(name, parameters = "virtual=1", reloads = False, **kwargs):
    """A test of the module.

    Args:
      name: as in vm_test.
      parameters: of the module; None: it is not loaded before the steps.
      reloads: its steps load the module anew.
      **kwargs: attributes of vm_test.
    """
    vm_test(
        name = name,
        modules = {} if parameters == None else {_MODULE: parameters},
        staged_modules = [_MODULE] if reloads else [],
        **kwargs
    )

def grabfs_vm_test(name, programs = [], data = {}, stock_modules = [], memory = "1G", **kwargs):
    """A test of grabfs on the module's buffers.

    Args:
      name: as in vm_test.
      programs: for the guest's /bin, beside grabfs and grabfs-cli.
      data: further files.
      stock_modules: further modules of the kernel itself.
      memory: as in vm_test.
      **kwargs: arguments of grabdma_vm_test.
    """
    grabdma_vm_test(
        name = name,
        data = dict(_ON_DMA, **data),
        memory = memory,
        programs = [
            "//cli:grabfs-cli",
            "//fusefs:grabfs",
        ] + programs,
        stock_modules = ["fuse"] + stock_modules,
        **kwargs
    )

def camera_vm_test(name, stock_modules, programs = [], data = {}, **kwargs):
    """A test of grabfs on cameras without hardware.

    The debug kernel has no cameras and no USB, whose drivers are not ours to debug.

    Args:
      name: as in vm_test.
      stock_modules: what makes the cameras.
      programs: for the guest's /bin, beside grabfs and grabfs-cli.
      data: further files.
      **kwargs: attributes of vm_test.
    """
    vm_test(
        name = name,
        data = dict({"//tests/vm/guest:mount_test_on_dma.sh": "/bin/mount_test_on_dma"}, **data),
        kernels = [
            "6.1",
            "6.12",
            "newest",
        ],
        memory = "1G",
        programs = [
            "//cli:grabfs-cli",
            "//fusefs:grabfs",
        ] + programs,
        stock_modules = ["fuse"] + stock_modules,
        **kwargs
    )
