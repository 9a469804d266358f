"""Slices: every figure once more for parts of the records, in the table, the run, the report and the gate."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from labelkit.errors import FunctionError, UsageError
from labelkit.pipeline.slicing import SliceFigures
from labelkit.reports.overview import overview_html
from projects import FUNCTIONS, Made, MakeProject, printed

SLICES = """
from snorkel.slicing import slicing_function

@slicing_function()
def sings(x):
    return "song" in x.text

@slicing_function(resources={"words": ["win", "cash"]})
def money(x, words):
    return int(any(word in x.text for word in words))
"""
RULES = '[guitars]\nkind = "keywords"\nfield = "text"\nwords = ["guitar"]\nlabel = "in"\n'
TOML = "[model]\nname = 'majority'\n[apply]\nworkers = 1\n"


def sliced(make_project: MakeProject, slices: str = SLICES, toml: str = TOML, **more: Any) -> Made:
    """A project with slicing functions."""
    made = make_project(toml=toml, **more)
    made.write("slices/a.py", slices)
    made.write("slices/b.toml", RULES)
    return made


def by_name(figures: tuple[SliceFigures, ...]) -> dict[str, SliceFigures]:
    """Slices by name."""
    return {one.name: one for one in figures}


def test_each_slice_has_the_figures_of_its_records_alone(make_project: MakeProject) -> None:
    """Counted by hand from texts, votes, labels and gold."""
    made = sliced(make_project)
    found = by_name(made.project.apply().slices)
    assert list(found) == ["sings", "money", "guitars"]
    records, labels, votes = made.project.records().to_table(), made.project.labels(), made.project.votes()
    inside = np.array(["song" in text for text in records.column("text").to_pylist()])
    one = found["sings"]
    assert (one.records, one.share) == (inside.sum(), inside.mean())
    label = np.array(labels.column("label").to_pylist(), dtype=object)
    assert one.labelled == sum(name is not None for name in label[inside])
    assert one.labels == {name: int((label[inside] == name).sum()) for name in ("ham", "spam")}
    gold, split = (np.array(records.column(name).to_pylist(), dtype=object) for name in ("gold", "split"))
    judged = inside & (split != "dev") & (votes.votes >= 0).any(axis=1)
    assert one.judged == judged.sum()
    assert one.majority == one.accuracy
    row = next(iter(one.functions))
    assert row.coverage == pytest.approx((votes.votes[inside, 0] >= 0).mean())
    own = judged & (votes.votes[:, 0] >= 0)
    assert row.correct == (np.array(["ham", "spam"])[votes.votes[own, 0]] == gold[own]).sum()


def test_apply_prints_a_line_for_each_slice(make_project: MakeProject) -> None:
    """Below the agreement of all records."""
    made = sliced(make_project)
    said = printed(made, "apply")
    lines = said[said.index("slices:") :].splitlines()
    assert lines[1].split() == ["records", "share", "labelled", "accuracy", "95", "%", "interval", "judged"]
    assert [line.split()[0] for line in lines[2:5]] == ["sings", "money", "guitars"]
    assert json.loads(printed(made, "apply", "--json"))["slices"][0]["functions"][0]["name"] == "begs"


def test_the_run_keeps_slices_and_validate_runs_no_function_of_theirs(make_project: MakeProject) -> None:
    """What was said when the labels were made is judged, though the file is broken by now."""
    made = sliced(make_project)
    made.project.apply()
    run = made.project.run().run
    assert "slices.arrow" in run.outputs
    assert [one["name"] for one in run.about["slices"]] == ["sings", "money", "guitars"]
    made.write("slices/a.py", "raise RuntimeError('run')")
    only = {"type": "comparison", "column": {"name": "slice"}, "operator": "=="}
    suite = {
        "name": "slices",
        "expectations": [
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "accuracy", **limit, "row_condition": only | {"parameter": name}},
                "meta": {},
            }
            for name, limit in (("sings", {"min_value": 0.5}), ("guitars", {"min_value": 1.0, "strict_min": True}))
        ],
        "meta": {"labelkit": {"table": "slices"}},
    }
    made.write("expectations/slices.json", json.dumps(suite))
    verdict = made.project.validate()
    assert [outcome.status for outcome in verdict.outcomes] == ["pass", "fail"]


def test_the_fact_table_says_what_apply_said(make_project: MakeProject) -> None:
    """Records, labelled, judged and accuracy, slice by slice."""
    from labelkit.lineage import hash_file
    from labelkit.pipeline.evidence import evidence_of, run_behind
    from labelkit.validation.facts import fact_table

    made = sliced(make_project)
    report = made.project.apply()
    folder, labels, records = made.project.folder, made.project.labels(), made.project.records()
    digest = hash_file(folder.labels_path)
    evidence = evidence_of(folder, labels, digest, records, records.fingerprint(), run_behind(folder, labels))
    rows = fact_table(evidence, "slices").to_pylist()
    for row, one in zip(rows, report.slices, strict=True):
        assert (row["slice"], row["records"], row["labelled"], row["judged"], row["faults"]) == (
            *(one.name, one.records, one.labelled, one.judged),
            0,
        )
        ties = abs((row["accuracy"] or 0) - (one.accuracy or 0)) * one.judged
        assert ties < 3  # a tie counts half in the report, and as its label in the table


def test_the_report_shows_slices(make_project: MakeProject) -> None:
    """A line for each, with the accuracy that apply printed."""
    made = sliced(make_project)
    counted = by_name(made.project.apply().slices)["money"]
    overview = made.project.report()
    assert [one.name for one in overview.slices] == ["sings", "money", "guitars"]
    assert overview.slices[1].right is not None
    assert overview.slices[1].right.value == pytest.approx(counted.accuracy)
    assert '<section id="slices">' in overview_html(overview)


def test_lf_list_gives_the_figures_of_one_slice(make_project: MakeProject) -> None:
    """Those that apply counted on its records; another name is refused with those that there are."""
    made = sliced(make_project)
    counted = by_name(made.project.apply().slices)["money"].functions
    listed = made.project.functions("money").rows
    assert [(row.figures.name, row.figures.coverage) for row in listed] == [(row.name, row.coverage) for row in counted]
    assert [row.figures.correct for row in listed] == [row.correct for row in counted]
    assert printed(made, "lf", "list", "--slice", "money") != printed(made, "lf", "list")
    with pytest.raises(UsageError) as caught:
        made.project.functions("cash")
    assert str(caught.value) == 'the current run has no slice "cash"; it has "sings", "money", "guitars"'


def test_labels_do_not_depend_on_slices(make_project: MakeProject) -> None:
    """Slices only look."""
    plain, made = make_project(toml=TOML, folder="plain"), sliced(make_project)
    plain.project.apply()
    made.project.apply()
    one, two = plain.project.labels(), made.project.labels()
    assert one.drop_columns(["run"]).equals(two.drop_columns(["run"]))


def test_a_slicing_function_that_fails_is_named_and_nothing_is_guessed(make_project: MakeProject) -> None:
    """The records on which it fails are in no slice, and are counted."""
    broken = SLICES.replace('return "song" in x.text', 'return {"voice": 1}[x.text.split()[0]]')
    report = sliced(make_project, broken).project.apply()
    one = by_name(report.slices)["sings"]
    assert one.faults > 100
    assert report.exit_code == 0
    assert report.notes[-1].startswith(f'slice "sings" failed on {one.faults:,} records, first on "c0": KeyError: ')


def test_a_vote_that_is_neither_in_nor_out_is_a_fault(make_project: MakeProject) -> None:
    """A slice is not a class."""
    report = sliced(make_project, SLICES.replace('return "song" in x.text', "return 2")).project.apply()
    assert by_name(report.slices)["sings"].faults == 200


def test_a_slicing_function_among_labeling_functions_is_refused(make_project: MakeProject) -> None:
    """It would vote for class 0 and 1."""
    made = make_project(toml=TOML)
    made.write("labeling_functions/slices.py", SLICES)
    with pytest.raises(FunctionError) as caught:
        made.project.apply()
    assert str(caught.value) == (
        'labeling_functions/slices.py:4: "sings" is a slicing function, which votes for no class; '
        "move it into the folder slices/"
    )


def test_functions_that_import_while_they_run_still_can(make_project: MakeProject) -> None:
    """Slices are loaded before the labeling functions, whose modules stay."""
    made = sliced(
        make_project, functions=FUNCTIONS.replace("    return HAM if", "    import _words\n    return HAM if")
    )
    made.write("labeling_functions/_words.py", "PRAISE = []")
    made.write("labeling_functions/other.py", "import _words")
    assert made.project.apply().fault_count == 0


@pytest.mark.slow
def test_a_run_with_slices_is_replayed(make_project: MakeProject) -> None:
    """Byte for byte; and where the slices changed, that is said."""
    made = sliced(make_project)
    made.project.apply()
    replay = made.project.replay(workers=[1, 2])
    assert replay.identical
    assert "slices.arrow" in replay.repeats[0].identical
    made.write("slices/a.py", SLICES.replace("song", "voice"))
    assert made.project.replay().different == ("slices/ changed",)
