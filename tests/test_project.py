"""labelkit.toml: found like git finds its repository, read strictly, explained in its own words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from labelkit.errors import ConfigError, LabelkitError, MachineError, named
from labelkit.project import ProjectFolder, find_project, read_project
from labelkit.settings import FILE_NAME, Settings

SMALLEST = """\
[project]
name = "p"
classes = ["ham", "spam"]

[data]
path = "data.csv"
fields = ["text"]
"""

FULL = """\
[project]
name = "p"
classes = ["ham", "spam"]

[data]
path = "data.csv"
id = "key"
fields = ["text", "title"]
gold = "gold"
split = "split"
encoding = "latin-1"

[data.types]
gold = "int64"

[apply]
workers = 2
max_faults = 3

[engine]
name = "spark"
master = "local[2]"
partitions = 4

[engine.spark]
"spark.executor.memory" = "2g"
sql.shuffle.partitions = 8

[model]
name = "majority"
seed = 7

[learner]
model = "boosted"

[learner.kinds]
title = "category"

[prompt]
base_url = "http://127.0.0.1:8000/v1"
model = "small"
budget_cost = 2.5
price_in = 0.5

[annotate]
strategy = "entropy"
budget = 5

[runs]
keep = 4

[lineage]
openlineage = "lineage/events.jsonl"
namespace = "labels"

[store]
url = "sqlite:///answers.db"
"""


def written(folder: Path, content: str | bytes) -> Path:
    (folder / FILE_NAME).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def refused(folder: Path, content: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        read_project(written(folder, content))
    return str(caught.value)


def test_the_smallest_project(tmp_path: Path) -> None:
    """Name, classes, path and fields are enough; the rest has defaults that show."""
    project = read_project(written(tmp_path, SMALLEST))
    data = project.settings.data
    assert (data.id, data.gold, data.split, data.encoding, data.types) == ("id", None, None, "utf-8", {})
    assert (project.settings.model.name, project.settings.model.seed) == ("snorkel", 0)
    assert (project.settings.annotate.strategy, project.settings.annotate.budget) == ("hybrid", 50)
    assert project.settings.apply.max_faults == 0
    assert project.store_url == f"sqlite:///{tmp_path}/.labelkit/annotations.db"


def test_every_key_is_read(tmp_path: Path) -> None:
    """What the file says is what the settings hold."""
    project = read_project(written(tmp_path, FULL))
    assert project.settings.data.types == {"gold": "int64"}
    assert project.settings.data.fields == ["text", "title"]
    assert (project.settings.apply.workers, project.settings.apply.max_faults) == (2, 3)
    assert project.settings.model.name == "majority"
    assert project.store_url == f"sqlite:///{tmp_path}/answers.db"  # in the project, wherever labelkit is called from


def test_the_folders_of_a_project(tmp_path: Path) -> None:
    """Everything lies beside labelkit.toml; the data may lie elsewhere."""
    project = read_project(written(tmp_path, SMALLEST))
    assert project.data_path == tmp_path / "data.csv"
    assert project.functions_folder == tmp_path / "labeling_functions"
    assert project.suites_folder == tmp_path / "expectations"
    assert project.labels_path == tmp_path / "labels.parquet"
    assert project.state == tmp_path / ".labelkit"
    assert project.relative(tmp_path / "a" / "b") == "a/b"
    assert project.relative(Path("/elsewhere/x")) == "/elsewhere/x"
    elsewhere = read_project(written(tmp_path, SMALLEST.replace("data.csv", "/srv/data.csv")))
    assert elsewhere.data_path == Path("/srv/data.csv")


def test_line_ends_and_a_mark_make_no_difference(tmp_path: Path) -> None:
    """A file saved by a Windows editor, with CRLF and a byte order mark, is read."""
    expected = read_project(written(tmp_path, FULL))
    assert read_project(written(tmp_path, b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode())) == expected


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """Settings are a value: what was read is what was run."""
    with pytest.raises(ValueError, match="frozen"):
        read_project(written(tmp_path, SMALLEST)).settings.model.seed = 1  # type: ignore[misc]


SECTIONS = list(Settings.model_fields)


@pytest.mark.parametrize("section", SECTIONS)
def test_an_unknown_key_is_met_with_the_nearest_name(tmp_path: Path, section: str) -> None:
    """In every section, every key with a typing error is refused, and the key that was meant is named."""
    model: Any = Settings.model_fields[section].annotation
    for key in model.model_fields:
        typo = key[:-1] + key[-1] * 2
        said = refused(tmp_path, FULL.replace(f"[{section}]\n", f"[{section}]\n{typo} = 1\n"))
        assert said == f'labelkit.toml: [{section}] {typo}: unknown key; did you mean "{key}"?'


def test_an_unknown_key_like_no_other_is_met_with_all_there_are(tmp_path: Path) -> None:
    """Where nothing is near, the known keys are listed; so are sections, and keys outside any section."""
    sections = named(Settings.model_fields)
    assert refused(tmp_path, FULL.replace("[model]", '[model]\n"zz\\u001b" = 1')) == (
        'labelkit.toml: [model] zz\\x1b: unknown key; known are "name", "seed"'
    )
    assert refused(tmp_path, FULL + "[modle]\n") == 'labelkit.toml: [modle]: unknown section; did you mean "model"?'
    assert refused(tmp_path, FULL + "[zzz]\n") == (f"labelkit.toml: [zzz]: unknown section; known are {sections}")
    assert refused(tmp_path, 'name = "p"\n' + FULL) == (
        f"labelkit.toml: name: a key outside any section; known sections are {sections}"
    )


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ('name = "p"\n', "[project] name: missing"),
        ('classes = ["ham", "spam"]\n', "[project] classes: missing"),
        ('path = "data.csv"\n', "[data] path: missing"),
        ('fields = ["text"]\n', "[data] fields: missing"),
    ],
)
def test_a_missing_key_is_named(tmp_path: Path, gone: str, message: str) -> None:
    """What must be there and is not is named with its section."""
    assert refused(tmp_path, SMALLEST.replace(gone, "")) == f"labelkit.toml: {message}"


def test_an_empty_file_lacks_its_sections(tmp_path: Path) -> None:
    """All problems are told at once."""
    assert refused(tmp_path, "") == "labelkit.toml: [project]: missing\nlabelkit.toml: [data]: missing"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "p"', "name = 7", "[project] name: must be a text in quotes, not 7"),
        ('name = "p"', 'name = ""', "[project] name: must not be empty"),
        ('name = "p"', f'name = "{"x" * 201}"',
         f'[project] name: must have at most 200 characters, not "{"x" * 60}…"'),
        ('["ham", "spam"]', '"ham"', '[project] classes: must be a list, not "ham"'),
        ('["ham", "spam"]', '["ham"]',
         '[project]: classes must have at least 2 items; one class or more goes with kind = "multilabel"'),
        ('["ham", "spam"]', "[]", "[project] classes: must have at least 1 items"),
        ('["ham", "spam"]', str([f"c{i}" for i in range(128)]), "[project] classes: must have at most 127 items"),
        ('["ham", "spam"]', '["ham", "spam", true]', "[project] classes, item 3: must be a text in quotes, not true"),
        ('["ham", "spam"]', '["ham", "", "spam"]', "[project] classes, item 2: must not be empty"),
        ('["ham", "spam"]', '["ham", "spam", "ham", "\\u001b", "\\u001b"]',
         '[project]: "\\x1b", "ham" stands twice in classes; the names must differ from one another'),
        ('["text", "title"]', "[]", "[data] fields: must have at least 1 items"),
        ('gold = "int64"', 'gold = "int32"',
         "[data.types] gold: must be 'string', 'int64', 'float64' or 'bool', not \"int32\""),
        ('gold = "int64"', '"" = "int64"', "[data.types] : must not be empty"),
        ("workers = 2", "workers = -1", "[apply] workers: must be at least 0, not -1"),
        ("workers = 2", "workers = 257", "[apply] workers: must be at most 256, not 257"),
        ("workers = 2", "workers = true", "[apply] workers: must be a whole number, not true"),
        ("workers = 2", "workers = 2.0", "[apply] workers: must be a whole number, not 2.0"),
        ("max_faults = 3", 'max_faults = "3"', '[apply] max_faults: must be a whole number, not "3"'),
        ("seed = 7", "seed = 2147483648", "[model] seed: must be below 2147483648, not 2147483648"),
        ("seed = 7", "seed = nan", "[model] seed: must be a whole number, not nan"),
        ("seed = 7", "seed = 2020-01-02", "[model] seed: must be a whole number"),
        ("budget = 5", "budget = 0", "[annotate] budget: must be at least 1, not 0"),
        ("[store]\nurl = ", "store = ", None),
        ('"sqlite:///answers.db"', "[]", "[store] url: must be a text in quotes"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_explained(tmp_path: Path, old: str, new: str, message: str | None) -> None:
    """Wrong types, ranges and lengths are told in the words of the file, with what it says."""
    assert old in FULL
    content = FULL.replace(old, new, 1)
    if message is None:  # a section that is no table can only stand above the others
        content = new + '"x"\n' + FULL.replace('[store]\nurl = "sqlite:///answers.db"\n', "")
        message = '[store]: must be a table, not "x"'
    assert refused(tmp_path, content) == f"labelkit.toml: {message}"


@pytest.mark.parametrize(
    ("old", "new", "twice"),
    [
        ('["text", "title"]', '["text", "text"]', "text"),
        ('["text", "title"]', '["text", "key"]', "key"),
        ('["text", "title"]', '["gold"]', "gold"),
        ('split = "split"', 'split = "gold"', "gold"),
    ],
)
def test_a_column_has_one_role(tmp_path: Path, old: str, new: str, twice: str) -> None:
    """A column cannot be shown to functions and be the id or the answer as well."""
    said = refused(tmp_path, FULL.replace(old, new))
    assert said.startswith(f'labelkit.toml: [data]: "{twice}" is named twice; a column is id, field, gold')


def test_an_id_that_functions_need_has_a_way_out(tmp_path: Path) -> None:
    """A date may be the only id there is."""
    said = refused(tmp_path, FULL.replace('["text", "title"]', '["text", "key"]'))
    assert "split or metadata; functions see a copy of the id, under another name" in said


def test_an_unknown_model_is_met_with_those_there_are(tmp_path: Path) -> None:
    """Where only some words are possible, they are listed."""
    said = refused(tmp_path, FULL.replace('"majority"', '"snokrel"'))
    assert said.startswith("labelkit.toml: [model] name: must be 'snorkel'")
    assert "'majority'" in said
    assert said.endswith(', not "snokrel"')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[project\n", "not TOML: Expected ']' at the end of a table declaration (at line 1, column 9)"),
        ("a = 1\na = 2\n", "not TOML: Cannot overwrite a value (at line 2, column 6)"),
        ("[a]\n[a]\n", "not TOML: Cannot declare ('a',) twice (at line 2, column 3)"),
        ('a = "\x1b"', "not TOML: Illegal character '\\x1b' (at line 1, column 6)"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "{b = " * 100_000, "nested too deeply"),
        (FULL.encode("utf-16"), "row 1: invalid UTF-8 byte 0xFF"),
        ('[project]\nname = "é"\n'.encode("latin-1"), "row 2: invalid UTF-8 byte 0xE9"),
        (b"\xef\xbb\xbf" + '[project]\nname = "é"\n'.encode("latin-1"), "row 2: invalid UTF-8 byte 0xE9"),
        (b"\0", "not TOML: Invalid statement (at line 1, column 1)"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    """What cannot be parsed is refused with the place where parsing ended."""
    assert refused(tmp_path, content) == f"labelkit.toml: {message}"


def test_a_number_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    """Python refuses to read such a number; so does labelkit, in one line."""
    said = refused(tmp_path, "a = " + "9" * 5000)
    assert said.startswith("labelkit.toml: not TOML: ")
    assert len(said) < 300
    assert "\n" not in said


def test_a_project_is_found_upwards(tmp_path: Path) -> None:
    """From any folder below, or a file, the nearest labelkit.toml is found; the root is the folder that holds it."""
    inner = tmp_path / "outer" / "inner" / "deep"
    inner.mkdir(parents=True)
    written(tmp_path / "outer", SMALLEST)
    assert find_project(inner).root == tmp_path / "outer"
    written(tmp_path / "outer" / "inner", SMALLEST.replace('"p"', '"q"'))
    assert find_project(inner).settings.project.name == "q"
    assert find_project(inner.parent / FILE_NAME).settings.project.name == "q"
    (tmp_path / "link").symlink_to(inner)
    assert find_project(tmp_path / "link").root == inner.parent


def test_the_nearest_file_counts_even_if_it_is_damaged(tmp_path: Path) -> None:
    """A damaged labelkit.toml is never passed over for one further up."""
    inner = tmp_path / "inner"
    inner.mkdir()
    written(tmp_path, SMALLEST)
    written(inner, "[project")
    with pytest.raises(ConfigError, match="not TOML"):
        find_project(inner)


def test_the_learner_is_one_of_labelkits_own(tmp_path: Path) -> None:
    """Opening a project runs no code but its labeling functions; the message says where yours can be given."""
    told = refused(tmp_path, f'{SMALLEST}[learner]\nmodel = "mypackage.models.make"\n')
    assert told.startswith('labelkit.toml: [learner] model: must be "linear" or "boosted"; it cannot be code of yours')
    assert 'must be "linear" or "boosted"' in refused(tmp_path, f'{SMALLEST}[learner]\nmodel = "forest"\n')
    assert "[learner.kinds] text" in refused(tmp_path, f'{SMALLEST}[learner.kinds]\ntext = "words"\n')


def test_a_folder_of_that_name_is_no_project(tmp_path: Path) -> None:
    """Only a file is a project file."""
    (tmp_path / "a" / FILE_NAME).mkdir(parents=True)
    written(tmp_path, SMALLEST)
    assert find_project(tmp_path / "a").root == tmp_path


def test_no_project_says_how_to_start_one(tmp_path: Path) -> None:
    """Where there is none, the folder is named and `labelkit init` is offered."""
    with pytest.raises(ConfigError) as caught:
        find_project(tmp_path)
    assert str(caught.value) == (f"no labelkit.toml in {tmp_path} or above; start a project with `labelkit init`")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A path that leads nowhere is not the project above it."""
    written(tmp_path, SMALLEST)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("nothing", "loop", "a\0b"):
        with pytest.raises(ConfigError) as caught:
            find_project(tmp_path / name)
        assert str(caught.value) == f"{tmp_path}/{name}: no such folder".replace("\0", "\\x00")


def test_a_file_that_may_not_be_read_is_the_machines_fault(tmp_path: Path) -> None:
    """Without permission to read it, labelkit.toml is named with exit code 3, not taken for missing."""
    path = written(tmp_path, SMALLEST) / FILE_NAME
    path.chmod(0)
    was_root = os.geteuid() == 0
    if was_root:
        tmp_path.chmod(0o700)
        os.seteuid(65534)
    try:
        for find in (read_project, find_project):
            with pytest.raises(MachineError, match=r"permission denied$"):
                find(tmp_path)
    finally:
        if was_root:
            os.seteuid(0)


pieces = st.sampled_from(
    [
        "[project]\n", "[data]\n", "[[data]]\n", "[data.types]\n", "[model]\n", "[store]\n", "[project.name]\n",
        'name = "p"\n', 'classes = ["a", "b"]\n', "classes = []\n", 'fields = ["text"]\n', 'path = "x"\n',
        "seed = 1\n", "project = 1\n", "data = [1]\n", "url = 1\n", "types = 1\n", 'types = {a = "bool"}\n',
        '"a.b" = 1\n', "a.b.c = 1\n", "\x00", '"""', "= ", "#", "inf\n", "1979-05-27T07:32:00Z\n", "{", "}",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(pieces | st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=12),
    cut=st.integers(0, len(FULL)),
)
def test_any_file_gives_a_project_or_one_clear_error(tmp_path: Path, parts: list[str], cut: int) -> None:
    """Law: whatever labelkit.toml holds, reading it gives a project or a LabelkitError whose text is harmless."""
    content = FULL[:cut] + "".join(parts)
    try:
        project = read_project(written(tmp_path, content))
    except LabelkitError as error:
        assert all(line.startswith("labelkit.toml: ") for line in str(error).splitlines())  # noqa: PT017
        assert str(error).replace("\n", "").isprintable()  # noqa: PT017
    else:
        assert isinstance(project, ProjectFolder)


@pytest.mark.parametrize("value", ["events.jsonl", "lineage/events.jsonl", "http://localhost:5000", "https://host/a/b"])
def test_events_go_to_a_file_of_the_project_or_to_a_receiver(tmp_path: Path, value: str) -> None:
    """A file of JSON lines below the project, or an HTTP receiver."""
    settings = read_project(written(tmp_path, f'{SMALLEST}[lineage]\nopenlineage = "{value}"\n')).settings
    assert (settings.lineage.openlineage, settings.lineage.namespace) == (value, "labelkit")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("events.json", "must be the URL of a receiver, or a file in the project that ends in .jsonl"),
        ("/etc/events.jsonl", "must be the URL of a receiver, or a file in the project that ends in .jsonl"),
        ("../events.jsonl", "must be the URL of a receiver, or a file in the project that ends in .jsonl"),
        ("ftp://host/x", "must begin with http:// or https:// and hold no query"),
        ("http:///x", "must begin with http:// or https:// and hold no query"),
        ("http://host/?key=s3cret", "must begin with http:// or https:// and hold no query"),
        ("http://ana:s3cret@host", "must not hold a login; a key goes into the variable OPENLINEAGE_API_KEY"),
    ],
)
def test_events_go_nowhere_else(tmp_path: Path, value: str, said: str) -> None:
    """No file outside the project is written to, and no login stands in labelkit.toml or in a message about it."""
    message = refused(tmp_path, f'{SMALLEST}[lineage]\nopenlineage = "{value}"\n')
    assert message.startswith(f"labelkit.toml: [lineage] openlineage: {said}")
    assert "ana:s3cret" not in message
