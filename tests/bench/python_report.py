# SPDX-License-Identifier: Apache-2.0
"""Rows of a report with their targets, for the benchmarks that are Python programs."""

LINE = "%-74s | %-9s | %16s | %s"


def judge(row):
    (kind, limit), = row["target"].items()
    reached = row["value"] >= limit if kind == "at_least" else row["value"] <= limit
    return {**row, "verdict": "reached" if reached else "MISSED"}


def show(row):
    (kind, limit), = row["target"].items()
    detail = "   (%s)" % row["detail"] if row["detail"] else ""
    print(LINE % (row["what"], (">= " if kind == "at_least" else "<= ") + str(limit),
                  "%.3g %s" % (row["value"], row["unit"]), row["verdict"] + detail), flush=True)
