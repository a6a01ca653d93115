# SPDX-License-Identifier: Apache-2.0
"""Writes the cases of a run in the XML form that Bazel and CI systems read."""

import re
import xml.etree.ElementTree as xml

from report import Case, Outcome

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")


def write(path: str, cases: list[Case], problems: list[str]) -> None:
    """Problems of the run as a whole appear as failed cases of a suite named "machine"."""
    cases = cases + [Case("machine", problem, Outcome.FAILED, problem) for problem in problems]
    root = xml.Element("testsuites", _totals(cases))
    for suite in dict.fromkeys(case.suite for case in cases):
        members = [case for case in cases if case.suite == suite]
        element = xml.SubElement(root, "testsuite", {"name": suite, **_totals(members)})
        for case in members:
            _append(element, case)
    xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _append(suite: xml.Element, case: Case) -> None:
    attributes = {
        "name": _clean(case.name),
        "classname": _clean(case.suite),
        "status": "notrun" if case.outcome is Outcome.SKIPPED else "run",
        "time": f"{case.seconds:.3f}",
    }
    element = xml.SubElement(suite, "testcase", attributes)
    if case.outcome is Outcome.FAILED:
        failure = xml.SubElement(element, "failure", {"message": _clean(case.detail)})
        failure.text = _clean(case.detail)
    elif case.outcome is Outcome.SKIPPED:
        xml.SubElement(element, "skipped", {"message": _clean(case.detail)})


def _totals(cases: list[Case]) -> dict[str, str]:
    def count(outcome: Outcome) -> str:
        return str(sum(case.outcome is outcome for case in cases))

    return {
        "tests": str(len(cases)),
        "failures": count(Outcome.FAILED),
        "skipped": count(Outcome.SKIPPED),
        "errors": "0",
    }


def _clean(text: str) -> str:
    return _NOT_XML.sub("?", text)
