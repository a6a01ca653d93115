#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots a kernel in QEMU, runs steps in it, and judges the run. See tests/vm/README.md."""

import argparse
import contextlib
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile

import junit
from guest import Guest
from initramfs import Archive
from machine import HOST_FILES_MODULES, Machine
from modules import ModuleTree, module_name, read_module
from report import Case, Outcome, Report

SECONDS_TO_JUDGE = 20


def main() -> int:
    options = parse_arguments(sys.argv[1:])
    if options.skip:
        return report_skipped(options.skip)
    if options.unavailable:
        raise SystemExit(options.unavailable)
    with tempfile.TemporaryDirectory(prefix="vm-") as scratch:
        initramfs = os.path.join(scratch, "initramfs")
        build_initramfs(options, initramfs)
        machine = describe_machine(options, initramfs)
        if options.interactive:
            return run_interactive(machine, scratch)
        return run_and_judge(options, machine, scratch)


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prefix_chars="-")
    add = parser.add_argument
    add("--kernel", metavar="VMLINUZ")
    add("--modules", metavar="DIR", help="the kernel's own: lib/modules/RELEASE of its package")
    add("--unavailable", metavar="REASON", help="there is no kernel: fail")
    add("--skip", metavar="REASON", help="the user goes without this kernel: report a skipped test")
    add("--init", required=True, help="our static guest/init")
    add("--busybox", required=True, help="static: ~/.cache/grabfs/busybox (tools/fetch-busybox.sh)")
    add("--step", action="append", default=[], metavar="NAME=COMMAND", help="run by sh, in order")
    add("--program", action="append", default=[], metavar="HOST[:GUEST]", help="default: /bin")
    add("--host-program", action="append", default=[], metavar="NAME",
        help="one of this machine's, found in PATH, instead of busybox's")
    add("--file", action="append", default=[], metavar="HOST:GUEST")
    add("--load", action="append", default=[], metavar="'MODULE [PARAMETERS]'",
        help="a .ko file, or the name of a module in the kernel tree; loaded before the steps")
    add("--stage", action="append", default=[], metavar="FILE.ko",
        help="put into the guest's /lib/modules, not loaded")
    add("--memory", default="512M", help="with unit M or G")
    add("--cpus", type=int, default=1)
    add("--numa", type=int, default=1, metavar="NODES")
    add("--machine", default="pc", choices=("pc", "q35"))
    add("--low-memory", default="", metavar="SIZE", help="so much below 4 GiB, the rest above")
    add("--iommu", action="store_true", help="q35 with intel-iommu, switched on")
    add("--icount", action="store_true", help="virtual time that skips waiting (one thread)")
    add("--host-files", action="store_true",
        help="this machine's files, read-only: guest/in_host_files.sh runs programs among them")
    add("--edu", action="append", default=[], metavar="PROPERTIES", help="add an edu PCI device")
    add("--append", action="append", default=[], metavar="ARGUMENT", help="for the kernel")
    add("--timeout", type=int, default=120, help="seconds for the whole run")
    add("--step-timeout", type=int, default=0, help="seconds of guest time for one step")
    add("--patience", type=float, default=1, metavar="FACTOR",
        help="on all time limits, beside VM_PATIENCE: for kernels with expensive checks")
    add("--seed", default=os.environ.get("VM_SEED", "1"), help="what random tests start from")
    add("--allow-log", type=re.compile, metavar="REGEX", help="kernel messages that are no failure")
    add("--log", help="where to keep the log")
    add("--interactive", action="store_true", help="the steps own this terminal; no verdict")
    return parser.parse_args(arguments)


def build_initramfs(options: argparse.Namespace, path: str) -> None:
    archive = Archive()
    archive.add_file("/init", options.init)
    for name in options.host_program:
        archive.add_program(find_host_program(name), "/bin/" + name)
    archive.add_busybox(options.busybox)
    for program in options.program:
        host, _, guest = program.partition(":")
        archive.add_program(host, guest or None)
    for file in options.file:
        host, _, guest = file.partition(":")
        archive.add_file(guest, host)
    for module in options.stage:
        archive.add_bytes(f"/lib/modules/{module_name(module)}.ko", read_module(module))
    archive.add_bytes("/etc/vm/modules", "".join(add_modules(options, archive)).encode())
    archive.add_bytes("/etc/vm/steps", "".join(map(step_line, options.step)).encode())
    archive.write(path)


def find_host_program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SystemExit(f"{name} is not installed on this machine")
    return path


def step_line(step: str) -> str:
    name, _, command = step.partition("=")
    if not re.fullmatch(r"[\w.-]+", name) or not command or "\n" in command:
        raise SystemExit(f"--step {step!r}: want NAME=COMMAND in one line")
    return f"{name} {command}\n"


def add_modules(options: argparse.Namespace, archive: Archive) -> list[str]:
    """Puts the modules to load into the archive; returns init's list of them."""
    tree = ModuleTree(options.modules)
    loaded: set[str] = set()
    lines = []
    host_files = HOST_FILES_MODULES if options.host_files else ()
    for module in (*host_files, *options.load):
        name, _, parameters = module.partition(" ")
        if name.endswith(".ko"):
            images = [(module_name(name), read_module(name))]
        else:
            images = tree.load_order(name)
        for image_name, image in images:
            guest_path = f"/lib/modules/{image_name}.ko"
            archive.add_bytes(guest_path, image)
            wanted = parameters if image_name == images[-1][0] else ""
            # Several modules may need the same one, which loads but once.
            if image_name in loaded and not wanted:
                continue
            loaded.add(image_name)
            lines.append(f"{guest_path} {wanted}\n")
    return lines


def describe_machine(options: argparse.Namespace, initramfs: str) -> Machine:
    factor = patience(options)
    return Machine(
        kernel=options.kernel,
        initramfs=initramfs,
        memory=options.memory,
        cpus=max(options.cpus, options.numa),
        numa_nodes=options.numa,
        machine=options.machine,
        low_memory=options.low_memory,
        iommu=options.iommu,
        icount=options.icount,
        host_files=options.host_files,
        edu=tuple(options.edu),
        append=(
            *options.append,
            f"VM_STEP_SECONDS={int(step_limit(options))}",
            f"VM_PATIENCE={factor:g}",
            f"VM_SEED={options.seed}",
            *((f"GRABFS_TEST_SECONDS={test_seconds()}",) if test_seconds() else ()),
            *(("VM_INTERACTIVE=1",) if options.interactive else ()),
        ),
    )


def patience(options: argparse.Namespace) -> float:
    """Factor on all time limits: what this kernel needs, times what this machine needs."""
    return options.patience * float(os.environ.get("VM_PATIENCE", "1"))


def test_seconds() -> int:
    """How long tests that can take as long as one likes shall take; 0: as long as in each run."""
    return int(os.environ.get("GRABFS_TEST_SECONDS", "0"))


def step_limit(options: argparse.Namespace) -> float:
    """Seconds of guest time for one step; 0: no limit."""
    if not options.step_timeout:
        return 0
    return options.step_timeout * patience(options) + test_seconds()


def run_limit(options: argparse.Namespace) -> float:
    """Seconds for the whole run. It ends before Bazel's own limit, which would leave no verdict."""
    limit = options.timeout * patience(options) + test_seconds()
    if bazel_limit := os.environ.get("TEST_TIMEOUT"):
        limit = min(limit, int(bazel_limit) - SECONDS_TO_JUDGE)
    return limit


def report_skipped(reason: str) -> int:
    write_xml([Case("machine", "boot", Outcome.SKIPPED, reason)], [])
    print(f"skipped: {reason}")
    return 0


def run_interactive(machine: Machine, scratch: str) -> int:
    """The console is this terminal (leave with Ctrl-A X); only the steps' own status counts."""
    report = Report(nonce=secrets.token_hex(8))
    report_path = os.path.join(scratch, "report")
    command = machine.command(report_path, os.path.join(scratch, "qmp"), report.nonce, True)
    subprocess.run(command, check=False)
    with open(report_path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            report.feed(line.rstrip("\r\n"))
    failed = any(case.outcome is Outcome.FAILED for case in report.cases)
    return 1 if failed or report.problem() else 0


def run_and_judge(options: argparse.Namespace, machine: Machine, scratch: str) -> int:
    report = Report(nonce=secrets.token_hex(8))
    with open_log(options) as log:
        guest = Guest(machine, scratch, report, log, options.allow_log)
        guest.run(run_limit(options))
        log_path = log.name
    problems = list(filter(None, [guest.problem, report.problem()])) + guest.splats
    write_xml(report.cases, problems)
    return summarize(report, problems, log_path, options.seed)


def write_xml(cases: list[Case], problems: list[str]) -> None:
    if path := os.environ.get("XML_OUTPUT_FILE"):
        junit.write(path, cases, problems)


def open_log(options: argparse.Namespace):
    directory = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR")
    if options.log or directory:
        return open(options.log or os.path.join(directory, "guest.log"), "w", encoding="utf-8")
    return tempfile.NamedTemporaryFile(
        "w", prefix="vm-", suffix=".log", delete=False, encoding="utf-8"
    )


def summarize(report: Report, problems: list[str], log_path: str, seed: str) -> int:
    count = {outcome: 0 for outcome in Outcome}
    for case in report.cases:
        count[case.outcome] += 1
        if case.outcome is not Outcome.PASSED:
            print(f"{case.outcome.value}: {case.suite}: {case.name} {case.detail}".rstrip())
    for problem in problems:
        print(f"failed: {problem}")
    print(", ".join(f"{count[outcome]} {outcome.value}" for outcome in Outcome))
    good = not problems and count[Outcome.FAILED] == 0 and report.cases
    if not good:
        print(f"log: {log_path}\nrepeat: {repeat_command(seed)}")
    return 0 if good else 1


def repeat_command(seed: str) -> str:
    if target := os.environ.get("TEST_TARGET"):
        return f"bazel test --nocache_test_results --test_output=all --test_env=VM_SEED={seed} {target}"
    return f"VM_SEED={seed} {shlex.join([sys.executable, *sys.argv])}"


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
