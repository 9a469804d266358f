"""Asking people about several classes at once: which records, what they are told, what becomes of their answers."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labelkit.active.session import AnnotationSession
from labelkit.annotations.label_sets import classes_in, set_in, set_text
from labelkit.errors import AnswerError, ArtifactError, DataError, UsageError
from labelkit.pipeline.agreement import agreement
from labelkit.pipeline.questions import wanted_of
from labelkit.pipeline.sessions import Sessions
from projects import Made, printed
from tagged_projects import TOML, WORDS, tagged_project, whole


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project with labels, which tests copy."""
    made = tagged_project(tmp_path_factory.mktemp("applied") / "project")
    whole(made).apply()
    return made


@pytest.fixture
def made(applied: Made, tmp_path: Path) -> Made:
    """A copy of it, for one test."""
    shutil.copytree(applied.root, tmp_path / "project", symlinks=True)
    return Made(tmp_path / "project")


def tags(made: Made, record: str) -> str:
    """The answer that the record's tags are."""
    rows = lk_rows(made)
    return set_text([name for name in rows[record]["tags"].split(",") if name in WORDS], list(WORDS))


def lk_rows(made: Made) -> dict[str, dict[str, Any]]:
    """Records by id."""
    return {row["id"]: row for row in whole(made).records().to_table().to_pylist()}


# The queue


def test_each_class_in_turn_names_a_record(made: Made) -> None:
    """The best of each class is asked before the second of any; no record stands twice, and only train is asked."""
    queue = whole(made).queue(30, strategy="margin")
    assert [item.reason.partition(":")[0] for item in queue[:6]] == ["python", "pandas", "sql"] * 2
    assert len({item.record for item in queue}) == 30
    rows = lk_rows(made)
    assert {rows[item.record]["split"] for item in queue} == {"train"}


def test_a_class_asks_what_it_would_ask_alone(made: Made) -> None:
    """Its own records, in its own order, less those that another class named before."""
    queue = whole(made).queue(15, strategy="margin")
    alone = [item.record for item in whole(made)["sql"].queue(30, strategy="margin")]
    mine = [item.record for item in queue if item.reason.startswith("sql:")]
    assert mine == sorted(mine, key=alone.index)
    assert mine[0] == next(record for record in alone if record not in {item.record for item in queue[:2]})


def test_what_is_said_of_a_record_is_about_all_classes(made: Made) -> None:
    """The suggestion is each class's own belief, votes name class and function."""
    project = whole(made)
    item = project.queue(1, strategy="margin")[0]
    assert item.suggestion is not None
    labels = {row["id"]: row for row in project.labels().to_pylist()}
    assert list(classes_in(item.suggestion)) == labels[item.record]["labels"]
    assert list(set_in(item.suggestion)) == list(WORDS)
    for name in WORDS:
        own = project[name].votes()
        row = own.votes[own.ids.to_pylist().index(item.record)].tolist()
        said = {function: ("no", "yes")[vote] for function, vote in zip(own.names, row, strict=True) if vote >= 0}
        mine = {key.partition(": ")[2]: vote for key, vote in item.votes.items() if key.startswith(f"{name}: ")}
        assert mine == said


def test_a_learner_of_each_class_ranks(made: Made) -> None:
    """Strategies that need one have it, and its doubts are the reason."""
    project = whole(made)
    project.simulate("tags", strategy="random", budget=20)
    queue = project.queue(6, strategy="committee")
    assert {item.strategy for item in queue} == {"committee"}
    assert all("learner" in item.reason for item in queue)


def test_a_class_that_was_applied_alone_to_other_records_is_found(made: Made) -> None:
    """What the classes say would not fit together."""
    made.write("questions.csv", f"{(made.root / 'questions.csv').read_text()}q999,select where,sql,train\n")
    whole(made)["sql"].apply()
    with pytest.raises(ArtifactError, match=r"votes on class .sql.: of other records; run `labelkit apply` again"):
        whole(made).queue(1)


# Answers


def test_answers_count_for_every_class(made: Made) -> None:
    """A set says yes of its classes and no of the others, and is certain."""
    project = whole(made)
    project.answer("q3", ["sql", "python"], annotator="ana")
    project.answer("q4", [], annotator="ana")
    project.answer("q5", None, annotator="ana")
    assert project.answers() == {
        "q3": {"python": True, "pandas": False, "sql": True},
        "q4": {"python": False, "pandas": False, "sql": False},
    }
    project.apply()
    labels = {row["id"]: row for row in project.labels().to_pylist()}
    assert (labels["q3"]["labels"], labels["q3"]["source"], labels["q3"]["p_pandas"]) == (["python", "sql"], "human", 0)
    assert (labels["q4"]["labels"], labels["q4"]["undecided"]) == ([], [])
    assert labels["q5"]["source"] == "model"


def test_a_class_that_joins_later_was_not_answered(made: Made) -> None:
    """Who answered before it was there said nothing of it, so its records are asked again, by others."""
    whole(made).answer("q3", ["sql"], annotator="ana")
    made.write("labelkit.toml", TOML.replace('"sql"]', '"sql", "regex"]'))
    made.write("labeling_functions/regex/words.py", (made.root / "labeling_functions/sql/words.py").read_text())
    project = whole(made)
    project.apply()
    labels = {row["id"]: row for row in project.labels().to_pylist()}
    assert project.answers() == {"q3": {"python": False, "pandas": False, "sql": True}}
    assert labels["q3"]["source"] == "model"
    asked = [item for item in wanted_of(project.folder).ranked("margin", annotator="ben") if item.record == "q3"]
    wanted = ["regex"] if lk_rows(made)["q3"]["split"] == "train" else []
    assert [item.reason.partition(":")[0] for item in asked] == wanted


def test_a_class_that_joins_later_is_asked_of_those_who_answered(made: Made) -> None:
    """The store hands out what the queue names: their answers do not count as answers to the new class."""
    wanted = [record for record, row in lk_rows(made).items() if row["split"] == "train"]
    for record in wanted:
        whole(made).answer(record, ["sql"], annotator="ana")
    made.write("labelkit.toml", TOML.replace('"sql"]', '"sql", "regex"]'))
    made.write("labeling_functions/regex/words.py", (made.root / "labeling_functions/sql/words.py").read_text())
    whole(made).apply()
    for who in ("ana", "ben"):
        with Sessions(whole(made).folder, retrain=False) as sessions, sessions.open(who) as session:
            question = session.next()
            assert question is not None
            said = session.answer(question.record, set_text(["regex"], [*WORDS, "regex"]), f"op-{who}")
            assert said.meanwhile == ()
            assert question.record in wanted


@pytest.mark.parametrize("label", ["sql", '["sql"]', '{"sql": 1}', '{"cobol": true}'])
def test_an_answer_that_is_no_set_of_classes_is_refused(made: Made, label: str) -> None:
    """A person cannot answer what nobody could read."""
    project = whole(made)
    with Sessions(project.folder, retrain=False) as sessions, sessions.open("ana") as session:
        question = session.next()
        assert question is not None
        with pytest.raises(AnswerError):
            session.answer(question.record, label, "op-1")
    assert project.answers() == {}


def test_one_class_takes_no_answers(made: Made) -> None:
    """An answer is about all of them."""
    with pytest.raises(UsageError, match='names all classes of a record, not "sql" alone'):
        whole(made)["sql"].answer("q3", "yes", annotator="ana")
    said = made.run("annotate", "--class", "sql", code=2).stderr
    assert said == "labelkit: error: people are asked about all classes of a record at once; leave --class out\n"


# Sessions


def asked(session: AnnotationSession, n: int, made: Made) -> Iterator[str]:
    """Answer n questions by the tags, and say which."""
    for number in range(n):
        question = session.next()
        assert question is not None
        session.answer(question.record, tags(made, question.record), f"{session.annotator}-{number}")
        yield question.record


def test_a_session_asks_and_marks_what_rules_saw(made: Made) -> None:
    """Rules of all classes are marked, each under its class."""
    with Sessions(whole(made).folder, strategy="random", retrain=False) as sessions, sessions.open("ana") as session:
        question = session.next()
        assert question is not None
        assert session.several
        marked = {function for _, _, function in question.highlights.get("text", ())}
        seen = set(str(question.fields["text"]).split())
        rules = {f"{name}: last" for name, words in WORDS.items() if seen & set(words[1:])}
        assert marked == rules
        assert len(list(asked(session, 5, made))) == 5
    assert len(whole(made).answers()) == 5


def test_the_learner_beside_ranks_anew(made: Made) -> None:
    """A process learns each class from everybody's answers, and says what it learned from."""
    with Sessions(whole(made).folder, strategy="hybrid", retrain=True) as sessions, sessions.open("ana") as session:
        list(asked(session, 4, made))
        until = time.monotonic() + 60
        while time.monotonic() < until and not (sessions.learned and sessions.learned.answers == 4):
            time.sleep(0.2)
        assert sessions.learned is not None
        assert (sessions.learned.failure, sessions.learned.answers) == ("", 4)
        assert sessions.learned.items
        assert "the learner" in sessions.learned.items[0].reason


def test_people_who_differ_are_decided_between(made: Made) -> None:
    """Whole answers differ; the adjudicator sees them as people read them, and what they decide stands."""
    project = whole(made)
    project.answer("q3", ["sql"], annotator="ana")
    project.answer("q3", [], annotator="ben")
    with Sessions(project.folder, adjudicate=True, retrain=False) as sessions, sessions.open("cem") as session:
        question = session.next()
        assert question is not None
        assert question.item.reason == "ana says sql; ben says none of the classes"
        session.answer("q3", set_text(["pandas"], list(WORDS)), "decided")
    assert project.answers()["q3"] == {"python": False, "pandas": True, "sql": False}


def test_people_who_were_asked_of_other_classes_do_not_differ(made: Made) -> None:
    """Classes in another order, or of which one was not asked, are nothing to decide; a contradiction is."""
    toml = (made.root / "labelkit.toml").read_text()
    for who, classes in (("ana", '"python", "pandas"'), ("ben", '"pandas", "sql", "python"')):
        made.write("labelkit.toml", toml.replace('"python", "pandas", "sql"', classes))
        whole(made).answer("q3", ["python", "pandas"], annotator=who)
        whole(made).answer("q4", ["python"] if who == "ana" else ["sql"], annotator=who)
    made.write("labelkit.toml", toml)
    found = agreement(whole(made).folder)
    assert (found.disputed, [person.agreed for person in found.people]) == (["q4"], [1, 1])
    with Sessions(whole(made).folder, adjudicate=True, retrain=False) as sessions, sessions.open("cem") as session:
        question = session.next()
        assert question is not None
        assert (question.record, question.item.reason) == ("q4", "ana says python; ben says sql")


# Files and columns


def test_questions_go_out_and_come_back(made: Made, tmp_path: Path) -> None:
    """A line has a list of classes, in the suggestion and in the answer."""
    printed(made, "annotate", "--queue", "4", "--out", str(tmp_path / "questions.jsonl"), "--annotator", "ana")
    lines = [json.loads(line) for line in (tmp_path / "questions.jsonl").read_text().splitlines()]
    assert all(isinstance(line["suggestion"], list) for line in lines)
    answers = tmp_path / "answers.jsonl"
    answers.write_text("".join(json.dumps({"id": line["id"], "labels": line["suggestion"]}) + "\n" for line in lines))
    for _ in range(2):
        printed(made, "annotate", "--answers", str(answers), "--annotator", "ana")
    said = whole(made).answers()
    assert {record: [name for name, yes in of.items() if yes] for record, of in said.items()} == {
        line["id"]: line["suggestion"] for line in lines
    }


def test_a_class_that_joins_while_questions_are_out_was_not_asked(made: Made, tmp_path: Path) -> None:
    """The question says which classes there were; one of the new ones that is named counts, and a list is a list."""
    printed(made, "annotate", "--queue", "3", "--out", str(tmp_path / "questions.jsonl"), "--annotator", "ana")
    first, second, third = map(json.loads, (tmp_path / "questions.jsonl").read_text().splitlines())
    made.write("labelkit.toml", TOML.replace('"sql"]', '"sql", "regex"]'))
    answers = tmp_path / "answers.jsonl"
    lines = [{**first, "labels": ["sql"]}, {**second, "labels": ["regex"]}, {"id": third["id"], "labels": []}]
    answers.write_text("\n".join(map(json.dumps, lines)))
    printed(made, "annotate", "--answers", str(answers), "--annotator", "ana")
    said = whole(made).answers()
    assert [said[line["id"]].get("regex") for line in (first, second, third)] == [None, True, False]
    answers.write_text(json.dumps({**first, "labels": ["sql"], "classes": "sql"}))
    refused = made.run("annotate", "--answers", str(answers), "--annotator", "ana", code=2).stderr
    assert 'line 1: "classes" must be a list of classes, not "sql"' in refused
    answers.write_text(json.dumps({**first, "labels": [], "classes": ["gone"]}))
    refused = made.run("annotate", "--answers", str(answers), "--annotator", "ana", code=2).stderr
    assert "line 1: none of its classes is one of the project any more" in refused


def test_lines_that_do_not_hold_are_named(made: Made, tmp_path: Path) -> None:
    """All of them, and none is stored."""
    (tmp_path / "answers.jsonl").write_text(
        '{"id": "q1", "label": "sql"}\n{"id": "q2", "labels": ["sqk"]}\n{"id": "q3", "labels": "sql"}\n'
        '{"id": "q4", "labels": [], "skip": true}\n{"id": "q5"}\n'
    )
    said = made.run("annotate", "--answers", str(tmp_path / "answers.jsonl"), "--annotator", "ana", code=2).stderr
    assert said == (
        'labelkit: error: answers.jsonl: line 1: unknown key "label"; write "labels"\n'
        'labelkit: error: answers.jsonl: line 2: unknown class "sqk"; did you mean "sql"?\n'
        'labelkit: error: answers.jsonl: line 3: "labels" must be a list of classes, not "sql"\n'
        'labelkit: error: answers.jsonl: line 4: both "labels" and "skip"; write one of them\n'
        'labelkit: error: answers.jsonl: line 5: no answer; write "labels": ["<class name>", ...] or "skip": true\n'
    )
    assert whole(made).answers() == {}


def test_a_column_answers_for_experiments(made: Made) -> None:
    """It is read as gold is; the answers are those of nobody."""
    done = whole(made).simulate("tags", strategy="margin", budget=10)
    assert (done.labelled, done.skipped) == (10, 0)
    said = whole(made).answers()
    assert {record: set_text([n for n, yes in of.items() if yes], list(WORDS)) for record, of in said.items()} == {
        record: tags(made, record) for record in said
    }
    with pytest.raises(DataError, match=r'column "split": "t.*" is no class; classes are "python", "pandas", "sql"'):
        whole(made).simulate("split")


def test_agreement_is_told_of_whole_answers_and_of_each_class(made: Made) -> None:
    """Two people who differ in one class agree on the others."""
    project = whole(made)
    for number in range(6):
        project.answer(f"q{number}", ["sql"] if number % 2 else [], annotator="ana")
        project.answer(f"q{number}", (["sql"] if number % 2 else []) + ["pandas"] * (number == 0), annotator="ben")
    said = json.loads(printed(made, "annotate", "--agreement", "--json"))
    assert said["human_level"] == pytest.approx(10 / 12)
    assert (said["disputed"], said["people"][0]["confused"]) == (["q0"], {"pandas -> none of the classes": 1})
    assert [said["classes"][name]["human_level"] for name in WORDS] == pytest.approx([1, 10 / 12, 1])
