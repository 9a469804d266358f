"""The example on wines runs as its README says, offline; simulated answers are marked and keep to themselves."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import labelkit as lk
from readmes import commands_of, run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="session")
def wine_examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of examples/ with the wine data made."""
    folder = tmp_path_factory.mktemp("copy") / "examples"
    made = shutil.ignore_patterns("data", ".labelkit", "labels.parquet", "__pycache__")
    shutil.copytree(EXAMPLES, folder, ignore=made)
    subprocess.run([sys.executable, folder / "wine" / "make_data.py"], check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def wine(wine_examples: Path, tmp_path: Path) -> Path:
    """A fresh copy of the wine project, nothing applied yet."""
    folder = tmp_path / "examples"
    shutil.copytree(wine_examples, folder)
    return folder / "wine"


@pytest.mark.slow
def test_the_readme_runs(wine: Path) -> None:
    """Every command of the README succeeds in turn, and the last one trains on what passed the gate."""
    commands = commands_of(wine / "README.md")
    assert commands[-1] == "python ../train.py"
    outputs = [run(command, wine) for command in commands]
    assert outputs[2].startswith("10 simulated answers, 10 of them new")
    assert "people settled 10" in outputs[3]
    assert outputs[4].startswith("PASS")
    accuracies = [float(line.split()[-4]) for line in outputs[5].splitlines()[1:4]]
    assert len(accuracies) == 3
    assert min(accuracies) > 0.9
    labels = pq.read_table(wine / "labels.parquet")
    assert labels.num_rows == 178
    assert labels["source"].to_pylist().count("human") == 10


@pytest.mark.slow
def test_the_report_shows_the_wines(wine: Path) -> None:
    """The page of the finished example: thirteen measurements by cultivar, twelve functions, the loop closed."""
    for command in ("apply", "annotate --simulate cultivar --budget 10", "apply", "validate", "report"):
        run(f"labelkit {command}", wine)
    found = lk.Project(wine).report()
    assert found.data is not None
    assert (found.data.records, len(found.data.columns), len(found.data.spreads)) == (178, 16, 12)
    assert {name for spread in found.data.spreads for name, _, _ in spread.rows} >= {"barolo", "grignolino", "barbera"}
    assert len(found.functions) == 12
    assert all(function.gold is not None for function in found.functions)
    assert found.people is not None
    assert (found.people.answers, found.people.simulated, found.people.persons) == (10, 10, ())
    assert found.calibration is not None
    assert [run.verb for run in found.runs] == ["validate", "apply", "annotate", "apply"]
    assert [stage.state for stage in found.stages] == ["good", "good", "good"]
    page = (wine / "report.html").read_text(encoding="utf-8")
    assert "<title>wine · labelkit report</title>" in page
    assert page.count('<figure class="spread">') == 12


def test_training_is_refused_before_validation(wine: Path) -> None:
    """The closing step does not train on labels that nobody judged."""
    run("labelkit apply", wine)
    with pytest.raises(AssertionError, match=r"labels\.parquet has not been validated"):
        run("python ../train.py", wine)


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("simulated_answers", ROOT / "examples" / "simulated_answers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(wine: Path) -> lk.Project:
    project = lk.Project(wine)
    project.apply()
    return project


def history(project: lk.Project) -> list[Any]:
    return lk.AnnotationStore.open(project.folder.store_url).history()


def gold(project: lk.Project) -> dict[str, str]:
    table = project.records().to_table()
    return dict(zip(table["id"].to_pylist(), table["cultivar"].to_pylist(), strict=True))


def test_answers_are_gold_and_marked(script: Any, project: lk.Project) -> None:
    """Each answer is the record's gold class, of split train, by the annotator "simulated"."""
    script.answer_from_gold(project, 6)
    answers = project.answers()
    assert len(answers) == 6
    assert answers.items() <= gold(project).items()
    assert {entry.annotator for entry in history(project)} == {"simulated"}
    table = project.records().to_table()
    split = dict(zip(table["id"].to_pylist(), table["split"].to_pylist(), strict=True))
    assert {split[record] for record in answers} == {"train"}


def test_only_missing_answers_are_asked_for(
    script: Any, project: lk.Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run again, nothing is stored; asked for more, only the difference is."""
    script.answer_from_gold(project, 3)
    before = history(project)
    script.answer_from_gold(project, 3)
    assert history(project) == before
    script.answer_from_gold(project, 5)
    assert history(project)[:3] == before
    assert len(history(project)) == 5
    assert capsys.readouterr().out.splitlines() == [
        "3 simulated answers, 3 of them new; 0 questions skipped (no gold)",
        "3 simulated answers, 0 of them new; 0 questions skipped (no gold)",
        "5 simulated answers, 2 of them new; 0 questions skipped (no gold)",
    ]


def test_answers_of_people_are_left_alone(script: Any, project: lk.Project) -> None:
    """A person's answer stays, is not asked about again and does not count as simulated."""
    first = project.queue(1)[0].record
    wrong = next(name for name in ("barolo", "barbera") if name != gold(project)[first])
    project.answer(first, wrong, annotator="ana")
    script.answer_from_gold(project, 4)
    assert project.answers()[first] == wrong
    assert [entry.annotator for entry in history(project)] == ["ana"] + ["simulated"] * 4
    assert [entry.record for entry in history(project)].count(first) == 1


def test_records_without_gold_are_skipped(script: Any, project: lk.Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A record whose gold is null is answered with a skip and does not count."""
    first = project.queue(1)[0].record
    path = project.folder.data_path
    lines = [
        line.replace(f",{gold(project)[first]},", ",,") if line.startswith(f"{first},") else line
        for line in path.read_text().splitlines(keepends=True)
    ]
    path.write_text("".join(lines))
    script.answer_from_gold(project, 2)
    assert first not in project.answers()
    oldest = history(project)[0]
    assert (oldest.record, oldest.kind) == (first, "skip")
    assert capsys.readouterr().out == "2 simulated answers, 2 of them new; 1 questions skipped (no gold)\n"


def test_a_project_that_runs_out_of_questions_ends(script: Any, project: lk.Project) -> None:
    """Asked for more than there is, the script stops at the last question."""
    script.answer_from_gold(project, 10_000)
    assert 0 < len(project.answers()) <= 80


def test_a_project_without_gold_is_refused(script: Any, project: lk.Project) -> None:
    """Without gold there is nothing to answer from."""
    settings = project.folder.root / "labelkit.toml"
    settings.write_text(settings.read_text().replace('gold = "cultivar"\n', ""))
    with pytest.raises(SystemExit, match="the project has no gold column to answer from"):
        script.answer_from_gold(lk.Project(project.folder.root), 3)
