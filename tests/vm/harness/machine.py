# SPDX-License-Identifier: Apache-2.0
"""The virtual machine: turns what a test asks for into a QEMU command line."""

import dataclasses

_KERNEL_ARGUMENTS = (
    "console=ttyS0",
    "quiet",  # Boot chatter off; init turns the console up to "everything" before it loads a module.
    "panic=-1",  # With -no-reboot: a panic ends the run at once instead of at the time limit.
    "oops=panic",
    "no_timer_check",  # The check fails when the host is too busy to deliver ticks just then.
    # For the same reason, a processor that stands still for a while has not locked up.
    "sysctl.kernel.hung_task_timeout_secs=60",
    "sysctl.kernel.watchdog_thresh=60",
    "rcupdate.rcu_cpu_stall_timeout=120",
)


# What a stock kernel needs to mount the file system of --host-files.
HOST_FILES_MODULES = ("virtio_pci", "9pnet_virtio", "9p")


@dataclasses.dataclass(frozen=True)
class Machine:
    kernel: str
    initramfs: str
    memory: str = "512M"
    cpus: int = 1
    numa_nodes: int = 1
    machine: str = "pc"
    # How much of the memory lies below 4 GiB; the rest begins there. Empty: as much as fits.
    low_memory: str = ""
    iommu: bool = False
    icount: bool = False
    # This machine's root file system, read-only, under the mount tag `host`.
    host_files: bool = False
    # One entry for each edu device: extra properties such as "dma_mask=0xffffffff".
    edu: tuple[str, ...] = ()
    append: tuple[str, ...] = ()

    def command(
        self, report_path: str, qmp_path: str, nonce: str, interactive: bool = False
    ) -> list[str]:
        """QEMU's argument vector. Serial line 0 is the console, line 1 the report."""
        console = "stdio,id=console,mux=on,signal=off" if interactive else (
            "file,id=console,path=/dev/stdout"
        )
        return [
            "qemu-system-x86_64",
            *self._processors(),
            *self._chipset(),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *("-kernel", self.kernel, "-initrd", self.initramfs),
            *("-append", " ".join(self._kernel_arguments(nonce))),
            *("-chardev", console, "-serial", "chardev:console"),
            *("-chardev", f"file,id=report,path={report_path}", "-serial", "chardev:report"),
            *("-qmp", f"unix:{qmp_path},server=on,wait=off"),
            *self._host_files(),
            *self._edu_devices(),
        ]

    def _processors(self) -> list[str]:
        # One host thread for all processors: with several, TCG may let one run into the breakpoint
        # by which the kernel patches code for another ("Oops: int3" while booting).
        arguments = ["-accel", "tcg,thread=single", "-cpu", "max"]
        if self.icount:
            arguments += ["-icount", "shift=2,sleep=off"]
        arguments += ["-m", self.memory]
        if self.numa_nodes == 1:
            return arguments + ["-smp", str(self.cpus)]
        # NUMA distances need one socket for each node.
        arguments += ["-smp", f"{self.cpus},sockets={self.numa_nodes}"]
        return arguments + self._numa()

    def _numa(self) -> list[str]:
        arguments = []
        megabytes = _megabytes(self.memory) // self.numa_nodes
        for node in range(self.numa_nodes):
            arguments += [
                *("-object", f"memory-backend-ram,id=node{node},size={megabytes}M"),
                *("-numa", f"node,nodeid={node},memdev=node{node}"),
                *("-numa", f"cpu,node-id={node},socket-id={node}"),
            ]
        return arguments

    def _chipset(self) -> list[str]:
        if not self.iommu:
            low = f",max-ram-below-4g={self.low_memory}" if self.low_memory else ""
            return ["-machine", self.machine + low]
        return ["-machine", "q35,kernel-irqchip=off", "-device", "intel-iommu,caching-mode=off"]

    def _kernel_arguments(self, nonce: str) -> list[str]:
        iommu = ("intel_iommu=on",) if self.iommu else ()
        return [*_KERNEL_ARGUMENTS, *iommu, *self.append, f"VM_NONCE={nonce}"]

    def _host_files(self) -> list[str]:
        if not self.host_files:
            return []
        # The root may be made of several file systems: without remap, files of two may be taken for one.
        share = "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
        return ["-virtfs", share]

    def _edu_devices(self) -> list[str]:
        return [
            argument
            for index in range(len(self.edu))
            for argument in ("-device", self.edu_device(index))
        ]

    def edu_device(self, index: int) -> str:
        return ",".join(filter(None, ("edu", f"id=edu{index}", self.edu[index])))


def _megabytes(size: str) -> int:
    units = {"M": 1, "G": 1024}
    return int(size[:-1]) * units[size[-1]]
