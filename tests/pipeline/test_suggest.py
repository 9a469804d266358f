"""`labelkit lf suggest`: from answers to a rule file that `apply` uses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pexpect
import pytest

from labelkit.cli.suggest import numbered
from labelkit.errors import FunctionError, UsageError
from labelkit.labeling.rules.rule_files import read_rules
from labelkit.lineage import hash_file
from labelkit.pipeline.truth import read_answers
from labelkit.suggest import Suggestions
from projects import Made, MakeProject, printed
from suggested_projects import answer_all, answered, copied, train_rows

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def begun(make_projects: MakeProject) -> Made:
    """A project with 100 answers and no function; do not change it."""
    return answered(make_projects, 100, apply=False)


@pytest.fixture(scope="module")
def found(begun: Made) -> Suggestions:
    """What it suggests."""
    return begun.project.suggest_rules()


@pytest.fixture
def started(begun: Made, tmp_path: Path) -> Made:
    """A copy of it, to be changed."""
    return copied(begun, tmp_path)


def test_the_table_is_clear(begun: Made) -> None:
    """What a person sees: numbers, classes, conditions, figures, and where they are from."""
    assert printed(begun, "lf", "suggest", "-n", "5") == (GOLDEN / "lf_suggest.txt").read_text(encoding="utf-8")


def test_accepted_rules_label_records(started: Made) -> None:
    """A project that begins without functions has labels after `suggest --accept` and `apply`, and they are good."""
    printed(started, "lf", "suggest", "--accept", "all")
    path = started.root / "labeling_functions" / "suggested.toml"
    found = started.project.suggest_rules()
    report = started.project.apply()
    assert [row.name for row in report.summary] == [rule.name for rule in read_rules(path)]
    assert [rule.name for rule in found.rules] == [f"{row.name}_2" for row in report.summary]
    model = next(item for item in report.agreements if item.name.startswith("label model"))
    assert model.accuracy > 0.8
    assert model.records > 50


def test_some_rules_can_be_accepted(started: Made) -> None:
    """Numbers and ranges choose; the file that is named gets them, and JSON names them."""
    own = started.root / "labeling_functions" / "own.toml"
    content = json.loads(printed(started, "lf", "suggest", "--accept", "1,3-4", "--out", str(own), "--json"))
    names = [rule["name"] for rule in content["rules"]]
    assert content["accepted"] == [names[0], *names[2:4]]
    assert [rule.name for rule in read_rules(own)] == content["accepted"]
    run = started.project.runs()[0].record
    assert run is not None
    assert (run.verb, run.inputs, run.parameters, run.outputs) == (
        "suggest",
        {"answers": read_answers(started.project.folder).fingerprint},
        {"rules": content["accepted"]},
        {own.name: hash_file(own)},
    )


def test_a_run_of_accepted_rules_names_the_answers_they_came_from(started: Made) -> None:
    """Not those that came while somebody read the table."""
    before = read_answers(started.project.folder).fingerprint
    found = started.project.suggest_rules(3)
    started.project.answer(train_rows()[-1]["id"], "ham", annotator="late")
    started.project.accept_rules(found, found.rules)
    run = started.project.runs()[0].record
    assert run is not None
    assert run.inputs == {"answers": before}
    assert before != read_answers(started.project.folder).fingerprint


@pytest.mark.parametrize("numbers", ["0", "99", "2-1", "one", "1;2", "-1", "", "9" * 40])
def test_numbers_that_name_no_rule_are_refused(found: Suggestions, numbers: str) -> None:
    """Nothing is chosen by a number that is not in the table."""
    with pytest.raises(UsageError, match=r"names no rule: give numbers from 1 to"):
        numbered(numbers, found)


def test_numbers_choose_rules(found: Suggestions) -> None:
    """Numbers and ranges, with commas or blanks, in the order of the table."""
    assert numbered(" 3, 1-2 2", found) == list(found.rules[:3])
    assert numbered("ALL", found) == list(found.rules)
    assert numbered("none", found) == []


def test_what_functions_do_already_is_not_proposed(make_project: MakeProject) -> None:
    """After `apply`, rules are new beside the functions of the run, and no rule repeats one of them."""
    made = answered(make_project, 100)
    found = made.project.suggest_rules(only_answers=True)
    assert not found.by_model
    assert {"money", "music"}.isdisjoint(rule.name for rule in found.rules)
    assert all(rule.new <= rule.coverage for rule in found.rules)
    assert made.project.suggest_rules().by_model


def test_people_who_were_never_asked_are_asked_first(make_project: MakeProject) -> None:
    """Without answers and without a run there is nothing to learn from, and that is said."""
    made = answered(make_project, 0, apply=False)
    with pytest.raises(UsageError, match=r"^nobody has answered yet: .*labelkit annotate"):
        made.project.suggest_rules()


def test_a_broken_rule_file_is_named_and_kept(started: Made) -> None:
    """Rules are not added to a file that cannot be read, and it stays as it is."""
    started.write("labeling_functions/suggested.toml", "[broken\n")
    with pytest.raises(FunctionError, match=r"^suggested\.toml: not a rule file: "):
        printed(started, "lf", "suggest", "--accept", "all")
    assert (started.root / "labeling_functions" / "suggested.toml").read_text() == "[broken\n"


def test_rules_go_to_rule_files_only(started: Made, tmp_path: Path) -> None:
    """A file that `apply` would not read as rules is refused."""
    with pytest.raises(UsageError, match=r"rules go to a file whose name ends in \.toml$"):
        printed(started, "lf", "suggest", "--accept", "1", "--out", str(tmp_path / "rules.txt"))


def test_nothing_to_propose_exits_with_1(make_project: MakeProject) -> None:
    """Two answers are too few for any rule."""
    made = answered(make_project, 0, apply=False)
    answer_all(made, [next(row for row in train_rows() if row["gold"] == gold) for gold in ("ham", "spam")])
    assert printed(made, "lf", "suggest", code=1) == "no rule is precise enough to propose\n"


@pytest.mark.slow
def test_a_person_at_a_terminal_is_asked(started: Made) -> None:
    """The table is followed by a question, asked again until the answer means something; Ctrl-C writes nothing."""
    command = [sys.executable, "-m", "labelkit", "lf", "suggest", "-n", "5"]
    seen = pexpect.spawn(command[0], command[1:], cwd=str(started.root), encoding="utf-8", timeout=120)
    seen.expect("accept which")
    seen.sendline("77")
    seen.expect("names no rule")
    seen.expect("accept which")
    seen.sendline("1 3")
    seen.expect("added 2 rules to labeling_functions/suggested.toml")
    seen.expect(pexpect.EOF)
    path = started.root / "labeling_functions" / "suggested.toml"
    before = path.read_text()
    seen = pexpect.spawn(command[0], command[1:], cwd=str(started.root), encoding="utf-8", timeout=120)
    seen.expect("accept which")
    seen.sendintr()
    seen.expect(pexpect.EOF)
    seen.close()
    assert seen.exitstatus == 130
    assert path.read_text() == before
