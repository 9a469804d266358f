"""`annotate` in a whole project: queues, overlap, simulation, agreement and adjudication."""

from __future__ import annotations

import json

import pytest

from labelkit.annotations import AnnotationStore
from labelkit.errors import ConfigError, DataError, UsageError
from labelkit.pipeline import annotate as verb
from labelkit.pipeline.agreement import agreement, disputes
from labelkit.pipeline.questions import Wanted
from labelkit.pipeline.sessions import nothing_to_ask
from labelkit.pipeline.simulation import simulate
from projects import Made, MakeProject, comments


@pytest.fixture
def applied(make_project: MakeProject) -> Made:
    """A project whose records have votes; each record goes to two people."""
    made = make_project(toml="[annotate]\noverlap = 2\n[model]\nname = 'majority'\n")
    made.project.apply()
    return made


@pytest.fixture
def store(applied: Made) -> AnnotationStore:
    return AnnotationStore.open(applied.project.folder.store_url)


def test_record_is_asked_until_enough_people_have_answered(applied: Made) -> None:
    """With overlap 2 the first answer does not close a record, except to the person who gave it; the second does."""
    project = applied.project
    first = project.queue(1, annotator="ana")[0].record
    project.answer(first, "ham", annotator="ana")
    assert project.queue(1, annotator="ana")[0].record != first
    assert project.queue(1, annotator="ben")[0].record == first
    project.answer(first, "spam", annotator="ben")
    assert first not in {item.record for item in project.queue(200, annotator="cem")}


def test_mix_is_a_strategy_like_any_other(applied: Made) -> None:
    """On the command line, in labelkit.toml and from Python."""
    items = applied.project.queue(10, strategy="margin:0.5,uncovered:0.5")
    assert {item.strategy for item in items} == {"margin", "uncovered"}
    toml = (applied.root / "labelkit.toml").read_text()
    applied.write("labelkit.toml", toml.replace("overlap = 2", 'overlap = 2\nstrategy = "mixed"'))
    assert {item.strategy for item in applied.project.queue(20)} == {"margin", "conflict", "random"}


def test_project_cannot_name_code_to_run(applied: Made) -> None:
    """A function is a strategy only when the person who calls labelkit says so."""
    toml = (applied.root / "labelkit.toml").read_text()
    applied.write("labelkit.toml", toml.replace("overlap = 2", 'strategy = "rare_strategies.few_votes"'))
    with pytest.raises(ConfigError) as caught:
        applied.project.queue(1)
    assert str(caught.value) == (
        'labelkit.toml: [annotate] strategy: "rare_strategies.few_votes" is code, and opening a project runs none but '
        "its labeling functions; give it on the command line: --strategy rare_strategies.few_votes"
    )
    assert applied.project.queue(1, strategy="rare_strategies.few_votes")[0].reason.endswith("by few_votes")


def test_split_that_is_no_text_is_refused(make_project: MakeProject) -> None:
    """Numbers name no split; whoever asks is told which column, and what it should hold."""
    rows = [row | {"split": "1"} for row in comments(20, seed=3)]
    made = make_project(rows=rows, toml="types = { split = \"int64\" }\n[model]\nname = 'majority'\n")
    made.project.apply()
    with pytest.raises(DataError) as caught:
        made.project.queue(1)
    assert str(caught.value) == (
        'comments.csv: column "split" holds int64, and a split is text such as "train"; '
        "take split out of [data] in labelkit.toml, or write it as text"
    )


# Simulation


def test_simulation_answers_from_a_column_and_says_so(applied: Made, store: AnnotationStore) -> None:
    """As many labels as the budget, all of them gold, all of them the annotator's that is nobody."""
    done = applied.run("annotate", "--simulate", "gold", "--budget", "12", "--strategy", "mixed", "--json")
    assert 'nobody was asked: column "gold" answered as "simulated"' in done.stderr
    report = json.loads(done.stdout)
    assert (report["asked"], report["labelled"], report["skipped"]) == (12, 12, 0)
    rows = applied.project.records().to_table().to_pylist()
    gold, split = ({row["id"]: row[name] for row in rows} for name in ("gold", "split"))
    history = store.history()
    assert {entry.annotator for entry in history} == {"simulated"}
    assert all(entry.label == gold[entry.record] and split[entry.record] == "train" for entry in history)
    run = json.loads((applied.root / ".labelkit" / "runs" / report["run"] / "run.json").read_text())
    assert run["parameters"] == {"annotator": "simulated", "strategy": "mixed", "simulated_from": "gold"}


def test_simulation_goes_on_where_it_stopped(applied: Made, store: AnnotationStore) -> None:
    """Asked again it takes the next records; in the end there are no more."""
    one = simulate(applied.project.folder, "gold", budget=30)
    two = simulate(applied.project.folder, "gold", budget=1_000)
    three = simulate(applied.project.folder, "gold", budget=10)
    assert (one.labelled, three.asked) == (30, 0)
    assert len({entry.record for entry in store.history()}) == 30 + two.labelled


def test_simulation_skips_what_the_column_does_not_say(make_project: MakeProject) -> None:
    """An empty cell is a skip; a value that is no class stops everything, and nothing is stored."""
    rows = [
        {"id": f"c{i}", "text": f"subscribe song {i}", "gold": "" if i % 2 else "ham", "split": "train"}
        for i in range(20)
    ]
    made = make_project(rows=rows, toml="[model]\nname = 'majority'\n")
    made.project.apply()
    report = simulate(made.project.folder, "gold", budget=5)
    assert (report.labelled, report.skipped) == (5, report.asked - 5)
    assert report.skipped > 0
    with pytest.raises(DataError, match=r'column "text": .* is no class; classes are "ham", "spam"'):
        simulate(made.project.folder, "text", budget=5)
    with pytest.raises(DataError, match='no column "nothing"'):
        simulate(made.project.folder, "nothing", budget=5)
    assert len(AnnotationStore.open(made.project.folder.store_url).history()) == report.asked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--simulate", "gold", "--annotator", "ana"],
            'simulated answers are those of "simulated" and of nobody else; drop --annotator',
        ),
        (["--simulate", "gold", "--agreement"], "--simulate and --agreement do different things; give one of them"),
        (["--adjudicate", "--answers", "a.jsonl"], "--answers and --adjudicate do different things; give one of them"),
        (["--adjudicate"], "there is nothing to decide: no record has answers that differ, or somebody is deciding it"),
        (["--agreement"], "nobody has answered yet; `labelkit annotate` asks"),
        (["--strategy", "margn"], 'no strategy "margn"; did you mean "margin"?'),
    ],
)
def test_what_cannot_be_done_is_said(applied: Made, arguments: list[str], message: str) -> None:
    """Exit code 2 and one line."""
    assert applied.run("annotate", *arguments, code=2).stderr == f"labelkit: error: {message}\n"


def test_simulation_and_agreement_from_python(applied: Made) -> None:
    """The project has both, as the command line does."""
    assert applied.project.simulate("gold", strategy="random", budget=4).labelled == 4
    applied.project.answer("c1", "ham", annotator="ana")
    assert applied.project.agreement().records == 1


# Agreement


@pytest.fixture
def answered(applied: Made) -> Made:
    """Two people on four records, who disagree on one of them; a third one on the next."""
    said = {"ana": "ham ham spam spam", "ben": "ham spam spam spam"}
    for who, labels in said.items():
        for number, label in enumerate(labels.split()):
            applied.project.answer(f"c{number}", label, annotator=who)
    applied.project.answer("c9", "spam", annotator="cem")
    applied.project.answer("c1", "spam", annotator="simulated")
    return applied


def test_agreement_is_about_people(answered: Made, store: AnnotationStore) -> None:
    """Coefficients, each person beside the others, disputes, flags and notes; a simulation is nobody."""
    store.remarks.add("c3", "flag", "ana", "flag-1")
    store.remarks.add("c1", "note", "ben", "note-1", "could be either")
    report = agreement(answered.project.folder)
    assert (report.records, report.overlapping) == (5, 4)
    assert report.kappas == {"ana / ben": pytest.approx(0.5)}
    assert report.alpha == pytest.approx(1 - (8 - 1) * 2 / (2 * 3 * 5))
    assert report.human_level == pytest.approx(0.75)
    assert [(p.name, p.answers, p.compared, p.agreed, p.confused) for p in report.people] == [
        ("ana", 4, 4, 3, {"spam -> ham": 1}),
        ("ben", 4, 4, 3, {"ham -> spam": 1}),
        ("cem", 1, 0, 0, {}),
    ]
    assert (report.disputed, report.flagged) == (["c1"], {"c3": ["ana"]})
    assert report.notes == [{"record": "c1", "annotator": "ben", "text": "could be either"}]


def test_agreement_is_printed_for_people_and_for_machines(answered: Made, store: AnnotationStore) -> None:
    """The same figures as text and as JSON, and names from data cannot steer a terminal."""
    store.remarks.add("c1", "note", "ben", "note-1", "either\x1b[2J")
    text = answered.run("annotate", "--agreement").stdout
    assert text.splitlines() == [
        "records answered       5, of them 4 by two people or more",
        "Krippendorff's alpha   0.533 nominal, 0.533 ordinal",
        "human level            75.0% [40.9%, 92.9%]",
        "Cohen's kappa          0.500  ana / ben",
        "ana: 4 answers, 3 of 4 as most of the others (spam -> ham 1)",
        "ben: 4 answers, 3 of 4 as most of the others (ham -> spam 1)",
        "cem: 1 answers",
        "to adjudicate          1 (labelkit annotate --adjudicate)",
        r"note                   c1, ben: either\x1b[2J",
    ]
    assert json.loads(answered.run("annotate", "--agreement", "--json").stdout)["disputed"] == ["c1"]


def test_adjudication_queue_says_who_said_what(answered: Made, store: AnnotationStore) -> None:
    """The most divided record first; what an adjudicator decides is what the project then holds."""
    for number, (who, label) in enumerate([("ana", "ham"), ("ben", "ham"), ("cem", "spam")]):
        store.add("c8", label, who, "", f"more-{number}")
    votes_on = Wanted(answered.project.folder).votes_on
    items = list(disputes(store.history(), votes_on))
    assert [(item.record, item.reason, item.suggestion) for item in items] == [
        ("c1", "ana says ham; ben says spam", None),
        ("c8", "ana says ham; ben says ham; cem says spam", "ham"),
    ]
    store.add("c1", "ham", "dora", "adjudicate", "decided", role="adjudicator")
    assert [item.record for item in disputes(store.history(), votes_on)] == ["c8"]
    assert answered.project.answers()["c1"] == "ham"


@pytest.mark.postgres
def test_store_on_postgres_serves_a_whole_project(make_project: MakeProject, postgres_url: str) -> None:
    """apply, annotate and the next apply, with the answers on a server; no file of the project holds its URL."""
    url = postgres_url.replace("//postgres@", "//postgres:s3cret-word@")
    made = make_project(toml=f"[store]\nurl = '{url}'\n[model]\nname = 'majority'\n")
    made.run("apply")
    made.run("annotate", "--simulate", "gold", "--budget", "5")
    made.run("apply")
    labels = made.project.labels().to_pylist()
    assert sum(row["source"] == "human" for row in labels) == 5
    written = [path for path in made.root.rglob("*") if path.is_file() and path.name != "labelkit.toml"]
    assert not [path for path in written if b"s3cret-word" in path.read_bytes()]
    assert not (made.root / ".labelkit" / "annotations.db").exists()


def test_nothing_to_ask_says_whether_others_are_at_it(applied: Made, store: AnnotationStore) -> None:
    """Records that are leased to others come back; it is worth trying again."""
    assert "every record of this queue is answered" in nothing_to_ask(store, adjudicate=False)
    store.leases.claim("ana", ["c1"])
    assert "1 records are with people at this moment" in nothing_to_ask(store, adjudicate=False)


def test_record_that_left_the_data_is_not_asked(applied: Made) -> None:
    """A record voted on but no longer there is passed over."""
    text = (applied.root / "data" / "comments.csv").read_text().splitlines(keepends=True)
    first, second = (item.record for item in applied.project.queue(2))
    kept = [line for line in text if not line.startswith(f"{first},")]
    applied.write("data/comments.csv", "".join(kept))
    assert applied.project.queue(1)[0].record != first
    done = applied.run("annotate", "--queue", "1", "--out", "q.jsonl")
    assert "wrote 1 questions" in done.stderr
    assert first != second


def test_unknown_key_of_a_class_is_refused(applied: Made) -> None:
    """Before any record is claimed."""
    toml = (applied.root / "labelkit.toml").read_text()
    applied.write("labelkit.toml", toml.replace("overlap = 2", 'overlap = 2\nkeys = { eggs = "e" }'))
    with pytest.raises((ConfigError, UsageError), match="eggs"):
        verb.annotate_at_terminal(applied.project.folder, annotator="ana")
