"""The demo's data is read as it is or not at all: traps of the source are handled, surprises are refused."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo_data", ROOT / "examples" / "demo_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["demo_data"] = module
    spec.loader.exec_module(module)
    return module


demo_data: Any = load()
BOM = b"\xef\xbb\xbf"


def lines(*rows: str) -> bytes:
    return "".join(row + "\r\n" for row in rows).encode()


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def file(name: str, content: bytes = b"content") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


def link(name: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "elsewhere"
    return info, b""


def read(texts: bytes, ratings: bytes) -> Any:
    return demo_data.sentences(texts, ratings)


def refused(message: str, texts: bytes, ratings: bytes) -> None:
    with pytest.raises(demo_data.SourceError) as caught:
        read(texts, ratings)
    assert str(caught.value) == message


def test_files_in_different_orders_are_joined_by_id() -> None:
    """A rating belongs to the sentence of its id, wherever in the file it stands."""
    texts = lines("1_1\t2\tgood", "1_2\t-1\tbad")
    ratings = lines("1_2\t-1\t0\t[-1, -1]", "1_1\t2\t0\t[2, 2]")
    assert [(one.id, one.text, one.ratings) for one in read(texts, ratings)] == [
        ("1_1", "good", (2, 2)),
        ("1_2", "bad", (-1, -1)),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_id() -> None:
    """The mark at the start of one file does not make a new id."""
    one = read(lines("1_1\t2\tgood"), BOM + lines("1_1\t2\t0\t[2]"))
    assert [sentence.id for sentence in one] == ["1_1"]


def test_entities_become_what_people_read() -> None:
    """Escaped once or twice, an ampersand is an ampersand."""
    texts = lines("1_1\t1\tfast &amp; cheap", "1_2\t1\teasy &amp;#38; light")
    ratings = lines("1_1\t1\t0\t[1]", "1_2\t1\t0\t[1]")
    assert [one.text for one in read(texts, ratings)] == ["fast & cheap", "easy & light"]


@pytest.mark.parametrize(
    ("rating", "gold"),
    [(0.5, "positive"), (0.45, None), (0.0, None), (-0.45, None), (-0.5, "negative"), (-4, "negative")],
)
def test_gold_is_what_people_clearly_see(rating: float, gold: str | None) -> None:
    """From half a point on a mean rating is a class; nearer to zero it is none."""
    assert demo_data.Sentence("1_1", "text", rating, ()).gold == gold


def test_repeated_texts_are_kept_once() -> None:
    """Case and white space do not make a new text, and the first one stays."""
    sentences = [demo_data.Sentence(f"1_{i}", text, 0.0, ()) for i, text in enumerate(["So  Good", "so good", "bad"])]
    assert [one.id for one in demo_data.distinct(sentences)] == ["1_0", "1_2"]


@pytest.fixture(scope="module")
def many() -> Any:
    return [demo_data.Sentence(f"{review}_{i}", f"{review} {i}", 1.0, (1,)) for review in range(300) for i in range(7)]


def test_splits_have_their_sizes(many: Any) -> None:
    """Dev has exactly 500 sentences, test the first whole reviews that reach 1,000."""
    splits = demo_data.splits(many)
    assert splits.count("dev") == 500
    assert splits.count("test") == 1001
    assert splits.count("train") == len(many) - 1501


def test_no_review_is_in_test_and_elsewhere(many: Any) -> None:
    """Sentences of a review that is tested on are in no other split."""
    by_split: dict[str, set[str]] = {"dev": set(), "test": set(), "train": set()}
    for one, split in zip(many, demo_data.splits(many), strict=True):
        by_split[split].add(one.review)
    assert not by_split["test"] & (by_split["dev"] | by_split["train"])
    assert len(by_split["dev"] & by_split["train"]) <= 1


def test_the_split_depends_on_reviews_alone(many: Any) -> None:
    """Another text or rating moves no sentence to another split."""
    changed = [demo_data.Sentence(one.id, "other", -1.0, (-1,)) for one in many]
    assert demo_data.splits(changed) == demo_data.splits(many)


def test_only_the_named_member_is_read() -> None:
    """Other members of the archive, hostile ones included, are not touched."""
    packed = archive(file("../../evil"), link("a", tarfile.SYMTYPE), file("wanted", b"data"))
    assert demo_data.member(packed, "wanted") == b"data"


@pytest.mark.parametrize(
    "members",
    [
        [file("other")],
        [file("wanted"), file("wanted")],
        [link("wanted", tarfile.SYMTYPE)],
        [link("wanted", tarfile.LNKTYPE)],
        [link("wanted", tarfile.DIRTYPE)],
        [link("wanted", tarfile.FIFOTYPE)],
    ],
    ids=["missing", "twice", "symlink", "hardlink", "folder", "pipe"],
)
def test_anything_but_one_regular_file_is_refused(members: Any) -> None:
    """A member that is missing, stands twice or is no regular file is refused."""
    with pytest.raises(
        demo_data.SourceError, match=r"^wanted: not exactly one regular file of at most 20,000,000 bytes$"
    ):
        demo_data.member(archive(*members), "wanted")


def test_an_oversized_member_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member larger than anything expected is not unpacked."""
    monkeypatch.setattr(demo_data, "MEMBER_LIMIT", 3)
    with pytest.raises(demo_data.SourceError, match="at most 3 bytes"):
        demo_data.member(archive(file("wanted", b"data")), "wanted")


@pytest.mark.parametrize(
    "damaged", [b"", b"no archive", archive(file("wanted", b"x" * 9999))[:60]], ids=["empty", "other", "cut"]
)
def test_a_damaged_archive_is_refused(damaged: bytes) -> None:
    """What is no whole archive is an error of the source, not a traceback."""
    with pytest.raises(demo_data.SourceError, match=r"^wanted: the archive around it cannot be read"):
        demo_data.member(damaged, "wanted")


RATED = lines("1_1\t2\t0\t[2, 2]")


@pytest.mark.parametrize(
    ("message", "texts", "ratings"),
    [
        ("ids of one file only: ['1_1', '1_2']", lines("1_2\t2\tgood"), RATED),
        ("line 1: not 3 columns with a new id: '1_1\\t2'", lines("1_1\t2"), RATED),
        ("line 2: not 3 columns with a new id: '1_1\\t2\\tagain'", lines("1_1\t2\tgood", "1_1\t2\tagain"), RATED),
        ("line 1: not 3 columns with a new id: '\\t2\\tgood'", lines("\t2\tgood"), RATED),
        ("line 2: not 3 columns with a new id: ''", lines("1_1\t2\tgood", "", "1_2\t2\tbad"), RATED),
        ("1_1: the stated mean is 3.0, that of the ratings 2.0", lines("1_1\t3\tgood"), RATED),
        ("1_1: the stated mean is nan, that of the ratings 2.0", lines("1_1\tnan\tgood"), RATED),
        ("1_1: no ratings in '[2, 2]', 'two'", lines("1_1\ttwo\tgood"), RATED),
        ("1_1: no ratings in '[2, 2', '2'", lines("1_1\t2\tgood"), lines("1_1\t2\t0\t[2, 2")),
        ("1_1: no ratings in '2', '2'", lines("1_1\t2\tgood"), lines("1_1\t2\t0\t2")),
        ("1_1: ratings must be whole numbers from -4 to 4, not '[5]'", lines("1_1\t5\tgood"), lines("1_1\t5\t0\t[5]")),
        ("1_1: ratings must be whole numbers from -4 to 4, not '[]'", lines("1_1\t5\tgood"), lines("1_1\t5\t0\t[]")),
        (
            "1_1: ratings must be whole numbers from -4 to 4, not '[true]'",
            lines("1_1\t1\ta"),
            lines("1_1\t1\t0\t[true]"),
        ),
        ("1_1: no printable text: '  '", lines("1_1\t2\t  "), RATED),
        ("1_1: no printable text: 'a\\x1b[2J'", lines("1_1\t2\ta\x1b[2J"), RATED),
        ("byte 6 is not UTF-8", b"1_1\t2\t\xe9\r\n", RATED),
    ],
)
def test_surprises_are_refused(message: str, texts: bytes, ratings: bytes) -> None:
    """Whatever does not fit stops the script and says where."""
    refused(message, texts, ratings)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The script's own folder moved to an empty one, and a pip that would be noticed."""
    for name in ("CACHE", "RECORDS", "RATINGS", "REQUIREMENTS"):
        monkeypatch.setattr(demo_data, name, tmp_path / getattr(demo_data, name).relative_to(ROOT))
    monkeypatch.setattr(demo_data, "ROOT", tmp_path)

    def no_pip(*_: object, **__: object) -> None:
        raise AssertionError("pip was called")

    monkeypatch.setattr(subprocess, "run", no_pip)
    return tmp_path


def source(texts: bytes, ratings: bytes) -> bytes:
    inner = archive(file(demo_data.TEXTS_MEMBER, texts), file(demo_data.RATINGS_MEMBER, ratings))
    return archive(file(demo_data.OUTER_MEMBER, inner))


def cached(folder: Path, content: bytes) -> None:
    demo_data.CACHE.mkdir(parents=True)
    (demo_data.CACHE / demo_data.ARCHIVE).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    demo_data.REQUIREMENTS.write_text(f"vaderSentiment==3.3.2 --hash=sha256:{digest}\n")


def test_from_archive_to_two_tables(offline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script writes the records and every single rating, and says what it left out."""
    texts = lines("1_1\t1.5\tgood", "1_2\t0\tso so", "2_1\t-2\tGOOD")
    cached(offline, source(texts, lines("1_1\t1.5\t0\t[1, 2]", "1_2\t0\t0\t[0]", "2_1\t-2\t0\t[-2]")))
    demo_data.main()
    assert capsys.readouterr().out == (
        "data/reviews.parquet: 2 sentences (1 neutral, gold null); 1 repeated texts left out\n"
    )
    assert pq.read_table(demo_data.RECORDS).select(["id", "text", "rating", "gold"]).to_pylist() == [
        {"id": "1_1", "text": "good", "rating": 1.5, "gold": "positive"},
        {"id": "1_2", "text": "so so", "rating": 0.0, "gold": None},
    ]
    assert pq.read_table(demo_data.RATINGS).to_pylist() == [
        {"id": "1_1", "rater": 0, "rating": 1},
        {"id": "1_1", "rater": 1, "rating": 2},
        {"id": "1_2", "rater": 0, "rating": 0},
    ]


def test_a_second_run_does_nothing(offline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where both files were made by this script from this archive, they are left alone, even with the archive gone."""
    cached(offline, source(lines("1_1\t1\tgood"), lines("1_1\t1\t0\t[1]")))
    demo_data.main()
    (demo_data.CACHE / demo_data.ARCHIVE).unlink()
    before = demo_data.RECORDS.stat().st_mtime_ns
    demo_data.main()
    assert demo_data.RECORDS.stat().st_mtime_ns == before
    assert capsys.readouterr().out.endswith("data/reviews.parquet is up to date\n")


def test_a_damaged_file_is_made_again(offline: Path) -> None:
    """A file that is not whole does not count as up to date."""
    cached(offline, source(lines("1_1\t1\tgood"), lines("1_1\t1\t0\t[1]")))
    demo_data.main()
    demo_data.RATINGS.write_bytes(b"half of it")
    demo_data.main()
    assert pq.read_table(demo_data.RATINGS).num_rows == 1


def test_a_cached_archive_with_another_hash_is_not_used(offline: Path) -> None:
    """A cached file that is not the pinned one is fetched again, and never opened."""
    cached(offline, source(lines("1_1\t1\tgood"), lines("1_1\t1\t0\t[1]")))
    (demo_data.CACHE / demo_data.ARCHIVE).write_bytes(b"something else")
    with pytest.raises(AssertionError, match="pip was called"):
        demo_data.main()


@pytest.fixture
def distributed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A source archive that leaves a trace when its code runs, where pip finds it. Returns (trace, SHA-256)."""
    for name in ("CACHE", "REQUIREMENTS"):
        monkeypatch.setattr(demo_data, name, tmp_path / getattr(demo_data, name).relative_to(ROOT))
    trace, shelf = tmp_path / "trace", tmp_path / "shelf"
    leave_trace = f"open({str(trace)!r}, 'w').close()"
    setup = f"{leave_trace}\nimport setuptools\nsetuptools.setup(name='vaderSentiment', version='3.3.2')"
    content = archive(
        file("vaderSentiment-3.3.2/setup.py", setup.encode()),
        file("vaderSentiment-3.3.2/PKG-INFO", b"Metadata-Version: 1.0\nName: vaderSentiment\nVersion: 3.3.2\n"),
    )
    shelf.mkdir()
    (shelf / demo_data.ARCHIVE).write_bytes(content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return trace, hashlib.sha256(content).hexdigest()


def test_pip_fetches_the_pinned_archive(distributed: tuple[Path, str]) -> None:
    """With the pinned hash the archive arrives whole. The trace shows that the next test could fail."""
    trace, digest = distributed
    demo_data.REQUIREMENTS.write_text(f"vaderSentiment==3.3.2 --hash=sha256:{digest}\n")
    assert hashlib.sha256(demo_data.fetch()).hexdigest() == digest
    assert trace.exists()


def test_nothing_of_another_archive_runs(distributed: tuple[Path, str], capfd: pytest.CaptureFixture[str]) -> None:
    """An archive with another hash is refused before any of its code runs, and is not kept."""
    trace, _ = distributed
    demo_data.REQUIREMENTS.write_text(f"vaderSentiment==3.3.2 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(subprocess.CalledProcessError):
        demo_data.fetch()
    assert "DO NOT MATCH THE HASHES" in capfd.readouterr().err
    assert not trace.exists()
    assert not (demo_data.CACHE / demo_data.ARCHIVE).exists()
