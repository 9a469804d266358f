"""A verdict with one outcome of every kind, what reports say beside it, and text that tries to run."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from labelkit.label_models import CalibrationCounts
from labelkit.reports import Background, Check, continued
from labelkit.reports.background import keyed
from labelkit.validation import Outcome, Verdict
from labelkit.validation.verdict import Severity, Status
from projects import FUNCTIONS, Made, comments, write_csv
from suite_files import BETWEEN, IN_SET, UNIQUE, check, write_suite

RUN, EARLIER = "0123456789abcdef", "fedcba9876543210"
HASH = "ab" * 32

HELD = Outcome(
    "labels", "labels", 0, "expect_column_values_to_be_unique", "id", "critical", "pass",
    observed="0 of 1,200 values not as expected", description="no record is labelled twice",
)  # fmt: skip
FAILED = Outcome(
    "labels", "labels", 1, "expect_column_values_to_be_in_set", "label", "critical", "fail",
    reason='value_set ["ham", "spam"]', observed="7 of 1,200 values not as expected",
    failing_ids=("c7", "c12", "c13", "(row 19)", "c20", "c21", "c22"), failing_values=('"smap"', '"smap"', '"a | b"'),
    description="every label is a class of the project", notes="A class name with a typo; run `labelkit apply`.",
)  # fmt: skip
SOFTENED = Outcome(
    "lineage", "runs", 0, "expect_column_values_to_be_in_set", "answers_newer", "warning", "fail",
    reason="value_set [0]", observed="answers_newer = 3", description="no answers have come since the run",
    notes="People have answered since; `labelkit apply` would use it.",
)  # fmt: skip
VACUOUS = Outcome(
    "records", "records", 0, "expect_column_values_to_be_between", "price", "info", "vacuous",
    reason="nothing was checked: all its values are null, or its row_condition matches no row",
)  # fmt: skip
BROKEN = tuple(
    Outcome("records", "records", 1 + i, f"expect_column_values_to_{what}", "colour", "critical", "error",
            reason='no column "colour"; columns are "id", "text"')
    for i, what in enumerate(("be_unique", "not_be_null"))
)  # fmt: skip
VERDICT = Verdict((HELD, FAILED, SOFTENED, VACUOUS, *BROKEN))

_BEFORE = continued(Verdict((HELD, FAILED)), EARLIER, "2026-11-18T09:00:00.000Z", None)
BACKGROUND = replace(
    continued(VERDICT, RUN, "2026-11-19T06:54:09.123Z", _BEFORE),
    project="comments",
    version="1.2.3",
    labels=HASH,
    data="cd" * 32,
    shares=(("ham", 800), ("spam", 300), ("(no label)", 93), ("(not a class)", 7)),
    confidences=(0,) * 10 + (5, 9, 20, 60, 90, 100, 200, 300, 216, 100),
    files={"labels": "expectations/labels.json", "lineage": "expectations/lineage.json"},
)

CALIBRATION = CalibrationCounts.of(np.array([[0.9, 0.1]] * 9 + [[0.4, 0.6]] * 2), np.arange(11) // 8).calibration()

_RUN_ME = "document.title='PWNED';document.body.id='PWNED';new Image().src='http://127.0.0.1:PORT/pwned'"
_VECTORS = (
    "<script>JS</script>",
    "<ScRiPt>JS</sCrIpT>",
    "<script src=data:text/javascript,JS></script>",
    '<img src=x onerror="JS">',
    "<img src='http://127.0.0.1:PORT/pwned'>",
    '<svg onload="JS">',
    "<svg><script>JS</script></svg>",
    '<body onload="JS">',
    '<iframe srcdoc="<script>JS</script>"></iframe>',
    '<iframe src="javascript:JS"></iframe>',
    '<details open ontoggle="JS">',
    '<input autofocus onfocus="JS">',
    '<video><source onerror="JS"></video>',
    "<style>@import 'http://127.0.0.1:PORT/pwned'</style>",
    "<link rel=stylesheet href=http://127.0.0.1:PORT/pwned>",
    '<meta http-equiv=refresh content="0;url=http://127.0.0.1:PORT/pwned">',
    "<base href=http://127.0.0.1:PORT/>",
    "<object data=http://127.0.0.1:PORT/pwned></object>",
    '<div style="background:url(http://127.0.0.1:PORT/pwned)">',
    "<math><mtext></mtext><script>JS</script></math>",
    "{{ ''.__class__ }}<script>JS</script>",
    "{% raw %}<script>JS</script>",
    '<noscript><p title="</noscript><script>JS</script>">',
    "<template><script>JS</script></template>",
    '<a href="javascript:JS" autofocus onfocus="JS">x</a>',
)
_WAYS_OUT = ("", '">', "'>", "</title>", "</style>", "</svg>", "</bdi></td></table>", "--></code>`", "\x00\u202e\u2028")


def hostile_texts(port: int = 9) -> list[str]:
    """225 texts, each of which runs, or asks 127.0.0.1:port for something, in a page that does not escape it."""
    return [
        (way + vector).replace("JS", _RUN_ME).replace("PORT", str(port)) for way in _WAYS_OUT for vector in _VECTORS
    ]


def everywhere(texts: list[str]) -> tuple[Verdict, Background]:
    """A verdict with each of the texts in every field that holds text, in every status; so too beside the verdict."""
    free = [field.name for field in fields(Outcome) if field.type in ("str", "str | None")]
    outcomes = []
    for i, text in enumerate(texts):
        said: dict[str, Any] = dict.fromkeys(free, text)
        status, severity = get_args(Status)[i % 4], get_args(Severity)[i // 4 % 3]
        rows = (text, text, text)
        outcomes.append(
            Outcome(**said, index=i, severity=severity, status=status, failing_ids=rows * 3, failing_values=rows)
        )
    verdict, all_of_it = Verdict(tuple(outcomes)), "".join(texts)
    background = Background(
        project=all_of_it,
        version=all_of_it,
        run=texts[0],
        time=all_of_it,
        labels=all_of_it,
        data=texts[0],
        since=continued(verdict, texts[0], texts[0], None).since,
        history=tuple(Check(text, text, "fail", 1, 2) for text in texts[:20]),
        shares=tuple((text, 5) for text in texts),
        confidences=(1,) * 20,
        calibration=CALIBRATION,
        calibrated_on=all_of_it,
        files={text: text for text in texts},
    )
    assert len(dict(keyed(verdict.outcomes))) == len(texts)
    return verdict, background


def passing_project(root: Path) -> Made:
    """A small project with labels, and suites that they pass."""
    made = Made(root)
    write_csv(root / "data" / "comments.csv", comments(60, seed=3))
    made.write(
        "labelkit.toml",
        '[project]\nname = "comments"\nclasses = ["ham", "spam"]\n[model]\nname = "majority"\n'
        '[data]\npath = "data/comments.csv"\nfields = ["text"]\ngold = "gold"\nsplit = "split"\n',
    )
    made.write("labeling_functions/first.py", FUNCTIONS)
    label = check(
        IN_SET, column="label", value_set=["ham", "spam"], description="labels are classes", notes="Do `this`."
    )
    sure = check(BETWEEN, column="confidence", min_value=0.5, severity="warning", description="labels are sure")
    write_suite(root / "expectations" / "labels.json", label, sure, table="labels", name="labels")
    write_suite(root / "expectations" / "records.json", check(UNIQUE, column="id"), table="records", name="records")
    made.project.apply()
    return made
