"""`labelkit runs`: what was done, and what became of the labels from one run or revision to another."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from applied_projects import EDITED, FAST, applied
from labelkit.errors import ArtifactError, DataError, FunctionError, UsageError
from projects import FUNCTIONS, Made, MakeProject, comments, printed, write_csv
from repositories import commit_all, git

GOLDEN = Path(__file__).parent / "golden"


def masked(text: str) -> str:
    """Text without what differs from run to run."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", "2020-01-02T03:04:05Z", text)
    return re.sub(r"\b[0-9a-f]{12}\b", "c0ffee", re.sub(r"\b[0-9a-f]{16}\b", "0123456789abcdef", text))


def test_two_runs_are_compared_record_by_record(make_project: MakeProject) -> None:
    """Flips are the records whose labels differ in the two files, each with one cause."""
    made = applied(make_project, FUNCTIONS, EDITED)
    found = made.project.diff()
    folder = made.root / ".labelkit" / "runs"
    old, new = (pq.read_table(folder / side.run / "labels.parquet") for side in (found.before, found.after))
    rows = zip(old.to_pylist(), new.to_pylist(), strict=True)
    expected = [(a["id"], a["label"], b["label"]) for a, b in rows if a["label"] != b["label"]]
    assert [(row["id"], row["before"], row["after"]) for row in found.rows()] == expected
    assert found.flips == len(expected) == sum(group.flips for group in found.groups) > 0
    assert {name for group in found.groups for name in group.functions} == {"sings"}
    assert found.changed == ("functions changed: sings",)
    labels = old.column("label").to_pylist()
    assert found.totals["ham"][0] == labels.count("ham")
    assert found.totals[""][0] == labels.count(None)


def test_functions_that_fail_are_counted(make_project: MakeProject) -> None:
    """A new function that crashes flips nothing, and the page says that it crashes."""
    broken = "\n@lk.labeling_function()\ndef broken(x):\n    return 1 / 0\n"
    made = applied(make_project, FUNCTIONS, FUNCTIONS + broken)
    found = made.project.diff()
    assert found.faults == (0, 200)
    assert not any(group.kind in {"function", "together"} for group in found.groups)
    assert "functions failed 0 times before, 200 after" in printed(made, "runs", "diff")


def test_a_run_and_itself_do_not_differ(make_project: MakeProject) -> None:
    """Nothing flips between a run and itself."""
    made = applied(make_project, FUNCTIONS)
    found = made.project.diff("current", "current")
    assert (found.flips, found.groups, found.changed, found.share) == (0, (), (), 0.0)
    assert all(item.lost == item.won == 0 for item in found.accuracies)


def test_people_are_named_as_the_cause(make_project: MakeProject) -> None:
    """An answer that turned a label is no function's doing."""
    made = applied(make_project, FUNCTIONS)
    row = next(row for row in made.project.labels().to_pylist() if row["label"] == "ham")
    made.project.answer(row["id"], "spam", annotator="ana")
    made.project.apply()
    found = made.project.diff()
    assert "answers changed" in found.changed
    (group,) = [group for group in found.groups if group.kind == "people"]
    assert group.examples == (row["id"],)
    assert group.moves == {("ham", "spam"): 1}


def test_records_are_matched_by_id(make_project: MakeProject) -> None:
    """Records that came, went or moved are counted; the others are compared wherever they stand."""
    made = applied(make_project, FUNCTIONS)
    rows = comments(210, seed=3)
    write_csv(made.root / "data" / "comments.csv", list(reversed(rows[10:])))
    made.project.apply()
    found = made.project.diff()
    assert (found.records, found.removed, found.added) == (190, 10, 10)
    assert found.changed == ("data changed",)


def test_accuracy_is_compared_on_the_same_records(make_project: MakeProject) -> None:
    """Against people and against gold: records that both sides vote on, with what was lost and won."""
    made = applied(make_project, FUNCTIONS)
    for row in comments(200, seed=3)[30:60]:
        made.project.answer(row["id"], row["gold"], annotator="ana")
    made.project.apply()
    turned = FUNCTIONS.replace("return HAM", "return SPAM")
    made.write("labeling_functions/first.py", turned)
    made.project.apply()
    people, gold = made.project.diff().accuracies
    assert people.basis == "answers of people"
    assert gold.basis == "gold outside split dev of records nobody was asked about"
    for item in (people, gold):
        assert item.right_after - item.right_before == item.won - item.lost
        assert item.change == (item.won - item.lost) / item.records
    assert gold.lost > 0


def test_other_classes_are_compared_by_name(make_project: MakeProject) -> None:
    """Where the classes changed, flips are counted and causes are not guessed."""
    made = applied(make_project, FUNCTIONS)
    toml = (made.root / "labelkit.toml").read_text().replace('["ham", "spam"]', '["ham", "spam", "other"]')
    made.write("labelkit.toml", toml)
    made.write("labeling_functions/first.py", FUNCTIONS.replace("return HAM", "return 2"))
    made.project.apply()
    found = made.project.diff()
    assert {group.kind for group in found.groups} == {"classes"}
    assert "classes: ham, spam, now ham, spam, other" in found.changed
    assert found.totals["other"][0] == 0


def test_a_revision_is_compared_with_the_working_tree(make_project: MakeProject) -> None:
    """Functions of a commit against those being edited; neither the tree nor the runs nor the labels are touched."""
    made = make_project(toml=FAST)
    made.write("labeling_functions/_words.py", "NICE = 'song'\n")
    made.write("labeling_functions/words.txt", "song\n")
    commit = commit_all(made.root)
    made.write("labeling_functions/first.py", EDITED)
    made.write("labeling_functions/_words.py", "raise ValueError('not this one')\n")
    (made.root / "labeling_functions" / "words.txt").unlink()
    before = {path: path.read_bytes() for path in made.root.rglob("*") if path.is_file() and ".git" not in path.parts}
    status = git(made.root, "status", "--porcelain")
    said: list[str] = []
    found = made.project.diff(commit[:10], talk=said.append)
    assert found.before.shown == f"revision {commit[:10]}"
    assert found.before.commit == commit
    assert found.after.shown == "the working tree"
    assert {name for group in found.groups for name in group.functions} == {"sings"}
    assert [line.split(" of ")[-1] for line in said] == [f"revision {commit[:10]}", "the working tree"]
    after = {path: path.read_bytes() for path in made.root.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert {path for path in after if ".labelkit/cache" not in path.as_posix()} == set(before)
    assert all(after[path] == content for path, content in before.items())
    assert git(made.root, "status", "--porcelain") == status or ".labelkit" in git(made.root, "status", "--porcelain")


@pytest.mark.slow
def test_a_run_is_compared_with_the_working_tree(make_project: MakeProject) -> None:
    """What would become of the labels is known before anything is applied; it is what apply then makes."""
    made = applied(make_project, FUNCTIONS)
    made.write("labeling_functions/first.py", EDITED)
    before = made.project.diff("current", "worktree")
    made.project.apply()
    after = made.project.diff("previous", "current")
    assert list(before.rows()) == list(after.rows())
    assert before.groups == after.groups
    assert before.totals == after.totals


def test_functions_that_do_not_load_are_named_with_their_revision(make_project: MakeProject) -> None:
    """An error in the functions of then is not taken for one of now."""
    made = make_project(functions="import labelkit as lk\nraise ValueError('no')\n", toml=FAST)
    commit_all(made.root)
    made.write("labeling_functions/first.py", FUNCTIONS)
    with pytest.raises(FunctionError) as caught:
        made.project.diff("HEAD")
    assert str(caught.value) == "revision HEAD: labeling_functions/first.py:2: ValueError: no"


@pytest.mark.parametrize(
    ("names", "kind", "message"),
    [
        (("nothing",), UsageError, r'"nothing" is no run and no revision that git knows here'),
        (("abcd",), UsageError, r'"abcd" is no run and no revision that git knows here'),
        (("--upload-pack=x",), UsageError, r'"--upload-pack=x" is no run and no revision that git knows here'),
        (("previous",), UsageError, r"there is no run of apply before the current one, [0-9a-f]{16}"),
    ],
)
def test_what_cannot_be_compared_is_said(
    make_project: MakeProject, names: tuple[str, ...], kind: type[Exception], message: str
) -> None:
    """A name that is neither run nor revision is refused."""
    made = applied(make_project, FUNCTIONS)
    with pytest.raises(kind, match=f"^{message}$"):
        made.project.diff(*names)


def test_damaged_and_dropped_files_are_told_apart(make_project: MakeProject) -> None:
    """A run whose labels were edited is refused; one whose votes were dropped says how many runs are kept."""
    made = applied(make_project, FUNCTIONS, EDITED)
    folder = made.root / ".labelkit" / "runs" / made.project.run("previous").run.id
    (folder / "labels.parquet").unlink()
    with pytest.raises(ArtifactError, match=r"its labels\.parquet is no longer kept \(\[runs\] keep = 10"):
        made.project.diff()
    pq.write_table(made.project.labels(), folder / "labels.parquet")
    with pytest.raises(ArtifactError, match=r"labels\.parquet is not what the run wrote"):
        made.project.diff()
    assert made.project.run("previous").files["labels.parquet"] == "changed"


def test_limits_stop_a_bad_change(make_project: MakeProject) -> None:
    """In CI the command exits with 1 beyond a limit, 0 within it, 2 where it cannot tell."""
    made = applied(make_project, FUNCTIONS, EDITED)
    printed(made, "runs", "diff", "--max-flips", "0.9", "--max-accuracy-drop", "0.9")
    done = made.run("runs", "diff", "--max-flips", "0.01", code=1)
    assert re.search(r"labelkit: NO: \d+\.\d\d% of the labels flipped, more than 1\.00% \(--max-flips\)", done.stderr)
    beyond = json.loads(printed(made, "runs", "diff", "--max-flips", "0.01", "--json", code=1))["beyond"]
    assert len(beyond) == 1


def test_accuracy_that_nobody_can_know_is_no_pass(make_project: MakeProject) -> None:
    """Without answers and gold, a limit on accuracy fails closed."""
    made = applied(make_project, FUNCTIONS, EDITED, gold=False)
    with pytest.raises(DataError, match="there is nothing to measure accuracy with"):
        made.project.diff().beyond(max_accuracy_drop=0.5)
    assert "no answers of people and no gold" in printed(made, "runs", "diff")


def test_the_difference_reads_as_it_did(make_project: MakeProject) -> None:
    """The table and the Markdown of a known change, to the letter."""
    worse = EDITED.replace('["win", "free", "cash"]', '["win", "free", "cash", "singer"]')
    made = applied(make_project, FUNCTIONS, worse)
    text = masked(printed(made, "runs", "diff", "--markdown", str(made.root / "diff.md")))
    assert text == (GOLDEN / "diff.txt").read_text(encoding="utf-8")
    markdown = masked((made.root / "diff.md").read_text(encoding="utf-8"))
    assert markdown == (GOLDEN / "diff.md").read_text(encoding="utf-8")


def test_every_flip_can_be_written_out(make_project: MakeProject) -> None:
    """`--flips` lists all of them as JSON lines; `--json` the first thousand with everything else."""
    made = applied(make_project, FUNCTIONS, EDITED)
    content = json.loads(printed(made, "runs", "diff", "--json", "--flips", str(made.root / "f.jsonl")))
    lines = [json.loads(line) for line in (made.root / "f.jsonl").read_text().splitlines()]
    assert lines == content["flipped"]
    assert content["flips"] == len(lines)
    assert {"before", "after", "causes", "totals", "conflicts", "accuracy", "share"} <= content.keys()


@pytest.mark.parametrize(("option", "ending"), [("--markdown", ".md"), ("--flips", ".jsonl")])
def test_files_must_end_in_what_they_are(make_project: MakeProject, option: str, ending: str) -> None:
    """A file name with another ending is refused before anything is compared."""
    made = make_project(toml=FAST)
    with pytest.raises(UsageError, match=re.escape(f"give a file name that ends in {ending}")):
        printed(made, "runs", "diff", option, "x.txt")


def test_runs_are_listed_and_shown(make_project: MakeProject) -> None:
    """`runs list` and `runs show`, to the letter."""
    made = applied(make_project, FUNCTIONS)
    made.project.answer("c30", "spam", annotator="ana")
    made.project.apply()
    text = re.sub(r"Z +\d+\.\d ", "Z      1.0 ", masked(printed(made, "runs", "list")))
    assert text == (GOLDEN / "runs.txt").read_text(encoding="utf-8")
    shown = re.sub(r"\(\d+\.\d s\)", "(1.0 s)", masked(printed(made, "runs", "show")))
    shown = re.sub(r"(?m)^(  [a-z0-9-]+ +)\d+\.\d+(\.\d+)*(\+cpu)?$", r"\g<1>1.0", shown)
    assert shown == (GOLDEN / "run.txt").read_text(encoding="utf-8")


def test_runs_of_a_verb_and_as_json(made: Made) -> None:
    """`--verb` and `--limit` choose; `--json` gives the records."""
    made.project.validate()
    (line,) = json.loads(printed(made, "runs", "list", "--verb", "validate", "--json"))
    assert line["record"]["verb"] == "validate"
    lines = json.loads(printed(made, "runs", "list", "--limit", "1", "--json"))
    assert len(lines) == 1
    content = json.loads(printed(made, "runs", "show", "--json"))
    assert content["files"]["labels.parquet"] == "as written"


def test_a_damaged_run_is_listed_as_such(make_project: MakeProject) -> None:
    """One unreadable record does not hide the others."""
    made = applied(make_project, FUNCTIONS, EDITED)
    run = made.project.run("previous").run.id
    (made.root / ".labelkit" / "runs" / run / "run.json").write_text("{}")
    text = printed(made, "runs", "list")
    assert f"{run}  ?" in text
    assert "run.json is damaged" in text
    with pytest.raises(ArtifactError):
        made.project.run(run)


def test_a_new_project_has_no_runs(make_project: MakeProject) -> None:
    """Before anything was done there is nothing to list, and no current run."""
    made = make_project(toml=FAST)
    assert made.project.runs() == []
    with pytest.raises(ArtifactError, match=r"labels\.parquet: no such file"):
        made.project.run()
