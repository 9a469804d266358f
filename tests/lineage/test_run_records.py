"""Run records: an id from what decides the outcome, one file that is whole or refused."""

from __future__ import annotations

import json
import platform
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from labelkit.errors import ArtifactError, MachineError
from labelkit.lineage import Run, RunStore, hash_json, library_versions, public_url, run_schema, versions_of
from labelkit.lineage.schema import problems_of

RUN = Run(
    verb="apply",
    inputs={"data": "d4" * 32, "functions": {"begs": "f1" * 32, "sings": "f2" * 32}},
    parameters={"model": "majority", "seed": 7},
    versions={"labelkit": "0.1.0"},
    outputs={"labels.parquet": "a1" * 32},
    counts={"records": 3, "labels": {"spam\u200b": 2}},
    about={"data": "donn\u00e9es/\udcff.csv"},  # a file name that is not UTF-8 comes with a lone surrogate
    git={"commit": "c0" * 20, "dirty": True, "changed": ["labeling_functions/first.py"]},
    parents=("0123456789abcdef",),
    started="2020-01-02T03:04:05.678Z",
    finished="2020-01-02T03:04:06.000Z",
).identified()


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """A store with one run in it."""
    made = RunStore(tmp_path / "runs")
    made.write(RUN)
    return made


def test_the_id_says_what_decided() -> None:
    """Everything that decides the outcome is in the id; the times, counts, outputs and notes are not."""
    decisive = [
        RUN.with_(verb="validate"),
        RUN.with_(inputs={**RUN.inputs, "data": "d5"}),
        RUN.with_(parameters={**RUN.parameters, "seed": 8}),
        RUN.with_(versions={"labelkit": "0.1.1"}),
        RUN.with_(parents=()),
    ]
    assert len({run.identified().id for run in [RUN, *decisive]}) == 6
    other = RUN.with_(outputs={}, counts={}, about={}, git={}, started="x", finished="y", id="")
    assert other.identified().id == RUN.id


def test_the_id_is_the_same_in_every_process() -> None:
    """The id of a known run never changes, whatever the order of its keys."""
    turned = replace(RUN, inputs=dict(reversed(list(RUN.inputs.items()))))
    assert turned.identified().id == RUN.id == "9053b458c3720410"


def test_a_run_comes_back_as_it_was_written(store: RunStore) -> None:
    """Reading gives an equal run; writing it again changes nothing."""
    assert store.read(RUN.id) == RUN
    before = (store.path(RUN.id) / "run.json").read_bytes()
    store.write(store.read(RUN.id))
    assert (store.path(RUN.id) / "run.json").read_bytes() == before
    assert store.exists(RUN.id)
    assert not store.exists("0" * 16)


def test_a_person_can_read_a_run(store: RunStore) -> None:
    """run.json is UTF-8 JSON with names as they are written, whatever a file name holds."""
    text = (store.path(RUN.id) / "run.json").read_text(encoding="utf-8")
    assert '"data": "données/\\udcff.csv"' in text
    assert json.loads(text)["schema"] == 1


def test_runs_are_listed_oldest_first(store: RunStore) -> None:
    """Runs come in the order in which they ended; other folders are no runs."""
    later = RUN.with_(finished="2021-01-01T00:00:00.000Z", parameters={}).identified()
    earlier = RUN.with_(finished="2019-01-01T00:00:00.000Z", versions={}).identified()
    store.write(later)
    store.write(earlier)
    (store.folder / "notes").mkdir()
    (store.folder / "notes" / "run.json").write_text("{}")
    (store.folder / ("f" * 16)).mkdir()
    assert [run.id for run in store] == [earlier.id, RUN.id, later.id]
    assert list(RunStore(store.folder / "nothing")) == []


def test_a_run_that_was_not_recorded_is_named(store: RunStore) -> None:
    """Asking for an unknown run says where it was looked for."""
    with pytest.raises(ArtifactError) as caught:
        store.read("0" * 16)
    assert str(caught.value) == f"run {'0' * 16}: no record of it in {store.folder}"


@pytest.mark.parametrize(
    "run_id",
    ["", ".", "..", "../../etc/passwd", "/etc/passwd", "0123456789ABCDEF", "0123456789abcde", "0123456789abcdef\n",
     "0123456789abcdef/", "%2e%2e", "0123456789abcde\0", "\x1b[2J", "\u0660" * 16, "x" * 5000],
)  # fmt: skip
def test_what_is_no_run_id_names_no_folder(store: RunStore, run_id: str) -> None:
    """A path, a trick or a typing error is no run id: no folder outside can be reached."""
    for ask in (store.path, store.read):
        with pytest.raises(ArtifactError, match=r'^".*" is no run id$'):
            ask(run_id)
    assert not store.exists(run_id)
    with pytest.raises(ArtifactError, match="is no run id"):
        store.write(RUN.with_(id=run_id))


DAMAGED = f"run {RUN.id}: run.json is damaged or from another version of labelkit"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b'"run"', b"7", b"{}", b'{"schema": 1}', b'{"schema": 1, "checksum": ""}', b"\xff\xfe",
     b"[" * 100_000, b'{"schema": ' + b"9" * 5000 + b"}"],
)  # fmt: skip
def test_a_damaged_record_is_refused(store: RunStore, content: bytes) -> None:
    """What is not a run record in a run's place is refused, in a list of runs too."""
    (store.path(RUN.id) / "run.json").write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        store.read(RUN.id)
    assert str(caught.value) == DAMAGED
    with pytest.raises(ArtifactError):
        list(store)


def test_no_edit_goes_unnoticed(store: RunStore) -> None:
    """Every value of a record is under its checksum; so is the version of the format."""
    path = store.path(RUN.id) / "run.json"
    content = json.loads(path.read_bytes())
    for key in content:
        for edited in ({**content, key: "edited"}, {k: v for k, v in content.items() if k != key}):
            path.write_text(json.dumps(edited))
            with pytest.raises(ArtifactError) as caught:
                store.read(RUN.id)
            assert str(caught.value) == DAMAGED
    path.write_text(json.dumps(content, indent=7))  # blanks are no edit
    assert store.read(RUN.id) == RUN


def test_flipped_bits_are_refused_or_change_nothing(store: RunStore) -> None:
    """A flipped bit anywhere in run.json is noticed, unless it leaves every value as it was."""
    path, chance = store.path(RUN.id) / "run.json", random.Random(3)
    whole = path.read_bytes()
    for _ in range(800):
        place, bit = chance.randrange(len(whole)), chance.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        try:
            found = store.read(RUN.id)
        except ArtifactError as error:
            assert str(error) == DAMAGED  # noqa: PT017  either outcome is right
        else:
            assert found == RUN


def test_a_record_in_another_runs_folder_is_refused(store: RunStore) -> None:
    """A run record copied into another run's folder does not become that run."""
    other = "f" * 16
    store.path(RUN.id).rename(store.path(other))
    with pytest.raises(ArtifactError) as caught:
        store.read(other)
    assert str(caught.value) == f"run {other}: run.json is that of run {RUN.id}"


def test_a_disk_that_does_not_take_it_is_the_machines_fault(tmp_path: Path) -> None:
    """A folder that cannot be made is an error of the machine that names it."""
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(MachineError, match=r"/runs.*: (not a directory|file exists)$"):
        RunStore(tmp_path / "runs").write(RUN)


def test_versions_are_read_without_importing() -> None:
    """Versions of installed libraries are found; one that is not installed has none."""
    assert library_versions(["pytest", "no-such-library"]) == {"pytest": pytest.__version__, "no-such-library": ""}


def test_the_schema_is_one_and_describes_a_run(store: RunStore) -> None:
    """`run.schema.json` is a JSON Schema as its specification has it, and a run is what it describes."""
    jsonschema.Draft202012Validator.check_schema(run_schema())
    content = json.loads((store.path(RUN.id) / "run.json").read_bytes())
    jsonschema.validate(content, run_schema())
    assert problems_of(content) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"inputs": {"environment": {"HOME": "/root"}}}, "inputs.environment is not recorded"),
        ({"inputs": {"data": "a text of some record"}}, "inputs.data does not fit ^([0-9a-f]{64})?$"),
        ({"inputs": {"functions": {"begs": 1}}}, "inputs.functions.begs is no string"),
        ({"parameters": {"seed": "7"}}, "parameters.seed is no integer"),
        ({"parameters": {"seed": True}}, "parameters.seed is no integer"),
        ({"parameters": {"strict": 1}}, "parameters.strict is no boolean"),
        ({"parameters": {"fields": ["text", 7]}}, "parameters.fields[1] is no string"),
        ({"counts": {"records": -1}}, "counts.records is below 0"),
        ({"counts": []}, "counts is no object"),
        ({"about": {"host": "box"}}, "about.host is not recorded"),
        ({"git": {"commit": "main"}}, "git.commit does not fit ^[0-9a-f]{40}([0-9a-f]{24})?$"),
        ({"parents": ["../.."]}, "parents[0] does not fit ^[0-9a-f]{16}$"),
        ({"verb": "rm -rf"}, "verb does not fit ^[a-z]{1,30}$"),
        ({"finished": "yesterday"}, "finished does not fit ^([0-9]{4}-"),
    ],
)
def test_what_the_schema_does_not_list_is_neither_written_nor_read(
    store: RunStore, change: dict[str, Any], problem: str
) -> None:
    """The schema is the allow-list: labelkit records nothing else, and believes nothing else."""
    path = store.path(RUN.id) / "run.json"
    content = json.loads(path.read_bytes())
    with pytest.raises(ValueError, match=re.escape(f"run record: {problem}")):
        store.write(RUN.with_(**change))
    assert json.loads(path.read_bytes()) == content
    forged = {name: value for name, value in {**content, **change}.items() if name != "checksum"}
    path.write_text(json.dumps({**forged, "checksum": hash_json(forged)}))
    assert not jsonschema.Draft202012Validator(run_schema()).is_valid(json.loads(path.read_bytes()))
    with pytest.raises(ArtifactError, match="is damaged or from another version of labelkit"):
        store.read(RUN.id)


def test_no_password_of_a_url_is_recorded(store: RunStore) -> None:
    """Should a verb ever name a URL as it is, its login still stays out."""
    store.write(RUN.with_(about={"notes": ["read mysql://ana:p/w@rd@host/db"], "functions": {"x://a:b@c": "d"}}))
    text = (store.path(RUN.id) / "run.json").read_text()
    assert store.read(RUN.id).about == {"notes": ["read mysql://***@host/db"], "functions": {"x://***@c": "d"}}
    assert "p/w" not in text
    assert "rd@" not in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ana:s3cret@db.example:5432/reviews?password=x", "postgresql://db.example:5432/reviews"),
        ("mysql+pymysql://:s3cret@[::1]:3306/r", "mysql+pymysql://::1:3306/r"),
        ("sqlite:///data/reviews.db", "sqlite:///data/reviews.db"),
        ("sqlite://", "sqlite://"),
        ("http://[broken", ""),
        ("postgresql:ana:s3cret@db", ""),
        ("", ""),
    ],
)
def test_a_public_url_says_where_and_not_how_to_get_in(url: str, shown: str) -> None:
    """User, password and options of a URL are left out; what is no URL is left out altogether."""
    assert public_url(url) == shown


def test_versions_name_python_and_labelkit() -> None:
    """What decides the outcome beside the libraries is named as well."""
    versions = versions_of(["pytest"])
    assert list(versions) == ["python", "labelkit", "pytest"]
    assert versions["python"] == platform.python_version()
