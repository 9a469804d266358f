"""The page of a project: what a person wants to see before they trust its labels, on one sheet."""

from __future__ import annotations

from labelkit.reports.overview import pictures
from labelkit.reports.overview.content import Overview
from labelkit.reports.overview.graph import VERBS, graph
from labelkit.reports.plots import checks, columns
from labelkit.reports.templating import page

MISSING = {
    "labels": ("Labels and functions", "`labelkit apply` casts the functions' votes and writes labels.parquet."),
    "people": ("People", "`labelkit annotate` asks people about the records where an answer is worth most."),
    "gate": ("The gate", "`labelkit validate` judges records, labels and lineage by the suites in `expectations/`."),
    "calibration": ("Calibration", "needs records with a label and gold, or with people's answers."),
    "curve": ("Learning curve", "needs gold and two runs of `labelkit apply` with answers between them."),
    "asking": ("Do more answers help?", "needs 20 answers of people, and at most 50,000 records to replay them on."),
}


def overview_html(overview: Overview) -> str:
    """The page as text, to be written as UTF-8. It needs no network and no script.

    >>> "Nothing here yet" in overview_html(Overview("comments", ("ham", "spam")))
    True
    """
    functions, others = pictures.widest_first(overview.functions)
    past = checks(overview.gate.history) if overview.gate else []
    return page(
        "overview.html",
        ["report.css", "overview.css"],
        overview=overview,
        pictures=pictures,
        functions=functions,
        more_functions=others,
        widest=max((function.coverage for function in functions), default=0.0),
        columns=columns(overview.labels.confidences) if overview.labels else [],
        checks=past,
        checks_top=min((check.y for check in past), default=0.0),
        calibration_low=pictures.calibration_floor(overview.calibration) if overview.calibration else 0.0,
        curve=pictures.curve_picture(overview.curve) if overview.curve and overview.curve.points else None,
        asking=pictures.asking_picture(overview.asking) if overview.asking and overview.asking.points else None,
        graph=graph(overview.runs),
        verbs=[verb for verb in VERBS if any(run.verb == verb for run in overview.runs)],
        missing=[said for name, said in MISSING.items() if getattr(overview, name) is None],
    )
