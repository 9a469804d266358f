"""`labelkit augment`: new records with parent, functions and seed; the same each time; none across a split."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelkit.errors import AnswerIsNo, ArtifactError, DataError, FunctionError, UsageError
from labelkit.labeling.transformations import Policy, as_transformation, checked_policy
from labelkit.pipeline.transforming import seed_of, seeded
from projects import Made, MakeProject, comments, printed

TOML = "[model]\nname = 'majority'\n[apply]\nworkers = 1\n"
OURS = """
import random
import labelkit as lk

@lk.transformation_function()
def drops_a_word(x):
    words = x.text.split()
    del words[random.randrange(len(words))]
    x.text = " ".join(words)
    return x

@lk.transformation_function()
def thanks(x):
    if "song" not in x.text:
        return None
    x.text += " thanks"
    return x
"""
SNORKELS = """
import numpy as np
from snorkel.augmentation import ApplyEachPolicy, RandomPolicy, TransformationFunction, transformation_function
from snorkel.preprocess import preprocessor

@preprocessor()
def _lower(x):
    x.low = x.text.lower()
    return x

@transformation_function(pre=[_lower])
def swaps(x):
    words = x.low.split()
    i = np.random.choice(len(words))
    words[0], words[i] = words[i], words[0]
    x.text = " ".join(words)
    return x

class Shouts(TransformationFunction):
    def run(self, text):
        return {"text": text.upper()}

shouts = Shouts("shouts", field_names={"text": "text"})
policy = RandomPolicy(2, sequence_length=2, n_per_original=3, keep_original=True)
"""


def project(make_project: MakeProject, functions: str = OURS, **more: Any) -> Made:
    """A project with transformation functions."""
    made = make_project(**{"toml": TOML, "rows": comments(80, seed=3), **more})
    made.write("transformations/a.py", functions)
    return made


def rows(made: Made, name: str = "augmented.parquet") -> list[dict[str, Any]]:
    """The new records."""
    found: list[dict[str, Any]] = pq.read_table(made.root / name).to_pylist()
    return found


def test_each_new_record_names_parent_functions_and_seed(make_project: MakeProject) -> None:
    """And stays on the split of its parent, which is train."""
    made = project(make_project)
    report = made.project.augment(policy="each", seed=7)
    by_id = {row["id"]: row for row in comments(80, seed=3)}
    found = rows(made)
    assert report.records == len(found) > report.parents / 2
    assert report.parents == sum(row["split"] == "train" for row in by_id.values())
    for row in found:
        parent = by_id[row["augmented_from"]]
        assert row["split"] == parent["split"] == "train"
        number = int(row["id"].removeprefix(f"{parent['id']}~"))
        assert row["augmented_seed"] == seed_of(7, parent["id"], number)
        assert row["augmented_by"] == [["drops_a_word"], ["thanks"]][number - 1]
        if row["augmented_by"] == ["thanks"]:
            assert row["text"] == f"{parent['text']} thanks"
        else:
            with seeded(row["augmented_seed"]):  # what the seed is for: this record, by itself
                words = parent["text"].split()
                del words[random.randrange(len(words))]
            assert row["text"] == " ".join(words)
    assert "gold" not in found[0]


def test_equal_seeds_give_equal_bytes_and_others_do_not(make_project: MakeProject) -> None:
    """Whatever state the global generators are in, and they are left as they were."""
    made = project(make_project)
    made.project.augment(out="a.parquet", seed=1, per_record=2)
    random.seed(99)
    np.random.seed(99)
    before = random.getstate()
    made.project.augment(out="b.parquet", seed=1, per_record=2)
    assert random.getstate() == before
    made.project.augment(out="c.parquet", seed=2, per_record=2)
    first, second, other = ((made.root / f"{name}.parquet").read_bytes() for name in "abc")
    assert first == second != other


def test_a_record_is_augmented_alike_whatever_others_there_are(make_project: MakeProject) -> None:
    """Its new records follow from its id and the seed alone."""
    few, many = project(make_project, folder="few", rows=comments(80, seed=3)[20:60]), project(make_project)
    few.project.augment(per_record=2)
    many.project.augment(per_record=2)
    of_many = {row["id"]: row for row in rows(many)}
    assert rows(few)
    assert all(of_many[row["id"]] == row for row in rows(few))


def test_snorkels_functions_and_policies_are_taken_as_they_are(make_project: MakeProject) -> None:
    """Decorated and subclassed, with preprocessors; the policy says how many, and draws the same each time."""
    made = project(make_project, SNORKELS)
    report = made.project.augment()
    found = rows(made)
    assert set(report.by_function) == {"swaps", "shouts"}
    assert all(len(row["augmented_by"]) == 2 for row in found)
    per_parent = [
        sum(row["augmented_from"] == parent for row in found) for parent in {r["augmented_from"] for r in found}
    ]
    assert 1 < max(per_parent) <= 3
    first = (made.root / "augmented.parquet").read_bytes()
    made.project.augment()
    assert (made.root / "augmented.parquet").read_bytes() == first
    assert made.project.augment(policy="all").records < len(found)


def test_a_preprocessor_is_no_transformation() -> None:
    """Snorkel's own classes for preprocessing stay what they are; so does anything else."""
    from snorkel.preprocess import Preprocessor

    class Lower(Preprocessor):  # type: ignore[misc]
        def run(self, text: str) -> dict[str, str]:
            return {"text": text.lower()}

    assert as_transformation(Lower("lower")) is None
    assert as_transformation(SimpleNamespace()) is None


@pytest.mark.parametrize(
    ("policy", "sequences"),
    [
        (Policy("each"), [[0], [1], [2]]),
        (Policy("all", per_record=2), [[0, 1, 2], [0, 1, 2]]),
    ],
)
def test_policies_say_which_functions_are_applied(policy: Policy, sequences: list[list[int]]) -> None:
    """Each by itself, or all in order."""
    assert policy.sequences(3, np.random.default_rng(5)) == sequences


def test_a_random_policy_draws_all_functions_alike() -> None:
    """As many as asked for, each as likely as any other, the same from the same seed."""
    policy = Policy("random", per_record=300, length=4)
    drawn = policy.sequences(3, np.random.default_rng(5))
    assert drawn == policy.sequences(3, np.random.default_rng(5))
    assert {len(one) for one in drawn} == {4}
    counts = np.bincount(np.concatenate(drawn), minlength=3)
    assert (abs(counts - 400) < 60).all()


@pytest.mark.parametrize("wrong", [("some", 1, 1), ("random", 0, 1), ("random", 1, 1001)])
def test_a_policy_that_cannot_be_is_refused(wrong: tuple[str, int, int]) -> None:
    """By name or number."""
    with pytest.raises(UsageError):
        checked_policy(*wrong)


def test_what_changes_nothing_is_no_new_record(make_project: MakeProject) -> None:
    """A copy of the parent, or of another new record, teaches nothing; it is counted."""
    same = "import labelkit as lk\n@lk.transformation_function()\ndef same(x):\n    return x\n"
    same += "@lk.transformation_function()\ndef shouts(x):\n    x.text = x.text.upper()\n    return x\n"
    made = project(make_project, same)
    report = made.project.augment(policy="each")
    assert (report.records, report.unchanged) == (report.parents, report.parents)
    report = made.project.augment(policy="all", per_record=3)
    assert (report.records, report.unchanged) == (report.parents, 2 * report.parents)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("raise KeyError('x')", "KeyError", "'x'"),
        ("raise SystemExit(3)", "SystemExit", "3"),
        ("x.text = 7\n    return x", "ValueError", 'the field "text" is large_string, and became 7'),
        ("del x.text\n    return x", "ValueError", 'the field "text" is gone; return the row'),
        ("return x.text", "ValueError", 'the field "text" is gone; return the row'),
    ],
)
def test_a_function_that_fails_costs_that_record(make_project: MakeProject, body: str, kind: str, said: str) -> None:
    """Counted, named with its line, and augment exits with 1 beyond --max-faults of apply."""
    made = project(make_project, f"import labelkit as lk\n@lk.transformation_function()\ndef breaks(x):\n    {body}\n")
    report = made.project.augment()
    assert (report.records, report.fault_count, report.exit_code) == (0, report.parents, 1)
    fault = report.faults[0]
    assert (fault.function, fault.exception, fault.message, fault.place) == (
        *("breaks", kind, said),
        "transformations/a.py:2",
    )


def test_the_run_records_what_was_made(make_project: MakeProject) -> None:
    """Functions, seed, policy and the file's hash; the file names its run."""
    made = project(make_project)
    report = made.project.augment(seed=3, length=2)
    run = made.project.run(report.run).run
    assert (run.verb, run.parameters["seed"], run.parameters["policy"]) == ("augment", 3, "random")
    assert set(run.inputs["functions"]) == {"drops_a_word", "thanks"}
    assert run.counts["written"] == report.records
    assert pq.read_schema(made.root / "augmented.parquet").metadata[b"labelkit.run"].decode() == report.run


def test_the_command_says_what_came_out(make_project: MakeProject) -> None:
    """A table of functions, and how to let the gate look at the file."""
    made = project(make_project)
    said = printed(made, "augment", "--policy", "each")
    assert said.splitlines()[0].split() == ["function", "new", "records"]
    assert said.splitlines()[1].startswith("drops_a_word")
    assert said == f"{made.project.augment(policy='each')}\n"
    done = json.loads(printed(made, "augment", "--json"))
    assert (done["file"], done["named"]) == ("augmented.parquet", False)


@pytest.mark.parametrize(
    ("functions", "said"),
    [
        ("x = 1", "transformations/: no transformation function in any .py file of it"),
        ("raise ValueError('no')", "transformations/a.py:1: ValueError: no"),
        (OURS + OURS.replace("import random", "").replace("x.text +=", "x.text =").replace("drops", "loses"), "two tr"),
        (SNORKELS + "\nother = ApplyEachPolicy(2)\n", "transformations/: 2 policies; which one counts?"),
        (SNORKELS.replace("RandomPolicy(2", "RandomPolicy(5"), "the policy is for 5 functions, and there are 2"),
    ],
)
def test_functions_that_cannot_be_used_are_named(make_project: MakeProject, functions: str, said: str) -> None:
    """Before anything is written."""
    made = project(make_project, functions)
    if said == "two tr":
        made.write("transformations/b.py", OURS.replace('thanks"', 'thank you"'))
        made.write("transformations/a.py", OURS)
    with pytest.raises(FunctionError, match=said):
        made.project.augment()
    assert not (made.root / "augmented.parquet").exists()


def test_without_the_folder_it_is_said_what_belongs_there(make_project: MakeProject) -> None:
    """It is not a project's duty to have one."""
    with pytest.raises(
        FunctionError, match=r"transformations/: no such folder; transformation functions are .py files"
    ):
        make_project(toml=TOML).project.augment()


def test_without_train_records_nothing_is_made(make_project: MakeProject) -> None:
    """No other split is augmented."""
    test_only = [{**row, "split": "test"} for row in comments(20, seed=3)]
    made = project(make_project, rows=test_only)
    made.write("augmented.parquet", "of earlier records")
    with pytest.raises(DataError, match='no record is on split "train"; no other is augmented'):
        made.project.augment()
    assert (made.root / "augmented.parquet").read_text() == "of earlier records"


def test_records_are_never_written_over(make_project: MakeProject) -> None:
    """A file that is named by mistake."""
    made = project(make_project)
    data = made.project.folder.data_path
    before = data.read_bytes()
    with pytest.raises(UsageError, match="the project has its records there"):
        made.project.augment(out=data)
    assert data.read_bytes() == before


def test_without_a_split_all_records_are_parents(make_project: MakeProject) -> None:
    """There is nothing to keep apart then."""
    made = project(make_project, gold=False)
    assert made.project.augment().parents == 80


def suite(made: Made) -> None:
    """A suite that lets no leak pass."""
    made.write(
        "expectations/augmented.json",
        json.dumps(
            {
                "name": "augmented",
                "expectations": [
                    {
                        "type": "expect_column_values_to_be_in_set",
                        "kwargs": {"column": "leak", "value_set": [0]},
                        "meta": {},
                    }
                ],
                "meta": {"labelkit": {"table": "augmented"}},
            }
        ),
    )


def named(made: Made) -> None:
    """Let labelkit.toml name the file."""
    toml = made.root / "labelkit.toml"
    toml.write_text(toml.read_text().replace('fields = ["text"]', 'fields = ["text"]\naugmented = "augmented.parquet"'))


def test_training_takes_new_records_with_the_labels_of_their_parents(make_project: MakeProject) -> None:
    """Behind the others, those whose parent has a label; nothing is trained on a file that is not what was written."""
    made = project(make_project)
    named(made)
    suite(made)
    made.project.augment()
    made.project.apply()
    made.project.validate().raise_if_failed()
    plain = made.project.training_set()
    whole = made.project.training_set(augmented="augmented.parquet")
    labels = dict(zip(plain.column("id").to_pylist(), plain.column("label").to_pylist(), strict=True))
    more = whole.slice(plain.num_rows).to_pylist()
    assert whole.slice(0, plain.num_rows).drop_columns(["augmented_from"]).equals(plain)
    assert {row["id"] for row in more} == {row["id"] for row in rows(made) if row["augmented_from"] in labels}
    assert all(row["label"] == labels[row["augmented_from"]] for row in more)
    with pytest.raises(DataError, match='augmented records are for split "train", not for "test"'):
        made.project.training_set("test", augmented="augmented.parquet")
    table = pq.read_table(made.root / "augmented.parquet")
    pq.write_table(table.slice(1), made.root / "augmented.parquet")
    with pytest.raises(AnswerIsNo, match=r"augmented.parquet is not what run .* wrote"):
        made.project.training_set(augmented="augmented.parquet")


def test_training_refuses_records_made_of_other_data(make_project: MakeProject) -> None:
    """Records that changed since may have changed sides."""
    made, other = project(make_project), project(make_project, rows=comments(70, seed=4), folder="other")
    other.project.augment()
    suite(made)
    named(made)
    shutil.copy(other.root / "augmented.parquet", made.root)
    shutil.copytree(other.root / ".labelkit" / "runs", made.root / ".labelkit" / "runs")
    (made.root / "expectations" / "augmented.json").write_text(
        (made.root / "expectations" / "augmented.json").read_text().replace("[0]", "[0, 1]")
    )
    made.project.apply()
    made.project.validate().raise_if_failed()
    with pytest.raises(AnswerIsNo, match="was made of other records than those that passed"):
        made.project.training_set(augmented="augmented.parquet")


@pytest.mark.parametrize("leak", ["parent on test", "moved to test", "no parent", "says what a test record says"])
def test_the_gate_finds_a_leak(make_project: MakeProject, leak: str, tmp_path: Path) -> None:
    """Whichever way a new record got to the other side."""
    from labelkit.lineage import hash_file
    from labelkit.pipeline.evidence import evidence_of, run_behind
    from labelkit.validation.facts import fact_table

    made = project(make_project)
    made.project.augment(policy="each")
    named(made)
    made.project.apply()
    table = pq.read_table(made.root / "augmented.parquet")
    test = next(row for row in comments(80, seed=3) if row["split"] == "test")
    changed = table.to_pylist()
    changed[0] |= {
        "parent on test": {"augmented_from": test["id"]},
        "moved to test": {"split": "test"},
        "no parent": {"augmented_from": "nobody"},
        "says what a test record says": {"text": test["text"].upper()},
    }[leak]
    pq.write_table(pa.Table.from_pylist(changed, table.schema), made.root / "augmented.parquet")
    folder, labels, records = made.project.folder, made.project.labels(), made.project.records()
    digest, run = hash_file(folder.labels_path), run_behind(folder, labels)
    facts = fact_table(evidence_of(folder, labels, digest, records, records.fingerprint(), run), "augmented")
    assert facts.column("leak").to_pylist() == [1] + [0] * (table.num_rows - 1)


@pytest.mark.parametrize("content", [None, b"PAR1"])
def test_a_file_that_is_none_stops_the_gate(make_project: MakeProject, content: bytes | None) -> None:
    """A suite that reads it cannot be answered."""
    made = project(make_project)
    named(made)
    suite(made)
    made.project.apply()
    if content is not None:
        (made.root / "augmented.parquet").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"augmented.parquet: no file of augmented records; run `labelkit augment`"):
        made.project.validate()


def test_openlineage_is_told_what_was_read_and_written(make_project: MakeProject) -> None:
    """The records, and the file of new ones."""
    made = project(make_project, toml=f"{TOML}[lineage]\nopenlineage = 'events.jsonl'\n")
    made.project.augment()
    events = [json.loads(line) for line in (made.root / "events.jsonl").read_text().splitlines()]
    done = events[-1]
    assert done["job"]["name"].endswith("augment")
    assert [Path(each["name"]).name for each in done["inputs"]] == ["comments.csv"]
    assert [Path(each["name"]).name for each in done["outputs"]] == ["augmented.parquet"]
