"""`labelkit report`: what it gathers of a real project, and what it says of one that is not whole."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.errors import MachineError
from labelkit.pipeline.annotate import import_answers
from labelkit.pipeline.overview.records import rows_of
from labelkit.pipeline.overview.spreads import MOST, Sample
from labelkit.reports.overview import Overview, overview_html
from projects import FUNCTIONS, Made, MakeProject, comments


def invoke(made: Made, *arguments: str) -> int:
    """Run the command in this process; the exit code, as the entry point gives it."""
    from labelkit.cli.main import _exit_code

    return _exit_code(["report", "-C", str(made.root), *arguments])


def gold_of(made: Made) -> dict[str, str]:
    """Record id -> gold label."""
    table = made.project.records().to_table()
    return dict(zip(table["id"].to_pylist(), table["gold"].to_pylist(), strict=True))


@pytest.fixture
def validated(made: Made) -> Made:
    """A project whose labels passed."""
    made.project.validate()
    return made


def test_the_command_writes_one_page(
    validated: Made, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is written where asked for, its path said on stdout, and nothing else changes."""
    monkeypatch.chdir(validated.root)
    before = {path: path.stat().st_mtime_ns for path in validated.root.rglob("*")}
    assert invoke(validated, "-o", "page.html") == 0
    assert capfd.readouterr() == ("page.html\n", "")
    page = (validated.root / "page.html").read_text(encoding="utf-8")
    assert "training may run" in page
    after = {path: path.stat().st_mtime_ns for path in validated.root.rglob("*")}
    changed = {path for path in after if after[path] != before.get(path)} - {validated.root}
    assert changed == {validated.root / "page.html"}


def test_the_page_is_report_html_unless_named(validated: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name the page is report.html of the working directory."""
    monkeypatch.chdir(validated.root)
    assert invoke(validated) == 0
    assert (validated.root / "report.html").is_file()


def test_another_ending_is_refused(validated: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """A name that no browser would open is a mistake."""
    assert invoke(validated, "-o", "page.pdf") == 2
    assert capfd.readouterr().err == "labelkit: error: --out page.pdf: give a file name that ends in .html\n"


def test_the_figures_are_those_of_the_other_commands(validated: Made) -> None:
    """Coverage, overlaps, conflicts and accuracy are those that `apply` prints; labels those of labels.parquet."""
    applied = validated.project.apply()
    found = validated.project.report()
    assert {f.name: (f.coverage, f.overlaps, f.conflicts) for f in found.functions} == {
        row.name: (row.coverage, row.overlaps, row.conflicts) for row in applied.summary
    }
    by_gold = {f.name: (f.gold.right, f.gold.judged) for f in found.functions if f.gold}
    assert by_gold == {
        row.name: (row.correct, (row.correct or 0) + (row.incorrect or 0)) for row in applied.summary if row.correct
    }
    assert found.labels is not None
    assert {item.name: item.model + item.human for item in found.labels.classes} == dict(applied.class_totals)
    yardsticks = {name: share.value for name, share in found.labels.yardsticks}
    assert yardsticks == {item.name: item.accuracy for item in applied.agreements}
    assert found.labels.basis == applied.basis
    assert sum(found.labels.confidences) == sum(applied.class_totals.values())


def test_the_stages_say_how_far_the_project_is(validated: Made) -> None:
    """Applied and passed, nobody asked: the page says what comes next."""
    found = validated.project.report()
    assert [(stage.verb, stage.state) for stage in found.stages] == [
        ("apply", "good"), ("annotate", "none"), ("validate", "good"),
    ]  # fmt: skip
    assert found.following.startswith("training may run")
    assert found.problems == ()


def test_a_changed_function_makes_the_labels_out_of_date(validated: Made) -> None:
    """The page says what has changed since, and what to do."""
    validated.write("labeling_functions/second.py", "# nothing yet\n")
    found = validated.project.report()
    assert found.stages[0].state == "waiting"
    assert found.following == "`labelkit apply`, for the functions have changed since."


def test_a_verdict_on_other_labels_does_not_count(validated: Made) -> None:
    """After another `apply` the old verdict is shown as what it is."""
    record = next(iter(gold_of(validated)))
    validated.project.answer(record, "spam", annotator="ana")
    assert validated.project.report().following == "`labelkit apply`, for people have answered since."
    validated.project.apply()
    found = validated.project.report()
    assert found.gate is not None
    assert "not the file that was validated" in found.gate.stale[0]
    assert (found.stages[2].state, found.stages[2].figure) == ("waiting", "out of date")
    assert found.following.startswith("`labelkit validate`")


def test_people_are_compared_with_the_functions_and_with_one_another(validated: Made) -> None:
    """Functions are judged by people's answers; who answered, agrees and differs is on the page."""
    gold = gold_of(validated)
    for i, record in enumerate(list(gold)[:20]):
        validated.project.answer(record, gold[record], annotator="ana")
        validated.project.answer(record, gold[record] if i else "ham", annotator="ben")
    validated.project.apply()
    found = validated.project.report()
    votes = validated.project.votes()
    rows = [i for i, record in enumerate(votes.ids.to_pylist()) if record in list(gold)[:20]]
    for function in found.functions:
        cast = votes.votes[rows, votes.names.index(function.name)]
        assert (function.people.judged if function.people else 0) == int((cast >= 0).sum())
    assert found.people is not None
    assert [(person.name, person.answers) for person in found.people.persons] == [("ana", 20), ("ben", 20)]
    assert (found.people.answers, found.people.overlapping, len(found.people.kappas)) == (20, 20, 1)


def test_without_gold_people_are_the_yardstick(make_project: MakeProject) -> None:
    """A project without gold is measured by its answers, once there are some."""
    made = make_project(gold=False, toml='[model]\nname = "majority"\n')
    made.project.apply()
    before = made.project.report()
    assert before.labels is not None
    assert (before.labels.yardsticks, before.functions_gold, before.calibration) == ((), "", None)
    for row in comments(200, seed=3)[:30]:
        made.project.answer(row["id"], row["gold"], annotator="ana")
    made.project.apply()
    found = made.project.report()
    assert found.labels is not None
    assert found.labels.basis == "answers of people (30)"
    assert all(function.gold is None for function in found.functions)
    assert any(function.people for function in found.functions)
    assert found.calibration is not None
    assert found.calibration.basis == "people's answers, each held out from the model"


def test_functions_worse_than_chance_are_marked(make_project: MakeProject) -> None:
    """By gold or by people's answers, beyond doubt."""
    wrong = (
        '\nwrong = lk.rules.keywords("wrong", ["melody", "chorus", "singer", "album"], field="text", label="spam")\n'
    )
    made = make_project(functions=FUNCTIONS + wrong)
    made.project.apply()
    found = made.project.report()
    assert {function.name for function in found.functions if function.worse} == {"wrong"}
    assert overview_html(found).count(">worse than chance<") == 1


def test_copies_are_named(make_project: MakeProject) -> None:
    """A function that repeats another one is found and named at both."""
    functions = (
        "import labelkit as lk\n"
        'words = ["win", "free", "cash", "click", "visit"]\n'
        'first = lk.rules.keywords("first", words, field="text", label="spam")\n'
        'second = lk.rules.keywords("second", words, field="text", label="spam")\n'
        'music = lk.rules.keywords("music", ["guitar", "lyrics", "album", "song"], field="text", label="ham")\n'
        'voice = lk.rules.keywords("voice", ["voice", "melody", "chorus"], field="text", label="ham")\n'
    )
    made = make_project(functions=functions, toml='[model]\nname = "majority"\n')
    made.project.apply()
    found = made.project.report()
    assert {f.name: f.copies for f in found.functions if f.copies} == {"first": ("second",), "second": ("first",)}
    assert (found.pairs[0].first, found.pairs[0].second, found.pairs[0].copies) == ("first", "second", True)
    assert found.pairs[0].alike == found.pairs[0].either


def test_runs_with_more_answers_make_a_learning_curve(validated: Made) -> None:
    """Each run of `apply` is judged on the same records, none of which anybody was asked about."""
    gold = gold_of(validated)
    assert validated.project.report().curve is None
    asked = 0
    for more in (6, 10):
        for record in list(gold)[asked : asked + more]:
            validated.project.answer(record, gold[record], annotator="ana")
        asked += more
        validated.project.apply()
    curve = validated.project.report().curve
    assert curve is not None
    assert [point.answers for point in curve.points] == [0, 6, 16]
    assert curve.measured.startswith("labels of 3 runs of apply, against gold outside split dev")
    labels = validated.project.labels()
    splits = validated.project.records().to_table()
    dev = dict(zip(splits["id"].to_pylist(), splits["split"].to_pylist(), strict=True))
    judged = [
        label == gold[record]
        for record, label, source in zip(*(labels[name].to_pylist() for name in ("id", "label", "source")), strict=True)
        if source == "model" and dev[record] != "dev"
    ]
    assert curve.points[-1].accuracy == pytest.approx(sum(judged) / len(judged))
    assert all(point.low <= point.accuracy <= point.high for point in curve.points)


def test_the_page_says_whether_more_answers_help(validated: Made) -> None:
    """From twenty answers on, with the words that `annotate` uses; of fewer the page says what is missing."""
    gold, table = gold_of(validated), validated.project.records().to_table()
    of = zip(table["id"].to_pylist(), table["split"].to_pylist(), strict=True)
    for count, record in enumerate([record for record, split in of if split == "train"][:20]):
        if count == 19:
            assert validated.project.report().asking is None
        validated.project.answer(record, gold[record], annotator="ana")
    asking = validated.project.report().asking
    assert asking is not None
    curve = validated.project.learning_curve()
    assert (asking.advice, asking.stop) == (curve.advice.why, curve.advice.stop)
    assert [point.answers for point in asking.points] == [0, 10, 20]
    assert asking.points[1].agreed is not None
    assert asking.points[1].agreed.judged == 10


def test_the_runs_are_a_graph_with_what_changed(validated: Made) -> None:
    """Newest first; a session leads to the `apply` that used its answers, and that says so."""
    record = next(iter(gold_of(validated)))
    answers = validated.write("answers.jsonl", json.dumps({"id": record, "label": "spam"}) + "\n")
    import_answers(validated.project.folder, answers, annotator="ana")
    validated.project.apply()
    lines = validated.project.report().runs
    assert [line.verb for line in lines] == ["apply", "annotate", "validate", "apply"]
    assert lines[0].current
    assert lines[0].changed == ("answers",)
    assert lines[1].id in lines[0].parents
    assert lines[1].said == "1 answers of ana (file)"
    assert lines[2].word == "pass"


def test_no_text_of_a_record_is_on_the_page(make_project: MakeProject) -> None:
    """Fields and ids stay in the records: the page tells figures about them alone."""
    rows = [{**row, "id": f"secretid{i}", "text": f"{row['text']} SECRETWORD"} for i, row in enumerate(comments(60, 3))]
    made = make_project(rows=rows, toml='[model]\nname = "majority"\n')
    made.project.apply()
    page = overview_html(made.project.report())
    assert "SECRETWORD" not in page
    assert "secretid" not in page


def test_before_any_apply_the_page_shows_the_data(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh project has a page: its records, what is missing, and the first step."""
    monkeypatch.chdir(tmp_path)
    from labelkit.cli.main import _exit_code

    assert _exit_code(["init", "."]) == 0
    capfd.readouterr()
    assert invoke(Made(tmp_path)) == 0
    assert capfd.readouterr() == ("report.html\n", "")
    found = lk.Project(tmp_path).report()
    assert found.data is not None
    assert found.data.records > 0
    assert [stage.figure for stage in found.stages] == ["no labels yet", "no answers yet", "not checked yet"]
    assert found.following == "`labelkit apply` makes the labels."
    page = re.sub(r"\s+", " ", re.sub("<[^>]+>", "", (tmp_path / "report.html").read_text(encoding="utf-8")))
    assert "labelkit apply casts the functions' votes and writes labels.parquet." in page.replace("&#39;", "'")


def test_records_that_cannot_be_read_leave_the_rest(validated: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """Without its records a project still has labels, functions and runs; the page says what is missing and why."""
    (validated.root / "data" / "comments.csv").unlink()
    assert invoke(validated, "-o", str(validated.root / "page.html")) == 0
    said = capfd.readouterr().err
    assert said.startswith("labelkit: not on the page: ")
    assert "no such file" in said
    page = (validated.root / "page.html").read_text(encoding="utf-8")
    assert 'id="functions"' in page
    assert 'id="gate"' in page
    assert 'id="data"' not in page
    assert "no such file" in page


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("labels.parquet", "not a readable Parquet file"),
        ("votes.arrow", "not a vote file of labelkit"),
        ("model.json", "no whole label model in it"),
        ("run.json", "damaged or from another version"),
        ("verdict.json", "is not the one that was written"),
    ],
)
def test_a_damaged_file_is_said_and_the_rest_is_shown(validated: Made, name: str, missing: str) -> None:
    """Whatever labelkit wrote may be damaged; the page is made all the same, and names the damage."""
    run = validated.project.report().labels
    assert run is not None
    folder = validated.root / ".labelkit" / "runs"
    kept = {"labels.parquet": validated.root, "verdict.json": folder / validated.project.background().run}
    path = kept.get(name, folder / run.run) / name
    path.write_bytes(b"{}" if name == "verdict.json" else path.read_bytes()[:-20])
    found = validated.project.report()
    assert any(missing in problem for problem in [*found.problems, *(found.gate.stale if found.gate else ())])
    assert found.data is not None
    assert overview_html(found)


def test_answers_for_a_class_that_is_no_more_are_no_news(validated: Made) -> None:
    """Answers that cannot be read as they stand are said to be so, not to have come since."""
    validated.project.answer("c1", "ham", annotator="ana")
    toml = validated.root / "labelkit.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('"ham"', '"eggs"'), encoding="utf-8")
    found = validated.project.report()
    assert any('people answered "ham"' in problem for problem in found.problems)
    assert "people have answered since" not in found.stages[0].said


def test_a_store_out_of_reach_ends_the_report(validated: Made) -> None:
    """What the machine failed at is no finding about the project: try again."""
    toml = validated.root / "labelkit.toml"
    toml.write_text(toml.read_text() + '[store]\nurl = "sqlite:////proc/no/such/folder.db"\n')
    with pytest.raises(MachineError):
        validated.project.report()


def test_labels_of_another_tool_are_refused_in_words(validated: Made) -> None:
    """A labels file without the columns is named, and everything else stands."""
    pq.write_table(pa.table({"id": ["c1"], "label": [7]}), validated.root / "labels.parquet")
    found = validated.project.report()
    assert found.labels is None
    assert any('"label", "confidence", "source" missing' in problem for problem in found.problems)


def test_labels_without_their_run_are_counted_still(validated: Made) -> None:
    """The run's folder may be gone: the labels are shown, the functions cannot be."""
    run = validated.project.report().labels
    assert run is not None
    shutil.rmtree(validated.root / ".labelkit" / "runs" / run.run)
    found = validated.project.report()
    assert found.labels is not None
    assert found.functions == ()
    assert any("no record of the run" in problem for problem in found.problems)


@pytest.mark.parametrize("classes", ['["spam", "ham"]', '["ham", "spam", "eggs"]', '["ham", "bacon"]'])
def test_votes_for_other_classes_are_not_compared(validated: Made, classes: str) -> None:
    """After a change of the classes the numbers of votes mean something else: the page says so and shows the rest."""
    toml = validated.root / "labelkit.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('["ham", "spam"]', classes), encoding="utf-8")
    found = validated.project.report()
    assert found.functions == ()
    assert found.curve is None
    assert any('the votes are for "ham", "spam", the project has ' in problem for problem in found.problems)
    assert found.labels is not None
    assert sum(item.model for item in found.labels.classes) == sum(found.labels.confidences)
    assert overview_html(found)


def test_truth_finds_its_record_when_the_order_changes(validated: Made) -> None:
    """Nothing is matched by position: shuffled records give the same figures."""
    before = validated.project.report()
    path = validated.root / "data" / "comments.csv"
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([header, *lines[::-1]]) + "\n", encoding="utf-8")
    after = validated.project.report()
    assert after.functions == before.functions
    assert after.calibration == before.calibration
    assert before.data is not None
    assert after.data is not None
    assert after.data.spreads == before.data.spreads
    assert after.stages[0].said[-1] == "the data has changed since"


def test_rows_of_ids_in_any_order() -> None:
    """Rows are found by id, also where a chunk begins elsewhere or an id is not there."""
    labels = pa.table({"id": ["a", "b", "c", "d"]})
    assert rows_of(labels, pa.array(["c", "d"]), 2).tolist() == [2, 3]
    assert rows_of(labels, pa.array(["d", "x", "a"]), 1).tolist() == [3, -1, 0]
    assert rows_of(None, pa.array(["a"]), 0).tolist() == [-1]


@pytest.mark.parametrize("size", [65_536, 1_000])
def test_a_sample_does_not_depend_on_chunks(size: int) -> None:
    """Of many records every s-th is looked at, in whatever chunks they come."""
    sample = Sample(["n"])
    n = 3 * MOST + 17
    for start in range(0, n, size):
        values = np.arange(start, min(start + size, n))
        sample.add(pa.record_batch({"n": values}), values)
    ((field, unit, taken, rows),) = list(sample)
    assert (field, unit, sample.rows) == ("n", "", len(taken))
    assert MOST / 2 <= len(taken) <= MOST
    assert np.array_equal(taken, rows)
    assert set(np.diff(rows).tolist()) == {4}


def test_the_page_does_not_grow_with_the_records(make_project: MakeProject) -> None:
    """Fifteen times the records make a page of the same size, for it holds figures alone."""
    sizes = []
    for n in (200, 3_000):
        made = make_project(rows=comments(n, seed=1), toml='[model]\nname = "majority"\n', folder=f"of {n}")
        made.project.apply()
        found: Overview = made.project.report()
        sizes.append(len(overview_html(found).encode()))
    assert sizes[1] < 1.1 * sizes[0] < 150_000
