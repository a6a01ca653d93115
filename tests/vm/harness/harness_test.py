#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the harness itself, without a VM: what counts as a verdict and what as a failure."""

import argparse
import io
import os
import tempfile
import unittest
from unittest import mock

import junit
from initramfs import Archive
from machine import Machine
from report import Outcome, Report
from run_vm import SECONDS_TO_JUDGE, add_modules, parse_arguments, patience, run_limit
from splat import is_splat


def judge(*lines: str) -> Report:
    report = Report("n0nce")
    for line in ("@vm start n0nce", *lines):
        report.feed(line)
    return report


class ReportTest(unittest.TestCase):
    def test_a_step_that_ends_with_0_passes(self):
        report = judge("@vm step a", "@vm done a 0", "@vm verdict n0nce 1")
        self.assertEqual(report.problem(), "")
        self.assertEqual([case.outcome for case in report.cases], [Outcome.PASSED])

    def test_silence_is_a_problem(self):
        self.assertIn("never reached init", Report("n0nce").problem())
        self.assertIn("without a verdict", judge().problem())
        self.assertIn("silent in step a", judge("@vm step a").problem())
        self.assertIn("no step", judge("@vm verdict n0nce 0").problem())

    def test_a_verdict_of_another_run_or_another_count_is_none(self):
        steps = ("@vm step a", "@vm done a 0")
        self.assertIn("without a verdict", judge(*steps, "@vm verdict other 1").problem())
        self.assertIn("without a verdict", judge(*steps, "@vm verdict n0nce 2").problem())

    def test_signal_and_time_limit_are_named(self):
        report = judge("@vm step a", "@vm done a 139", "@vm step b", "@vm done b 124")
        self.assertEqual(report.cases[0].detail, "killed by signal 11")
        self.assertIn("time limit", report.cases[1].detail)

    def test_tap_results_become_cases(self):
        report = judge(
            "@vm step a", "1..3", "ok 1 - one", "not ok 2 - two", "ok 3 - three # SKIP no device",
            "@vm done a 1",
        )
        self.assertEqual(
            [(case.name, case.outcome) for case in report.cases],
            [("one", Outcome.PASSED), ("two", Outcome.FAILED), ("three", Outcome.SKIPPED)],
        )

    def test_a_broken_tap_plan_fails_even_with_status_0(self):
        for lines in (("1..2", "ok 1 - one"), ("ok 1 - one",)):
            report = judge("@vm step a", *lines, "@vm done a 0")
            self.assertEqual(report.cases[-1].outcome, Outcome.FAILED)

    def test_gtest_results_become_cases_with_their_message(self):
        report = judge(
            "@vm step a",
            "[ RUN      ] S.Good", "[       OK ] S.Good (7 ms)",
            "[ RUN      ] S.Bad", "x.cc:1: Failure", "[  FAILED  ] S.Bad, where GetParam() = 1 (0 ms)",
            "[ RUN      ] S.Not", "[  SKIPPED ] S.Not (0 ms)",
            "@vm done a 1",
        )
        self.assertEqual(
            [(case.name, case.outcome, case.detail) for case in report.cases],
            [
                ("S.Good", Outcome.PASSED, ""),
                ("S.Bad", Outcome.FAILED, "x.cc:1: Failure"),
                ("S.Not", Outcome.SKIPPED, ""),
            ],
        )

    def test_a_gtest_program_that_dies_in_a_test_fails(self):
        report = judge("@vm step a", "[ RUN      ] S.Dies", "@vm done a 0")
        self.assertIn("S.Dies", report.cases[-1].detail)


class SplatTest(unittest.TestCase):
    def test_splats_are_seen(self):
        for line in (
            "BUG: KASAN: slab-use-after-free in grabdma_buffer_put",
            "WARNING: CPU: 0 PID: 1 at mm/memory.c:1 f+0x1/0x2",
            "WARNING: possible circular locking dependency detected",
            "INFO: task kworker blocked for more than 45 seconds.",
            "refcount_t: underflow; use-after-free.",
            "unreferenced object 0xffff888100000000 (size 64):",
            "DMA-API: edu 0000:00:02.0: device driver has pending DMA allocations",
        ):
            self.assertTrue(is_splat(line), line)

    def test_ordinary_messages_are_none(self):
        for line in ("DMA-API: preallocated 65536 debug entries", "grabdma: loaded", "== step x"):
            self.assertFalse(is_splat(line), line)


class ArchiveTest(unittest.TestCase):
    def test_cpio_layout(self):
        archive = Archive()
        archive.add_bytes("/etc/vm/x", b"12345")
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "initramfs")
            archive.write(path)
            with open(path, "rb") as file:
                data = io.BytesIO(file.read())
        names = {}
        while not names.get("TRAILER!!!"):
            header = data.read(110)
            self.assertEqual(header[:6], b"070701")
            size, name_size = int(header[54:62], 16), int(header[94:102], 16)
            name = data.read(name_size)[:-1].decode()
            data.read(-(110 + name_size) % 4)
            names[name] = data.read(size) or b"-"
            data.read(-size % 4)
        self.assertEqual(names["etc/vm/x"], b"12345")
        self.assertIn("dev/console", names)


class ModulesTest(unittest.TestCase):
    def test_what_two_modules_need_is_loaded_once_and_first(self):
        with tempfile.TemporaryDirectory() as tree:
            for name, needed in (("hub", ""), ("camera", "hub"), ("port", "hub")):
                with open(os.path.join(tree, name + ".ko"), "wb") as file:
                    file.write(b"\0depends=" + needed.encode() + b"\0")
            options = argparse.Namespace(modules=tree, load=["port", "camera quirks=1"])
            self.assertEqual(
                add_modules(options, Archive()),
                [
                    "/lib/modules/hub.ko \n",
                    "/lib/modules/port.ko \n",
                    "/lib/modules/camera.ko quirks=1\n",
                ],
            )


class MachineTest(unittest.TestCase):
    def test_memory_is_divided_among_nodes(self):
        machine = Machine("k", "i", memory="1G", cpus=2, numa_nodes=2)
        command = machine.command("r", "q", "n0nce")
        self.assertIn("memory-backend-ram,id=node1,size=512M", command)
        self.assertIn("2,sockets=2", command)

    def test_the_nonce_is_on_the_kernel_command_line(self):
        command = Machine("k", "i").command("r", "q", "n0nce")
        self.assertIn("VM_NONCE=n0nce", command[command.index("-append") + 1])

    def test_files_of_the_host_are_shared_on_demand_and_read_only(self):
        share = Machine("k", "i", host_files=True).command("r", "q", "n0nce")
        self.assertIn("readonly=on", share[share.index("-virtfs") + 1])
        self.assertNotIn("-virtfs", Machine("k", "i").command("r", "q", "n0nce"))


class ModulesTest(unittest.TestCase):
    # Each image depends on what its name says after "on".
    IMAGES = ("camera", "codec_on_camera", "sensor_on_camera")

    def init_list(self, *load: str) -> list[str]:
        with tempfile.TemporaryDirectory() as tree:
            for name in self.IMAGES:
                depends = name.partition("_on_")[2].encode()
                with open(os.path.join(tree, name + ".ko"), "wb") as image:
                    image.write(b"\0depends=" + depends + b"\0")
            options = argparse.Namespace(modules=tree, load=load, host_files=False)
            lines = add_modules(options, Archive())
        return [line.removeprefix("/lib/modules/").strip() for line in lines]

    def test_a_module_that_several_need_is_loaded_once_and_before_them(self):
        self.assertEqual(
            self.init_list("codec_on_camera", "sensor_on_camera gain=2"),
            ["camera.ko", "codec_on_camera.ko", "sensor_on_camera.ko gain=2"],
        )

    def test_parameters_are_never_lost(self):
        self.assertEqual(
            self.init_list("camera debug=1", "codec_on_camera"),
            ["camera.ko debug=1", "codec_on_camera.ko"],
        )
        self.assertIn("camera.ko debug=1", self.init_list("codec_on_camera", "camera debug=1"))


class LimitTest(unittest.TestCase):
    def limits(self, *arguments: str, **environment: str) -> tuple[float, float]:
        with mock.patch.dict(os.environ, environment, clear=True):
            options = parse_arguments(["--init", "i", "--busybox", "b", *arguments])
            return patience(options), run_limit(options)

    def test_the_kernels_patience_and_the_machines_multiply(self):
        self.assertEqual(self.limits("--timeout", "100"), (1, 100))
        self.assertEqual(
            self.limits("--timeout", "100", "--patience", "10", VM_PATIENCE="1.5"), (15, 1500)
        )

    def test_a_longer_test_has_more_time(self):
        self.assertEqual(self.limits("--timeout", "100", GRABFS_TEST_SECONDS="600"), (1, 700))

    def test_the_run_ends_before_bazel_ends_it(self):
        self.assertEqual(
            self.limits("--timeout", "100", VM_PATIENCE="8", TEST_TIMEOUT="300"),
            (8, 300 - SECONDS_TO_JUDGE),
        )


class JunitTest(unittest.TestCase):
    def test_problems_are_failures(self):
        with tempfile.NamedTemporaryFile() as file:
            junit.write(file.name, judge("@vm step a", "@vm done a 0").cases, ["kernel: \x01BUG"])
            text = file.read().decode()
        self.assertIn('failures="1"', text)
        self.assertIn("kernel: ?BUG", text)


if __name__ == "__main__":
    unittest.main()
