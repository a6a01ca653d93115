#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the test cases of Bazel runs and ends with one line that says how they went.

    test_summary.py NAME=SECONDS=EVENTS|passed|failed...

SECONDS is how long the configuration NAME took, and EVENTS what `bazel test --build_event_json_file` wrote
for it; what is no run of tests gives its verdict instead and counts as one case. Single cases
are counted from every test's XML report; a test without a report (it crashed, or could not be
built) counts as one failed case. Skipped cases are listed with their reasons, failed ones by name, and
so is every test that had to be repeated, however it ended. The tests that took longest are named, so that
the budget in docs/testing.md can be kept.
Exits with 1 when something failed, or when nothing was run at all.
"""

import collections
import json
import pathlib
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

# How many of the longest tests are named, and from how many seconds on.
_LONGEST = 10
_LONG = 20

Case = collections.namedtuple("Case", "name outcome reason")


def cases_of_report(path):
    """Yields the cases of one XML report, as GoogleTest or Bazel writes it."""
    for case in ElementTree.parse(path).iter("testcase"):
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield Case(name, "failed", "")
        elif skipped is not None:
            yield Case(name, "skipped", reason_of(skipped))
        elif case.get("status") != "notrun":
            yield Case(name, "passed", "")


def reason_of(skipped):
    """Returns the last line of the message: GoogleTest puts the place in the source before it."""
    lines = (skipped.get("message") or skipped.text or "no reason given").strip().splitlines()
    return lines[-1].strip()


def events_of(path):
    with open(path, encoding="utf-8") as events:
        for line in events:
            yield json.loads(line)


def report_of(result):
    for output in result.get("testActionOutput", ()):
        if output["name"] == "test.xml":
            return pathlib.Path(urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path))
    return None


def cases_of_result(label, result):
    """Returns the cases of one run of one test; the run's own verdict has the last word."""
    try:
        cases = list(cases_of_report(report_of(result)))
    except (OSError, TypeError, ElementTree.ParseError):
        cases = []
    ended_well = result["status"] in ("PASSED", "FLAKY")
    if not ended_well and all(case.outcome != "failed" for case in cases):
        cases.append(Case("(%s)" % result["status"].lower(), "failed", ""))
    elif ended_well and not cases:
        cases.append(Case("(no cases)", "passed", ""))
    return [case._replace(name="%s %s" % (label, case.name)) for case in cases]


def cases_of_run(path):
    """Returns the cases of one invocation of Bazel, and how long each test ran."""
    results = collections.defaultdict(dict)
    broken = {}
    repeated = set()
    seconds = collections.Counter()
    ended = "ended early"
    for event in events_of(path):
        identity = event["id"]
        if "testResult" in identity:
            test = identity["testResult"]
            # Only the last attempt of a flaky test counts.
            results[test["label"], test.get("run", 1)][test.get("shard", 1)] = event["testResult"]
            if test.get("attempt", 1) > 1:
                repeated.add(test["label"])
            seconds[test["label"]] += seconds_of_result(event["testResult"])
        elif "targetCompleted" in identity and not event.get("completed", {}).get("success"):
            broken[identity["targetCompleted"]["label"]] = "not built"
        elif "targetConfigured" in identity and "aborted" in event:
            broken[identity["targetConfigured"]["label"]] = "not loaded"
        elif "pattern" in identity and "aborted" in event:
            broken[" ".join(identity["pattern"]["pattern"])] = "not loaded"
        elif "buildFinished" in identity:
            ended = event["finished"]["exitCode"]["name"]
    cases = []
    for (label, _), shards in results.items():
        broken.pop(label, None)
        for result in shards.values():
            cases += cases_of_result(label, result)
    cases += [Case("%s (%s)" % failure, "failed", "") for failure in sorted(broken.items())]
    cases += [Case(label, "repeated", "failed at first") for label in sorted(repeated)]
    # Whatever else made Bazel fail, such as a package that does not load, must not go unseen.
    if ended != "SUCCESS" and all(case.outcome != "failed" for case in cases):
        cases.append(Case("bazel (%s)" % ended, "failed", ""))
    return cases, seconds


def seconds_of_result(result):
    """Returns how long a test ran; one whose result was kept from an earlier run did not."""
    if result.get("cachedLocally") or result.get("executionInfo", {}).get("cachedRemotely"):
        return 0
    return int(result.get("testAttemptDurationMillis", 0)) / 1000


def cases_of(name, run):
    """Returns the cases of what stands last in an argument, and the seconds of each of its tests."""
    if run in ("passed", "failed"):
        return [Case(name, run, "")], collections.Counter()
    return cases_of_run(run)


def main(runs):
    total = collections.Counter()
    print()
    for name, duration, run in (argument.split("=", 2) for argument in runs):
        cases, seconds = cases_of(name, run)
        counts = collections.Counter(case.outcome for case in cases)
        total += counts
        print("%-6s %5d passed, %d failed, %d skipped; %.1f minutes"
              % (name, counts["passed"], counts["failed"], counts["skipped"], int(duration) / 60))
        for label, length in seconds.most_common(_LONGEST):
            if length >= _LONG:
                print("  %d s: %s" % (length, label))
        for case in cases:
            if case.outcome != "passed":
                reason = ": " + case.reason if case.reason else ""
                print("  %s: %s%s" % (case.outcome, case.name, reason))
    print("%d passed, %d failed, %d skipped"
          % (total["passed"], total["failed"], total["skipped"]))
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
