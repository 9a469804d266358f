"""`labelkit replay`: the same bytes again, or what stands in the way."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import labelkit as lk
from applied_projects import FAST, applied
from labelkit.errors import ArtifactError, UsageError
from labelkit.lineage import RunStore
from projects import FUNCTIONS, Made, MakeProject, comments, printed, write_csv
from repositories import commit_all

GOLDEN = Path(__file__).parent / "golden"
RULES = """
import labelkit as lk

music = lk.rules.keywords("music", ["guitar", "song"], field="text", label="ham")
money = lk.rules.keywords("money", ["win", "free"], field="text", label="spam")

@lk.labeling_function()
def long(x):
    return "spam" if len(x.text) > 30 else lk.ABSTAIN
"""


def test_a_run_is_repeated_to_the_byte(make_project: MakeProject) -> None:
    """Another process makes the same labels, votes and model; nothing of the project changes."""
    made = applied(make_project, FUNCTIONS)
    before = {path: path.read_bytes() for path in made.root.rglob("*") if path.is_file()}
    done = made.project.replay()
    assert done.identical
    assert done.functions == "the working tree"
    assert set(done.repeats[0].identical) == {"labels.parquet", "model.json", "model.npz", "rules.json", "votes.arrow"}
    assert {path: path.read_bytes() for path in made.root.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_what_people_said_later_does_not_count(make_project: MakeProject) -> None:
    """Answers are those of then, whatever was added and taken back since."""
    made = make_project(toml=FAST)
    store = lk.AnnotationStore.open(made.project.folder.store_url)
    store.add("c30", "spam", "ana", "", "op-1")
    made.project.apply()
    store.undo("ana", "op-2")
    store.add("c31", "spam", "ana", "", "op-3")
    assert made.project.replay().identical


@pytest.mark.slow
def test_settings_are_those_of_the_record(make_project: MakeProject) -> None:
    """A label model chosen since then does not stand in the way."""
    made = applied(make_project, FUNCTIONS)
    toml = (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", toml.replace("dawid_skene", "majority").replace("[apply]", "seed = 5\n[apply]"))
    made.project.apply()
    assert made.project.replay("previous").identical


@pytest.mark.slow
def test_functions_come_from_the_commit_where_the_tree_moved_on(make_project: MakeProject) -> None:
    """A run of committed functions is repeated after they were edited."""
    made = make_project(toml=FAST)
    commit = commit_all(made.root)
    made.project.apply()
    made.write("labeling_functions/first.py", RULES)
    done = made.project.replay()
    assert done.identical
    assert done.functions == f"commit {commit[:12]}"


def test_functions_that_are_lost_are_named(make_project: MakeProject) -> None:
    """Edited, new and removed files are told apart, and nothing is repeated."""
    made = make_project(toml=FAST)
    made.write("labeling_functions/words.txt", "a")
    made.project.apply()
    made.write("labeling_functions/first.py", FUNCTIONS + "\n")
    made.write("labeling_functions/more.txt", "b")
    (made.root / "labeling_functions" / "words.txt").unlink()
    done = made.project.replay()
    assert (done.identical, done.repeats, done.exit_code) == (False, (), 1)
    said = [re.sub(r"[0-9a-f]{12}", "HASH", line) for line in done.different]
    assert said == [
        "labeling_functions/first.py changed: HASH then, HASH now",
        "labeling_functions/more.txt is new: (none) then, HASH now",
        "labeling_functions/words.txt is gone: HASH then, (none) now",
    ]


def test_changed_data_is_named(make_project: MakeProject) -> None:
    """Another record, another run: the fingerprints of then and now are shown."""
    made = applied(make_project, FUNCTIONS)
    write_csv(made.root / "data" / "comments.csv", comments(201, seed=3))
    (said,) = made.project.replay().different
    assert re.fullmatch(r"data data/comments\.csv changed: [0-9a-f]{12} then, [0-9a-f]{12} now", said)


def test_answers_that_are_gone_are_named(make_project: MakeProject) -> None:
    """Labels that people settled cannot be repeated without what they said."""
    made = make_project(toml=FAST)
    made.project.answer("c30", "spam", annotator="ana")
    made.project.apply()
    (made.root / ".labelkit" / "annotations.db").unlink()
    (said,) = made.project.replay().different
    assert re.fullmatch(r"answers of people up to then: [0-9a-f]{12} then, \(none\) now", said)


def test_a_function_that_throws_dice_is_found_out(make_project: MakeProject) -> None:
    """Where the same inputs give other bytes, the function and the first record are named."""
    dice = "\nimport random\n\n@lk.labeling_function()\ndef dice(x):\n    return random.choice([0, 1])\n"
    made = applied(make_project, FUNCTIONS + dice)
    done = made.project.replay()
    (repeat,) = done.repeats
    assert not done.identical
    assert not repeat.identical["votes.arrow"]
    (note,) = repeat.notes
    assert re.fullmatch(r"function dice votes otherwise on \d+ records, first on c\d+", note)


@pytest.mark.slow
def test_other_versions_are_named_and_tried(make_project: MakeProject) -> None:
    """A run of an older library is repeated with the one at hand, and the page says so."""
    made = applied(make_project, FUNCTIONS)
    store = RunStore(made.root / ".labelkit" / "runs")
    run = made.project.run().run
    store.write(run.with_(versions={**run.versions, "numpy": "1.0"}))
    done = made.project.replay()
    assert len(done.versions) == 1
    assert done.versions[0].startswith("numpy 1.0 then, ")
    assert done.identical


def test_only_apply_is_repeated(made: Made) -> None:
    """What people or a gate decided is not computed anew."""
    made.project.validate()
    run = next(line.run for line in made.project.runs() if line.record and line.record.verb == "validate")
    with pytest.raises(UsageError, match=f"run {run} is one of validate; only apply can be repeated"):
        made.project.replay(run)


def test_a_record_that_says_too_little_is_refused(make_project: MakeProject) -> None:
    """A record that somebody else wrote may be whole and still not be enough."""
    made = applied(make_project, FUNCTIONS)
    store, run = RunStore(made.root / ".labelkit" / "runs"), made.project.run().run
    store.write(run.with_(parameters={"seed": 0}))
    with pytest.raises(ArtifactError, match="its record says nothing of classes, id, fields, model, max_faults"):
        made.project.replay()
    with pytest.raises(ArtifactError, match="its record says nothing of classes"):
        made.project.diff("current", "current")
    with pytest.raises(ArtifactError, match="its record says nothing of classes"):
        made.project.explain("c3")


def test_the_page_is_what_it_was(make_project: MakeProject) -> None:
    """What a person reads of a run that was repeated, and of one that cannot be."""
    made = applied(make_project, FUNCTIONS)
    good = printed(made, "replay", "--workers", "1")
    write_csv(made.root / "data" / "comments.csv", comments(20, seed=3))
    text = good + "---\n" + printed(made, "replay", code=1)
    text = re.sub(r"\b[0-9a-f]{12}\b", "c0ffee", re.sub(r"\b[0-9a-f]{16}\b", "0123456789abcdef", text))
    assert text == (GOLDEN / "replay.txt").read_text(encoding="utf-8")
    assert json.loads(printed(made, "replay", "--json", code=1))["identical"] is False


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes(make_project: MakeProject) -> None:
    """Several chunks by one, two and three processes: one sequence of bytes."""
    rows = [
        {"id": f"r{i}", "text": f"{w} number {i}", "gold": "", "split": ""}
        for i, w in enumerate(["free", "song", "win the guitar", "nothing"] * 50_000)
    ]
    made = make_project(rows=rows, functions=RULES, gold=False, toml=FAST.replace("workers = 1", "workers = 2"))
    made.project.apply()
    done = made.project.replay(workers=(1, 2, 3))
    assert done.identical
    assert [repeat.workers for repeat in done.repeats] == [1, 2, 3]
