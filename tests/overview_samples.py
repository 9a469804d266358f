"""A project's page with every part on it, and the same with any text wherever text can stand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from labelkit.reports import Check
from labelkit.reports.overview import Overview
from labelkit.reports.overview.content import (
    Asking,
    AskingPoint,
    Calibration,
    ClassCount,
    Column,
    Curve,
    CurvePoint,
    Data,
    Finding,
    Function,
    Gate,
    Labels,
    Pair,
    People,
    Person,
    Reliability,
    RunLine,
    Share,
    Slice,
    Spread,
    Stage,
)

APPLY, ASKED, CHECKED = "0123456789abcdef", "1123456789abcdef", "2123456789abcdef"
TIME = "2026-11-19T06:54:09.123Z"

DATA = Data(
    source="data/comments.csv",
    records=1_200,
    fingerprint="cd" * 32,
    columns=(
        Column("id", "id", "text", 1.0, ""),
        Column("text", "field", "text", 0.98, "1 to 480 characters"),
        Column("gold", "gold", "text", 0.25, '"ham", "spam"'),
    ),
    splits=(("train", 900), ("test", 250), ("(no split)", 50)),
    spreads=(
        Spread("text", "characters", 1, 480, True, (("ham", (0, 4, 9, 2), 60.0), ("spam", (1, 8, 3, 0), 22.0))),
        Spread("price", "", 0.5, 9.5, False, (("ham", (3, 1), 2.0), ("(no label)", (0, 2), 7.25))),
    ),
    looked_at=1_000,
)
LABELS = Labels(
    run=APPLY,
    time=TIME,
    model="snorkel",
    records=1_200,
    classes=(ClassCount("ham", 780, 20), ClassCount("spam", 290, 10)),
    unlabelled=100,
    confidences=(0,) * 10 + (5, 9, 20, 60, 90, 100, 200, 300, 216, 70),
    yardsticks=(("majority vote", Share(240.5, 300)), ("label model (snorkel)", Share(258, 300))),
    basis="gold outside split dev",
)
FUNCTIONS = (
    Function("sings", (0,), 0.31, 0.12, 0.02, Share(88, 100), Share(9, 10), 0),
    Function("begs", (1,), 0.24, 0.2, 0.05, Share(70, 90), None, 3, ("pleads",)),
    Function("pleads", (1,), 0.23, 0.2, 0.05, None, None, 0, ("begs",)),
    Function("says_both", (0, 1), 0.05, 0.0, 0.0, None, Share(1, 4), 0, worse=True),
)
PEOPLE = People(
    answers=30,
    simulated=5,
    overlapping=12,
    alpha=0.71,
    level=Share(20.5, 24),
    persons=(
        Person("ana", 20, Share(10, 12), (("ham -> spam", 2),)),
        Person("ben", 12, None, ()),
    ),
    kappas=(("ana", "ben", 0.64), ("ana", "cem", None)),
    disputed=2,
)
GATE = Gate(
    status="fail",
    headline="FAIL: 1 of 12 expectations block; do not train on these labels",
    run=CHECKED,
    time=TIME,
    stale=("labels.parquet is not the file that was validated; run `labelkit validate` again",),
    suites=(("labels", (("pass", 8), ("fail", 1))), ("records", (("pass", 2), ("warning", 1)))),
    findings=(
        Finding("fail", "every label is a class of the `project`", "7 of 1,200 values not as expected", "2026-11-18"),
        Finding("warning", "prices are known", "3 of 1,200 values missing", ""),
    ),
    history=(Check(ASKED, "2026-11-18T09:00:00.000Z", "pass", 0, 12), Check(CHECKED, TIME, "fail", 1, 12)),
)
OVERVIEW = Overview(
    project="comments",
    classes=("ham", "spam"),
    version="1.2.3",
    time=TIME,
    stages=(
        Stage("apply", "waiting", "91.7 % labelled", ("1,100 of 1,200 records", "the functions have changed since")),
        Stage("annotate", "good", "30 answers", ("by 2 people",)),
        Stage("validate", "bad", "blocked", ("1 of 12 expectations block",)),
    ),
    following="`labelkit apply`, for the functions have changed since.",
    data=DATA,
    labels=LABELS,
    functions=FUNCTIONS,
    functions_gold="gold outside split dev",
    slices=(
        Slice("short texts", 120, 0.24, 0.9, Share(70.5, 90)),
        Slice("long <texts>", 3, 0.006, 0.0, None, faults=2),
    ),
    pairs=(Pair("begs", "pleads", 0.93, 270, 280, True), Pair("sings", "says_both", 0.3, 20, 60, False)),
    calibration=Calibration(
        (Reliability(0.62, Share(40, 80)), Reliability(0.91, Share(200, 220))), 0.061, 0.02, 0.21, 300, "gold"
    ),
    curve=Curve(
        (CurvePoint(0, 0.80, 0.76, 0.84), CurvePoint(30, 0.86, 0.83, 0.89), CurvePoint(80, 0.9, 0.86, 0.94)),
        "of the label model against gold",
    ),
    asking=Asking(
        (
            AskingPoint(0, None, None),
            AskingPoint(10, 0.31, Share(6, 10)),
            AskingPoint(20, 0.12, Share(8, 10)),
            AskingPoint(30, 0.05, Share(9, 10)),
        ),
        "go on: the next 50 answers bring -0.9 to +4.8 points",
        stop=False,
    ),
    people=PEOPLE,
    gate=GATE,
    runs=(
        RunLine(CHECKED, "validate", "fail", TIME, 1.2, "fail: 10 of 12 passed", ("labels",), (APPLY,)),
        RunLine(APPLY, "apply", "", TIME, 3.0, "1,100 of 1,200 records labelled", ("begs",), (ASKED,), True),
        RunLine(ASKED, "annotate", "", TIME, None, "30 answers of ana (margin)", (), ()),
    ),
    runs_left_out=4,
    problems=("1 run records are damaged or from another version of labelkit",),
)
"""Every part, with one value of each kind."""

_WORDS = {"state", "status", "word", "verb", "id", "parents"}
"""Fields that hold one of labelkit's own words."""


def everywhere(texts: list[str]) -> Overview:
    """The page with the texts in every field that can hold text, one after another, each of them somewhere."""
    following = itertools.cycle(texts)
    filled: Overview = _filled(OVERVIEW, following)
    function = FUNCTIONS[1]
    return replace(
        filled,
        functions=tuple(replace(function, name=text, copies=(text,)) for text in texts),
        problems=tuple(texts),
        classes=(texts[0], texts[-1]),
    )


def _filled(value: Any, texts: Iterator[str], name: str = "") -> Any:
    if isinstance(value, str):
        return value if name in _WORDS else next(texts)
    if is_dataclass(value) and not isinstance(value, type):
        changes = {field.name: _filled(getattr(value, field.name), texts, field.name) for field in fields(value)}
        return replace(value, **changes)
    if isinstance(value, tuple):
        if name == "suites" and value and isinstance(value[0], str):  # a suite, and words with their counts
            return (next(texts), value[1])
        return tuple(_filled(item, texts, name) for item in value)
    return value


def crowded() -> Overview:
    """A page with many of everything, under long names without a blank to break at."""
    classes = tuple(
        f"a_class_with_a_name_that_nothing_can_break_{i}" if i % 4 == 0 else f"class {i}" for i in range(20)
    )
    functions = tuple(
        replace(FUNCTIONS[i % 4], name=f"f{i}" if i % 5 else f"a_function_with_quite_a_long_name_of_its_own_{i}",
                classes=(i % 20, (i + 7) % 20))
        for i in range(60)
    )  # fmt: skip
    rows = tuple((name, tuple((i * 7) % 9 for i in range(40)), 20.0) for name in classes[:8])
    return replace(
        OVERVIEW,
        project="a_project_with_a_name_that_goes_on_and_on_without_a_single_blank_in_it",
        classes=classes,
        functions=functions,
        labels=replace(LABELS, classes=tuple(ClassCount(name, 37 * i, i) for i, name in enumerate(classes))),
        data=replace(
            DATA, source="data/" + "a_long_file_name_" * 6, spreads=(replace(DATA.spreads[0], rows=rows),) * 7
        ),
        people=replace(PEOPLE, persons=(Person("someone.with.a.very.long.address@example.org", 20, None, ()),) * 3),
        runs=OVERVIEW.runs * 12,
    )
