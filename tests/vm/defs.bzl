# SPDX-License-Identifier: Apache-2.0
"""The shapes that tests of the module come in; what they have in common with all others is in
//bazel:vm_test.bzl."""

load("//bazel:vm_test.bzl", "vm_test")

_MODULE = "//kmod:grabdma_{}"
_BOARDS = {
    "edu": "//kmod:grabdma_edu_{}",
    "virtual": "//kmod:grabdma_virtual_{}",
}

# What loads the module and its boards anew.
_LOAD = {"//tests/vm/guest:load_grabdma.sh": "/bin/load_grabdma"}

# Puts the tests of tests/mount on DMA buffers.
_ON_DMA = {
    "//tests/vm/guest:grabfs_on_dma.sh": "/bin/grabfs_on_dma",
    "//tests/vm/guest:mount_test_on_dma.sh": "/bin/mount_test_on_dma",
}

def guest_programs(names):
    """Labels of programs in tests/vm/guest."""
    return ["//tests/vm/guest:" + name for name in names]

def _parameters_of(words, board):
    """Of "inject=1 virtual.count=2": those of one board's module, or of the core for None."""
    named = [word.split(".", 1) for word in words if "." in word.split("=")[0]]
    if board:
        return [word for name, word in named if name == board]
    return [word for word in words if "." not in word.split("=")[0]]

def grabdma_vm_test(name, parameters = "", reloads = False, edu = [], data = {}, staged = [], **kwargs):
    """A test of the module.

    Args:
      name: as in vm_test.
      parameters: of the modules: "inject=1 virtual.count=2" for the core and the virtual board; None: they
        are not loaded before the steps. The boards are edu where the machine has one, and virtual ones
        where it has not or `parameters` speak of them.
      reloads: its steps load the modules anew, by `load_grabdma` with the same words.
      edu: as in vm_test.
      data: as in vm_test.
      staged: further modules for the guest's /lib/modules.
      **kwargs: attributes of vm_test.
    """
    modules = {}
    if parameters != None:
        words = [word for word in parameters.split(" ") if word]
        modules[_MODULE] = " ".join(_parameters_of(words, None))
        if edu:
            modules[_BOARDS["edu"]] = " ".join(_parameters_of(words, "edu"))
        if not edu or _parameters_of(words, "virtual"):
            modules[_BOARDS["virtual"]] = " ".join(_parameters_of(words, "virtual"))
    vm_test(
        name = name,
        data = dict(data, **_LOAD) if reloads else data,
        edu = edu,
        modules = modules,
        staged_modules = ([_MODULE] + _BOARDS.values() if reloads else []) + staged,
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
