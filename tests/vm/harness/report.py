# SPDX-License-Identifier: Apache-2.0
"""Judges a run: reads what init and the tests wrote to the report line, and nothing else.

Init frames the output of each step with lines that start with "@vm" (see guest/init.c):

    @vm start NONCE
    @vm step NAME
    ...whatever the step printed: TAP, GoogleTest's output, or free text...
    @vm done NAME STATUS
    @vm verdict NONCE STEPS

A run passes when the last line is there with this run's nonce and every step has ended with 0 and
kept its own promises: a TAP plan that was fulfilled, a GoogleTest summary that was reached.
Silence, a crash or a short count is therefore a failure.
"""

import dataclasses
import enum
import re

# Exit status by which a step says that it was skipped (kselftest's convention).
_SKIPPED_STATUS = 4

# With parameters, failures read "[  FAILED  ] Suite.Case/0, where GetParam() = ... (1 ms)".
_GTEST_RESULT = re.compile(
    r"\[  ?(     OK|FAILED |SKIPPED) \] (\S+?)(?:, where .*)? \((\d+) ms\)$"
)


class Outcome(enum.Enum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclasses.dataclass
class Case:
    suite: str
    name: str
    outcome: Outcome
    detail: str = ""
    seconds: float = 0.0


class Report:
    """Feed it lines in order; then ask for `cases` and `problem`."""

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self._step: _Step | None = None
        self._steps = 0
        self._started = False
        self._complete = False
        self.cases: list[Case] = []

    def feed(self, line: str) -> None:
        match line.split():
            case ["@vm", "start", self.nonce]:
                self._started = True
            case ["@vm", "step", name]:
                self._step = _Step(name)
            case ["@vm", "done", _, status] if self._step and status.isdigit():
                self._steps += 1
                self.cases += self._step.finish(int(status))
                self._step = None
            case ["@vm", "verdict", self.nonce, steps]:
                self._complete = steps == str(self._steps)
            case _ if self._step:
                self._step.feed(line)

    def problem(self) -> str:
        """Why this run proves nothing, or the empty string."""
        if self._step is not None:
            return f"the guest fell silent in step {self._step.name}"
        if not self._started:
            return "the guest never reached init"
        if not self._complete:
            return "the guest ended without a verdict"
        return "" if self._steps else "no step was run"


class _Step:
    def __init__(self, name: str) -> None:
        self.name = name
        self._cases: list[Case] = []
        self._tap_plan: int | None = None
        self._tap_count = 0
        self._gtest_begun: set[str] = set()
        self._gtest_total: int | None = None
        self._gtest_message: list[str] = []

    def feed(self, line: str) -> None:
        if line.startswith("[") or self._gtest_begun:
            self._feed_gtest(line)
        else:
            self._feed_tap(line)

    def finish(self, status: int) -> list[Case]:
        complaint = self._complaint(status)
        if complaint:
            self._add(self.name, Outcome.FAILED, complaint)
        elif not self._cases:
            skipped = status == _SKIPPED_STATUS
            self._add(self.name, Outcome.SKIPPED if skipped else Outcome.PASSED)
        return self._cases

    def _complaint(self, status: int) -> str:
        if status not in (0, _SKIPPED_STATUS):
            if any(case.outcome is Outcome.FAILED for case in self._cases) and status < 128:
                return ""  # The failed cases speak for themselves.
            return _describe_status(status)
        if self._tap_plan is None and self._tap_count:
            return "TAP output without a plan"
        if self._tap_plan is not None and self._tap_plan != self._tap_count:
            return f"TAP plan of {self._tap_plan}, but {self._tap_count} results"
        if self._gtest_begun:
            return f"GoogleTest never finished {', '.join(sorted(self._gtest_begun))}"
        return ""

    def _feed_tap(self, line: str) -> None:
        if plan := re.match(r"1\.\.(\d+)", line):
            self._tap_plan = int(plan.group(1))
        elif result := re.match(r"(not )?ok\b\s*\d*\s*(?:- )?([^#]*)(?:#\s*(.*))?", line):
            self._tap_count += 1
            failed, name, directive = result.groups()
            skipped = (directive or "").upper().startswith("SKIP")
            outcome = (
                Outcome.SKIPPED if skipped else Outcome.FAILED if failed else Outcome.PASSED
            )
            self._add(name.strip() or f"case {self._tap_count}", outcome, directive or "")

    def _feed_gtest(self, line: str) -> None:
        if begun := re.match(r"\[ RUN      \] (\S+)", line):
            self._gtest_begun.add(begun.group(1))
            self._gtest_message = []
        elif ended := _GTEST_RESULT.match(line):
            word, name, milliseconds = ended.groups()
            self._gtest_begun.discard(name)
            outcome = {"OK": Outcome.PASSED, "FAILED": Outcome.FAILED}.get(
                word.strip(), Outcome.SKIPPED
            )
            self._add(name, outcome, "\n".join(self._gtest_message), int(milliseconds) / 1000)
        else:
            self._gtest_message.append(line)

    def _add(self, name: str, outcome: Outcome, detail: str = "", seconds: float = 0.0) -> None:
        self._cases.append(Case(self.name, name, outcome, detail, seconds))


def _describe_status(status: int) -> str:
    if status == 124:
        return "the step ran into its time limit"
    if status >= 128:
        return f"killed by signal {status - 128}"
    return f"exit status {status}"
