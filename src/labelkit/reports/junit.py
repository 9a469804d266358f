"""A verdict as JUnit XML, which every build server reads: a test suite per suite, a test case per expectation."""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree import ElementTree as ET

from labelkit.errors import visible
from labelkit.reports.background import NOTHING, Background, keyed
from labelkit.reports.problems import MEANING, moment
from labelkit.validation import Outcome, Verdict

_SHOWN_ROWS = 100
_NOT_XML = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")


def junit(verdict: Verdict, background: Background = NOTHING) -> str:
    """The XML document. A failure that blocks is a failure; vacuous and error are errors; a softened one is skipped.

    A verdict on nothing has one error, so that no reader takes it for a pass.
    """
    root = ET.Element("testsuites", {"name": _text(background.project or "labelkit validate"), **_counts(verdict)})
    keys = {id(outcome): key for key, outcome in keyed(verdict.outcomes)}
    blocking = {id(outcome) for outcome in verdict.blocking}
    for (name, table), group in groupby(verdict.outcomes, key=lambda outcome: (outcome.suite, outcome.table)):
        outcomes = list(group)
        about = {"name": _text(name), **_counts(Verdict(tuple(outcomes), verdict.strict))}
        about |= {"timestamp": _text(background.time)} if background.time else {}
        suite = ET.SubElement(root, "testsuite", about)
        properties = {"table": table, "run": background.run, "labels_sha256": background.labels}
        held = ET.SubElement(suite, "properties")
        for key, value in properties.items():
            ET.SubElement(held, "property", {"name": key, "value": _text(value)})
        for outcome in outcomes:
            since = background.since.get(keys[id(outcome)])
            _case(suite, outcome, "" if since is None else moment(since.time), blocks=id(outcome) in blocking)
    if not verdict.outcomes:
        suite = ET.SubElement(root, "testsuite", {"name": "labelkit validate", **_counts(verdict)})
        case = ET.SubElement(suite, "testcase", {"classname": "labelkit", "name": "there is something to check"})
        ET.SubElement(case, "error", {"type": "vacuous", "message": _text(verdict.headline)})
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _counts(verdict: Verdict) -> dict[str, str]:
    blocking = verdict.blocking
    failures = sum(outcome.status == "fail" for outcome in blocking)
    return {
        "tests": str(max(len(verdict.outcomes), 1)),
        "failures": str(failures),
        "errors": str(len(blocking) - failures if verdict.outcomes else 1),
        "skipped": str(len(verdict.tolerated)),
    }


def _case(suite: ET.Element, outcome: Outcome, since: str, *, blocks: bool) -> None:
    name = f"[{outcome.index}] {outcome.title}"
    case = ET.SubElement(
        suite, "testcase", {"classname": _text(f"{outcome.suite}.{outcome.table}"), "name": _text(name)}
    )
    if outcome.status == "pass":
        return
    kind = ("failure" if outcome.status == "fail" else "error") if blocks else "skipped"
    cause = outcome.finding if outcome.status == "fail" else outcome.reason
    softened = "" if blocks else f"{outcome.severity}: "
    attributes = {"message": _text(f"{softened}{cause or MEANING[outcome.status]}")}
    said = ET.SubElement(case, kind, attributes if kind == "skipped" else {**attributes, "type": outcome.status})
    said.text = _text("\n".join(_lines(outcome, since)))


def _lines(outcome: Outcome, since: str) -> list[str]:
    rows = list(outcome.failing_ids[:_SHOWN_ROWS])
    more = len(outcome.failing_ids) - len(rows)
    facts = {
        "found": outcome.observed,
        "because" if outcome.status != "fail" else "expected": outcome.reason,
        "since": since,
        "do": outcome.notes,
        "rule": outcome.place,
        "records": ", ".join(rows) + (f" and {more:,} more" if more else ""),
    }
    return [f"{name}: {visible(text)}" for name, text in facts.items() if text]


def _text(text: str) -> str:
    r"""Text that XML 1.0 can hold: what it forbids is written as an escape.

    >>> _text("a\x00b")
    'a\\x00b'
    """
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", visible(text, keep="\n"))
