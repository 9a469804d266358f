"""validate and annotate on Spark say what they say here: verdicts, reports, run ids, questions."""

from __future__ import annotations

import json
import queue
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelkit.errors import UsageError
from labelkit.pipeline.annotate import export_queue
from labelkit.pipeline.drawn import asking
from labelkit.pipeline.retraining import Retraining
from labelkit.pipeline.sessions import Sessions
from projects import FUNCTIONS, Made, comments
from spark_projects import spark_project, spark_toml
from suite_files import BETWEEN, IN_SET, NOT_NULL, UNIQUE, check, write_suite
from tagged_projects import TOML as TAGGED, questions, tagged_project, whole

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]


@pytest.fixture(scope="module")
def made(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project labelled on Spark, with people's answers and suites on every kind of table."""
    root = tmp_path_factory.mktemp("spark") / "project"
    made = spark_project(root, spark_toml("[annotate]\nretrain = false"), rows=comments(300, seed=3))
    for record in ("c3", "c5"):
        made.project.answer(record, "spam", annotator="ann")
    made.project.apply(engine="spark")
    one = {"value_set": [1]}
    labels = [
        check(UNIQUE, column="id"),
        check(IN_SET, column="in_place", **one),
        check(BETWEEN, column="p_sum", min_value=0.999999, max_value=1.000001),
        check(BETWEEN, column="labels_of_near_text", max_value=1, severity="warning"),
        check(IN_SET, column="model_agrees", **one, severity="info"),
        check(BETWEEN, column="voters", min_value=1, severity="info"),
    ]
    write_suite(made.root / "expectations/labels.json", *labels, table="labels", name="labels")
    lineage = [
        check(IN_SET, column=name, **one) for name in ("run_recorded", "labels_match", "data_match", "runs_in_labels")
    ]
    lineage += [check(IN_SET, column="records_without_row", value_set=[0])]
    write_suite(made.root / "expectations/lineage.json", *lineage, table="runs", name="lineage")
    entries = [check(BETWEEN, column="accuracy", min_value=0.5), check(NOT_NULL, column="coverage")]
    write_suite(made.root / "expectations/functions.json", *entries, table="functions", name="functions")
    return made


def test_the_verdict_its_run_and_its_report_are_those_of_one_machine(made: Made) -> None:
    """Outcomes, the id of the run, how labels spread; and labels that passed on Spark have passed."""
    here = made.project.validate()
    about = made.project.background()
    there = made.project.validate(engine="spark")
    beside = made.project.background()
    assert there == here
    assert there.passed, str(there)
    assert (beside.run, beside.shares, beside.confidences) == (about.run, about.shares, about.confidences)
    assert made.project.verify().verified


def test_a_changed_part_of_the_labels_is_found(made: Made, tmp_path: Path) -> None:
    """The hash is over the parts, whoever tells it."""
    (part,) = (made.root / "labels.parquet").glob("part-*.parquet")
    content = part.read_bytes()
    table = pq.read_table(part)
    try:
        part.chmod(0o644)
        pq.write_table(table.slice(1), part)
        verdict = made.project.validate(engine="spark")
    finally:
        part.write_bytes(content)
    failing = {outcome.column for outcome in verdict.blocking}
    assert {"labels_match", "records_without_row", "in_place"} <= failing


@pytest.mark.parametrize("strategy", ["margin", "entropy", "least_confidence", "hybrid", "conflict:0.5,uncovered:0.5"])
def test_the_questions_are_those_of_one_machine(made: Made, strategy: str) -> None:
    """The same records of split train in the same order, each for the same reason, without those answered."""
    here = made.project.queue(12, strategy=strategy, annotator="ann")
    assert made.project.queue(12, strategy=strategy, annotator="ann", engine="spark") == here
    assert len(here) == 12


def test_people_are_asked_from_the_candidates_alone(made: Made) -> None:
    """A session reads no other records, stores answers as any, and leaves nothing behind."""
    project = made.project.folder
    where = project.settings.engine.or_else("spark", None, None)
    with asking(project, where, "margin", n=5) as asked:
        assert asked.drawn is not None
        drawn = pq.read_table(asked.drawn / "records.parquet")
        assert drawn.column_names == ["id", "text"]
        assert 5 <= drawn.num_rows <= 7
        with Sessions(asked, strategy="margin") as sessions, sessions.open("ben") as session:
            question = session.next()
            assert question is not None
            assert question.fields["text"]
            session.answer(question.record, "ham", "an operation")
    assert list((project.state / "drawn").iterdir()) == []
    assert made.project.answers()[question.record] == "ham"


def test_questions_for_elsewhere_are_the_same_file(made: Made, tmp_path: Path) -> None:
    """`--queue N --out FILE`, fields of the records among it."""
    project = made.project.folder
    where = project.settings.engine.or_else("spark", None, None)
    for name, engine in (("here", None), ("there", where)):
        export_queue(project, 6, tmp_path / name, annotator="cy", strategy="margin", engine=engine)
    assert (tmp_path / "there").read_bytes() == (tmp_path / "here").read_bytes()
    assert len([json.loads(line) for line in (tmp_path / "there").read_text().splitlines()]) == 6


ODD_NAMES = """
[project]
name = "comments"
classes = ["ham", "spam"]
[data]
path = "comments.parquet"
id = "key"
fields = ["the.text", "id"]
split = "the.split"
[model]
name = "majority"
"""


def test_columns_may_have_any_name(tmp_path: Path) -> None:
    """A dot is no sign of Spark's, and a field may be called as the id is elsewhere."""
    named = {"id": "key", "text": "the.text", "split": "the.split", "gold": "id"}
    rows = [{named[name]: value for name, value in row.items()} for row in comments(100, seed=3)]
    functions = FUNCTIONS.replace("x.text", 'x["the.text"]').replace('field="text"', 'field="the.text"')
    made = spark_project(tmp_path / "project", ODD_NAMES, functions, rows)
    made.project.apply(engine="spark")
    here = made.project.queue(12)
    assert made.project.queue(12, engine="spark") == here
    assert len(here) == 12


@pytest.mark.parametrize("strategy", ["rare", "margin:0.5,os.path.join:0.5"])
def test_strategies_that_no_part_can_rank_by_are_refused(made: Made, strategy: str) -> None:
    """Before Spark does anything."""
    with pytest.raises(UsageError, match="Spark ranks"):
        made.project.queue(5, strategy=strategy, engine="spark")


def test_a_learner_chooses_among_candidates(made: Made) -> None:
    """Strategies that compare records get the most uncertain ones of all parts."""
    assert len(made.project.queue(5, strategy="diverse", engine="spark")) == 5


def test_the_learner_beside_learns_from_the_candidates(made: Made) -> None:
    """Its process opens them by their folder, and ranks no others."""
    project, said = made.project.folder, queue.Queue[Any]()
    where = project.settings.engine.or_else("spark", None, None)
    with asking(project, where, "margin", n=20) as asked:
        assert asked.drawn is not None
        drawn = set(pq.read_table(asked.drawn / "records.parquet").column("id").to_pylist())
        beside = Retraining(project.root, "margin", said.put, asked.drawn)
        try:
            first = said.get(timeout=120)
        finally:
            beside.stop()
    assert (first.failure, len(first.items) > 0) == ("", True)
    assert {item.record for item in first.items} <= drawn


def test_gold_of_several_classes_is_for_one_machine(spark: Any, tmp_path: Path) -> None:
    """Executors read the records as they lie there, where gold names classes instead of saying yes or no of one."""
    tagged = tagged_project(tmp_path / "project", toml=TAGGED.replace("questions.csv", "questions.parquet"))
    pq.write_table(pa.Table.from_pylist(questions(50, seed=5)), tagged.root / "questions.parquet")
    with pytest.raises(UsageError) as caught:
        whole(tagged)["sql"].apply(engine="spark")
    assert str(caught.value) == (
        "questions.parquet: Spark reads no gold of several classes per record; leave gold under [data] out, "
        "or use the local engine"
    )
