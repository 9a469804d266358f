"""`labelkit init --multilabel`: a project around records that may have several classes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.errors import DataError
from labelkit.pipeline.infer import init_from
from labelkit.settings import FOLDER_RULE

TEXTS = [f"text number {i}" for i in range(12)]


def records(folder: Path, tags: list[str | list[str] | None]) -> Path:
    """A file of twelve records with tags."""
    values = pa.array([tags[i % len(tags)] for i in range(len(TEXTS))])
    ids = pa.array([f"r{i}" for i in range(len(TEXTS))])
    path = folder / "records.parquet"
    pq.write_table(pa.table({"id": ids, "text": TEXTS, "tags": values}), path)
    return path


@pytest.mark.parametrize(
    ("tags", "separator"),
    [
        ([["sql", "c++"], ["sql"], [], None], ","),
        (["sql;c++", "sql", "[]", ""], ";"),
        (["sql | c++", "sql", None], "|"),
        (['["sql", "c++"]', '["sql"]', "[]"], ","),
    ],
)
def test_classes_are_those_that_gold_names(tmp_path: Path, tags: list[str | list[str] | None], separator: str) -> None:
    """However it names them; each gets a function, and the suites are about no and yes."""
    written = init_from(tmp_path / "new", records(tmp_path, tags), gold="tags", multilabel=True)
    assert [name for name in written if name.startswith("labeling_functions")] == [
        "labeling_functions/c++/first.py",
        "labeling_functions/sql/first.py",
    ]
    project = lk.MultilabelProject(tmp_path / "new")
    settings = project.folder.settings
    assert (list(project), settings.data.separator, settings.data.gold) == (["c++", "sql"], separator, "tags")
    gold = project["c++"].records().to_table()["tags"].to_pylist()
    assert gold[:2] == ["yes", "no"]
    assert project.apply(workers=1).records == len(TEXTS)
    assert '"no",' in (tmp_path / "new" / "expectations" / "labels.json").read_text()


def test_classes_that_nobody_named_are_made_up(tmp_path: Path) -> None:
    """Without gold the project runs all the same, and says what is to be written."""
    path = tmp_path / "records.csv"
    path.write_text("id,text\n" + "".join(f"{i},{text}\n" for i, text in enumerate(TEXTS)))
    init_from(tmp_path / "new", path, multilabel=True)
    assert "# made up" in (tmp_path / "new" / "labelkit.toml").read_text()
    assert list(lk.MultilabelProject(tmp_path / "new")) == ["ham", "spam"]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["c/c++, sql"], f'"c/c++": {FOLDER_RULE}'),
        (["SQL", "sql"], f'"sql": {FOLDER_RULE}'),
        (["[sql"], "'[sql' begins like a JSON list and is none"),
    ],
)
def test_gold_that_cannot_be_classes(tmp_path: Path, tags: list[str | list[str] | None], message: str) -> None:
    """Nothing is written before that is mended in the file."""
    with pytest.raises(DataError) as caught:
        init_from(tmp_path / "new", records(tmp_path, tags), gold="tags", multilabel=True)
    assert str(caught.value) == f'column "tags": {message}'
    assert not (tmp_path / "new").exists()


def test_gold_without_classes(tmp_path: Path) -> None:
    """Empty lists name none."""
    with pytest.raises(DataError, match=r'^column "tags" names 0 classes; a project has 1 to 127$'):
        init_from(tmp_path / "new", records(tmp_path, ["[]"]), gold="tags", multilabel=True)


def test_who_forgets_the_option_is_told(tmp_path: Path) -> None:
    """Classes of which some name several others are taken as they stand, with a word on it where they are written."""
    init_from(tmp_path / "new", records(tmp_path, ["sql;c++", "sql", "c++"]), gold="tags")
    assert "# some name several of them: begin anew with --multilabel" in (tmp_path / "new/labelkit.toml").read_text()


def test_lists_are_no_classes(tmp_path: Path) -> None:
    """A column of lists cannot be the one class of a record."""
    with pytest.raises(DataError) as caught:
        init_from(tmp_path / "new", records(tmp_path, [["sql"], ["sql", "c++"]]), gold="tags")
    assert str(caught.value) == ('column "tags" holds lists, so a record may have several classes: add --multilabel')


@pytest.mark.slow
@pytest.mark.parametrize("different", [2, 12])
def test_lists_may_be_fields(tmp_path: Path, different: int) -> None:
    """Suites are guessed for them as for other values, few or many, and hold on what they were guessed from."""
    path = records(tmp_path, [["sql"] * (i + 1) for i in range(different)])
    init_from(tmp_path / "new", path)
    project = lk.Project(tmp_path / "new")
    assert project.folder.settings.data.fields == ["text", "tags"]
    project.apply(workers=1)
    guessed = [outcome for outcome in project.validate().outcomes if outcome.suite in {"fields", "records"}]
    assert len(guessed) > 10
    assert [str(outcome) for outcome in guessed if outcome.status != "pass"] == []
