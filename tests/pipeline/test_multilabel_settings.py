"""labelkit.toml of a project whose records may have several classes, and the way into it from Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import labelkit as lk
from labelkit.errors import ConfigError, UsageError
from labelkit.project import find_project, read_project
from projects import Made, labelkit
from tagged_projects import TOML

SINGLE = TOML.replace('kind = "multilabel"\n', "")
COLUMNS = '[data.gold_columns]\npython = "is_python"\n'
LONG = "\u00e9" * 128  # more bytes than the name of a folder may have
FOLDERS = (
    "each class has a folder of its name; leave out / and \\, and a . at the start, and let names differ in more than "
    "upper and lower case"
)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A project's settings."""
    made = Made(tmp_path)
    made.write("labelkit.toml", TOML)
    return made


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"multilabel"', '"multilable"', "[project] kind: must be 'multiclass' or 'multilabel', not \"multilable\""),
        (
            '["python", "pandas", "sql"]',
            '["c/c++", "..", "a\\\\b", "sql"]',
            f'[project]: "c/c++", "..", "a\\b": {FOLDERS}',
        ),
        ('"sql"]', '"sql", "sql"]', '[project]: "sql" stands twice in classes; the names must differ from one another'),
        ('["python", "pandas", "sql"]', "[]", "[project] classes: must have at least 1 items"),
        ("pandas", "SQL", f'[project]: "sql": {FOLDERS}'),
        ("pandas", "a\\u0000", f'[project]: "a\\x00": {FOLDERS}'),
        ("pandas", "__pycache__", f'[project]: "__pycache__": {FOLDERS}'),
        ("pandas", LONG, f'[project]: "{LONG[:80]}…": {FOLDERS}'),
        ("[data]", COLUMNS + "[data]", None),
        (
            'split = "split"\n',
            COLUMNS,
            "gold and gold_columns under [data] are two ways to say the same; keep one",
        ),
        (
            'gold = "tags"\nsplit = "split"\n',
            COLUMNS.replace("python =", "perl ="),
            'gold_columns under [data]: "perl" is no class; classes are "python", "pandas", "sql"',
        ),
        (
            'gold = "tags"\nsplit = "split"\n',
            COLUMNS + 'sql = "is_python"\n',
            '[data]: "is_python" is named twice; a column is id, field, gold, split or metadata',
        ),
        ('gold = "tags"', 'gold = "tags"\nseparator = ""', "[data] separator: must not be empty"),
        (
            "[data]",
            '[engine]\nname = "spark"\n[data]',
            '[engine] name = "spark" is for projects whose records have one class; use "local" here',
        ),
    ],
)
def test_what_does_not_hold_is_explained(made: Made, old: str, new: str, message: str | None) -> None:
    """Each problem is told in the words of the file, with the way out."""
    assert old in TOML
    made.write("labelkit.toml", TOML.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_project(made.root)
    if message is not None:
        assert str(caught.value) == f"labelkit.toml: {message}"


def test_columns_of_gold_are_for_several_classes(made: Made) -> None:
    """Where a record has one class, one column says which."""
    made.write("labelkit.toml", SINGLE.replace('gold = "tags"\nsplit = "split"\n', COLUMNS))
    with pytest.raises(ConfigError, match=re.escape('gold_columns under [data] goes with kind = "multilabel"')):
        read_project(made.root)


def test_one_class_alone_is_enough(made: Made) -> None:
    """One question of yes or no is a project."""
    made.write("labelkit.toml", TOML.replace('"python", "pandas", "sql"', '"sql"'))
    assert list(lk.MultilabelProject(made.root)) == ["sql"]


def test_a_member_is_a_project_of_no_and_yes(made: Made) -> None:
    """Its settings are those of the whole but for what is about classes; its state and functions lie apart."""
    whole = find_project(made.root)
    member = whole.member("sql")
    assert (member.settings.project.name, member.settings.project.classes) == ("questions.sql", ["no", "yes"])
    assert member.settings.data == whole.settings.data
    assert not member.multilabel
    assert member.whole == whole == whole.whole
    assert member.functions_folder == made.root / "labeling_functions" / "sql"
    assert member.state == made.root / ".labelkit" / "classes" / "sql"
    assert member.labels_path == member.state / "labels.parquet"
    assert member.store_url == whole.store_url
    assert list(whole.members) == ["python", "pandas", "sql"]


def test_a_member_has_its_own_column_of_gold(made: Made) -> None:
    """A class without a column has no gold."""
    made.write("labelkit.toml", TOML.replace('gold = "tags"\nsplit = "split"\n', COLUMNS))
    members = find_project(made.root).members
    assert {name: one.settings.data.gold for name, one in members.items()} == {
        "python": "is_python",
        "pandas": None,
        "sql": None,
    }


# From Python


def test_the_whole_is_no_project_of_one_class(made: Made) -> None:
    """`Project` is refused, with both ways out."""
    with pytest.raises(UsageError) as caught:
        lk.Project(made.root)
    assert str(caught.value) == (
        "a record of this project may have several classes, and this is for one of them: name it with --class, or as "
        'of_class in Python; classes are "python", "pandas", "sql"'
    )


def test_a_class_that_is_not_there(made: Made) -> None:
    """It is refused by name."""
    with pytest.raises(UsageError) as caught:
        lk.Project(made.root, of_class="perl\x1b")
    assert str(caught.value) == 'no class "perl\\x1b"; classes are "python", "pandas", "sql"'
    with pytest.raises(KeyError):
        lk.MultilabelProject(made.root)["perl"]


def test_a_class_of_a_project_without_several(made: Made) -> None:
    """Where a record has one class, none of them is a project."""
    made.write("labelkit.toml", SINGLE)
    with pytest.raises(UsageError) as caught:
        lk.Project(made.root, of_class="sql")
    assert str(caught.value) == 'no project of class "sql" alone: a record has one of "python", "pandas", "sql"'
    with pytest.raises(UsageError) as caught:
        lk.MultilabelProject(made.root)
    assert str(caught.value) == (
        'labelkit.toml says nothing of kind = "multilabel" under [project]; use labelkit.Project'
    )


def test_the_whole_maps_classes_to_projects(made: Made) -> None:
    """In the order of labelkit.toml."""
    project = lk.MultilabelProject(made.root / ".")
    assert (len(project), list(project)) == (3, ["python", "pandas", "sql"])
    assert project["sql"].folder.of_class == "sql"
    assert "perl" not in project


@pytest.mark.parametrize(
    "command", ["lf list", "runs diff", "replay", "lf suggest", "apply --dry-run", "explain q1 --run abcd"]
)
def test_commands_for_one_class_say_so(made: Made, command: str) -> None:
    """Exit code 2, and the option to add."""
    done = labelkit(*command.split(), cwd=made.root)
    assert done.returncode == 2
    assert "--class" in done.stderr
