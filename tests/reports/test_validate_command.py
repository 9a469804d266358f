"""`labelkit validate` as pipelines call it: its files, its options, what it remembers, and what it never does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelkit import reports
from labelkit.errors import AnswerIsNo, LabelkitError
from labelkit.lineage import RunStore
from projects import Made
from suite_files import with_cell

REPORTS = ("--html", "report.html", "--junit", "report.xml", "--markdown", "report.md")


def spoil(made: Made, column: str = "label", value: object = "smap") -> None:
    """Change one cell of labels.parquet, and nothing else."""
    path = made.root / "labels.parquet"
    table = pq.read_table(path)
    row = table.column("label").is_valid().to_pylist().index(True)
    changed: pa.Table = with_cell(table, column, row, value)
    pq.write_table(changed, path)


def invoke(made: Made, *arguments: str) -> int:
    """Run the command in this process; the exit code, as the entry point gives it."""
    from labelkit.cli.main import _exit_code

    return _exit_code(["validate", "-C", str(made.root), *arguments])


def test_every_run_keeps_its_report(made: Made) -> None:
    """The page is in the run's folder, and its hash in the run's record."""
    verdict = made.project.validate()
    about = made.project.background()
    folder = made.root / ".labelkit" / "runs" / about.run
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page == reports.html(verdict, about)
    assert "Passed: training may run" in page
    run = RunStore(folder.parent).read(about.run)
    assert set(run.outputs) == {"verdict.json", "report.html"}
    assert about.labels == run.inputs["labels"]
    assert sum(count for _, count in about.shares) == 60
    assert sum(about.confidences) == sum(count for name, count in about.shares if name != "(no label)")


def test_the_page_says_how_reliable_the_labels_are(made: Made) -> None:
    """As `apply` found and its run recorded; where nothing could be compared, the page leaves it out."""
    toml = made.root / "labelkit.toml"
    content = toml.read_text(encoding="utf-8")
    for gold in (True, False):
        toml.write_text(content if gold else content.replace('gold = "gold"\n', ""), encoding="utf-8")
        applied = made.project.apply()
        verdict, about = made.project.validate(), made.project.background()
        assert about.calibration == applied.calibration
        assert about.calibrated_on == applied.calibrated_on
        assert (about.calibration is not None) == gold
        page = reports.html(verdict, about)
        assert ("<figcaption>Reliability " in page) == gold
        if applied.calibration is not None:
            assert applied.calibration.summary() in page


def test_the_files_say_what_was_found(
    made: Made, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTML, JUnit and Markdown are written where asked for, also when the answer is no."""
    monkeypatch.chdir(made.root)
    spoil(made)
    assert invoke(made, *REPORTS) == 1
    assert "labels are classes" in Path("report.html").read_text(encoding="utf-8")
    assert (
        Path("report.md")
        .read_text(encoding="utf-8")
        .startswith("## ❌ Blocked: do not train on these labels · comments")
    )
    assert ET.parse("report.xml").getroot().get("failures") == "1"  # noqa: S314  our own text
    out, err = capfd.readouterr()
    assert out.startswith("FAIL: 1 of 3 expectations block")
    assert err.startswith("labelkit: the report is .labelkit/runs/")


def test_the_json_on_stdout_holds_the_schema(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """`--json` is one document, as docs/validate.md describes it."""
    spoil(made)
    assert invoke(made, "--json") == 1
    document = json.loads(capfd.readouterr().out)
    jsonschema.Draft202012Validator(reports.SCHEMA).validate(document)
    failed = document["outcomes"][0]
    assert (failed["status"], failed["blocks"], failed["failing_values"]) == ("fail", True, ['"smap"'])
    assert failed["since"] == {"run": document["run"], "time": document["time"], "checks": 1}


def test_an_expectation_fails_since_the_first_check_of_the_streak(
    made: Made, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same labels judged again are the same run; what it says of since when is still the first time."""

    def since() -> object:
        invoke(made, "--json")
        return json.loads(capfd.readouterr().out)["outcomes"][0]["since"]

    good = (made.root / "labels.parquet").read_bytes()
    assert since() is None
    spoil(made)
    first = since()
    assert isinstance(first, dict)
    assert since() == {**first, "checks": 2}
    spoil(made, value="smapp")
    assert since() == {**first, "checks": 3}
    (made.root / "labels.parquet").write_bytes(good)
    assert since() is None
    spoil(made)
    again = since()
    assert isinstance(again, dict)
    assert (again["run"], again["checks"]) == (first["run"], 1)
    assert again["time"] > first["time"]
    assert len(made.project.background().history) == 6


def test_a_check_that_came_to_nothing_leaves_the_history_alone(made: Made) -> None:
    """A suite that cannot be read, or a damaged record of another run, does not end a streak."""
    spoil(made)
    made.project.validate()
    suite = made.root / "expectations" / "labels.json"
    kept = suite.read_text()
    suite.write_text("{")
    with pytest.raises(LabelkitError):
        made.project.validate()
    suite.write_text(kept)
    made.write(".labelkit/runs/00000000000000aa/run.json", "{}")
    made.project.validate()
    assert [since.checks for since in made.project.background().since.values()] == [2]


def test_github_annotations_follow_text_that_cannot_command(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """The verdict stands between stop-commands; the annotation names the suite's file."""
    spoil(made, value="::error::x")
    assert invoke(made, "--github") == 1
    lines = capfd.readouterr().out.splitlines()
    token = lines[0].removeprefix("::stop-commands::")
    end = lines.index(f"::{token}::")
    assert lines[1].startswith("FAIL: ")
    (annotation,) = lines[end + 1 :]
    assert annotation.startswith(
        "::error file=expectations/labels.json,title=labels%3A labels are classes::fail: 1 of "
    )


def test_github_hears_of_a_check_that_came_to_nothing(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """An error before any verdict is an annotation too, and no report of an earlier check is left in its place."""
    report = made.write("report.md", "## Passed")
    (made.root / "expectations" / "labels.json").write_text("{")
    assert invoke(made, "--github", "--markdown", str(report)) == 2
    out = capfd.readouterr().out
    assert out.startswith("::error title=labelkit validate::expectations/labels.json: not JSON")
    assert out.count("\n") == 1
    assert not report.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--html", "labels.parquet"], "--html labels.parquet: give a file name that ends in .html"),
        (["--junit", "r.html"], "--junit r.html: give a file name that ends in .xml"),
        (["--markdown", "labelkit.toml"], "--markdown labelkit.toml: give a file name that ends in .md"),
        (["--github", "--json"], "--github and --json both write to stdout; choose one of them"),
        (
            ["--verify-only", "--github"],
            "--verify-only judges nothing, so there is nothing to report; leave the other options out",
        ),
    ],
)
def test_a_call_that_could_do_harm_is_refused(
    made: Made, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No report is written over anything but a report, and nothing is touched."""
    monkeypatch.chdir(made.root)
    before = {path: path.read_bytes() for path in made.root.rglob("*") if path.is_file()}
    assert invoke(made, *arguments) == 2
    assert f"labelkit: error: {said}\n" in capfd.readouterr().err
    assert {path: path.read_bytes() for path in made.root.rglob("*") if path.is_file()} == before


def test_a_report_that_cannot_be_written_exits_with_3(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """A missing folder is made; a file in its place is the machine's fault, and named."""
    made.write("taken", "")
    assert invoke(made, "--html", str(made.root / "new" / "r.html")) == 0
    assert (made.root / "new" / "r.html").is_file()
    assert invoke(made, "--html", str(made.root / "taken" / "r.html")) == 3
    assert capfd.readouterr().err.endswith("taken/r.html: not a directory\n")


def test_strict_is_a_run_of_its_own(made: Made) -> None:
    """A warning passes without strict and blocks with it; training hears of the last verdict."""
    spoil(made, "confidence", 0.2)
    assert made.project.validate().passed
    lenient = made.project.background().run
    assert made.project.verify().verified
    assert made.project.verify(strict=True).reasons == (
        "1 expectations failed without blocking, which strict does not let through",
    )
    made.project.training_set("train")
    assert made.project.validate(strict=True).status == "fail"
    assert made.project.background().run != lenient
    with pytest.raises(AnswerIsNo, match="did not pass"):
        made.project.training_set("train")


AGAIN = "run `labelkit validate` again"


def test_verify_confirms_the_file_that_passed(made: Made) -> None:
    """Before any verdict the answer is no; after a pass it names the run."""
    assert made.project.verify().reasons == ("labels.parquet has not been validated; run `labelkit validate`",)
    made.project.validate()
    verification = made.project.verify()
    assert (verification.verified, verification.exit_code, verification.run) == (True, 0, made.project.background().run)
    assert str(verification).startswith("verified: labels.parquet passed on 20")


def test_verify_says_every_reason(made: Made) -> None:
    """Labels, suites and records are compared one by one."""
    made.project.validate()
    spoil(made)
    (made.root / "expectations" / "records.json").unlink()
    made.write("data/comments.csv", (made.root / "data" / "comments.csv").read_text() + "new,a text,ham,train\n")
    assert made.project.verify().reasons == (
        f"labels.parquet is not the file that was validated; {AGAIN}",
        f"suites have changed since: records.json; {AGAIN}",
        "data/comments.csv has changed since; run `labelkit apply`, then `labelkit validate`",
    )
    (made.root / "labels.parquet").unlink()
    assert made.project.verify().reasons[0] == (
        "labels.parquet: no such file; run `labelkit apply` and `labelkit validate`"
    )


def test_verify_does_not_believe_a_verdict_that_was_changed(made: Made) -> None:
    """A failed verdict rewritten as a pass, in either place, is no pass."""
    spoil(made)
    made.project.validate()
    assert made.project.verify().reasons == (
        "the verdict was fail: FAIL: 1 of 3 expectations block; do not train on these labels",
    )
    run = made.project.background().run
    last = made.root / ".labelkit" / "verdict.json"
    last.write_text(last.read_text().replace('"fail"', '"pass"'))
    assert not made.project.verify().verified
    kept = made.root / ".labelkit" / "runs" / run / "verdict.json"
    kept.write_text(kept.read_text().replace('"fail"', '"pass"'))
    assert made.project.verify().reasons == (f"the verdict of run {run} is not the one that was written; {AGAIN}",)
    last.write_text('{"run": 5}')
    assert "no run id" in made.project.verify().reasons[0]
    last.write_text("[]")
    assert made.project.verify().reasons == (f"verdict.json is damaged; {AGAIN}",)


def test_verify_only_on_the_command_line(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit 0 or 1, and why, for people and for machines."""
    assert invoke(made, "--verify-only") == 1
    assert capfd.readouterr().out == "not verified: labels.parquet has not been validated; run `labelkit validate`\n"
    made.project.validate()
    assert invoke(made, "--verify-only", "--json") == 0
    document = json.loads(capfd.readouterr().out)
    assert (document["verified"], document["reasons"]) == (True, [])


WATCHED = """
import sys
def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request")):
        print("NETWORK", event, arguments, file=sys.stderr)
sys.addaudithook(watch)
from labelkit.cli import run
try:
    run()
finally:
    if "{absent}" in sys.modules:
        print("LOADED {absent}", file=sys.stderr)
"""


def alone(made: Made, folder: Path, *arguments: str, absent: str = "nothing") -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, with home and temporary files in an empty folder, its sockets watched."""
    folder.mkdir()
    environment = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder), "MPLCONFIGDIR": str(folder / "mpl")}
    command = [sys.executable, "-c", WATCHED.format(absent=absent), *arguments]
    return subprocess.run(
        command, cwd=made.root, capture_output=True, text=True, check=False, timeout=120, env=environment
    )


def test_nothing_of_great_expectations_shows(made: Made, tmp_path: Path) -> None:
    """Stdout is the verdict, stderr one line; no Data Docs, no progress bar, no log, no file elsewhere, no network."""
    spoil(made)
    before = {path for path in made.root.rglob("*") if "__pycache__" not in path.parts}
    done = alone(made, tmp_path / "home", "validate", absent="great_expectations")
    run = made.project.background().run
    verdict = json.loads((made.root / ".labelkit" / "verdict.json").read_text())["verdict"]
    from labelkit.validation import Verdict

    assert done.stdout == f"{Verdict.from_json(verdict)}\n"
    where = f"labelkit: the report is .labelkit/runs/{run}/report.html\n"
    assert done.stderr == f"{where}LOADED great_expectations\n"  # the watch itself says that it was there
    made_files = {path for path in made.root.rglob("*") if "__pycache__" not in path.parts} - before
    assert {str(path.relative_to(made.root)) for path in made_files} <= {
        f".labelkit/runs/{run}", f".labelkit/runs/{run}/report.html", f".labelkit/runs/{run}/run.json",
        f".labelkit/runs/{run}/verdict.json", ".labelkit/verdict.json", ".labelkit/lock",
    }  # fmt: skip
    assert list((tmp_path / "home").rglob("*")) == []


def test_verify_only_does_without_great_expectations(made: Made, tmp_path: Path) -> None:
    """The cheap answer loads no engine."""
    made.project.validate()
    done = alone(made, tmp_path / "home", "validate", "--verify-only", absent="great_expectations")
    assert (done.returncode, done.stderr) == (0, "")


def test_hostile_records_reach_no_report_alive(
    made: Made, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids and classes of a real project that hold markup come out of the real gate as text."""
    evil = '<script>document.title="PWNED"</script>'
    spoil(made, "label", evil)
    spoil(made, "id", f'{evil}\x1b[2J|"')
    monkeypatch.chdir(made.root)
    assert invoke(made, "--github", *REPORTS) == 1
    page = (made.root / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in capfd.readouterr().out + page + (made.root / "report.md").read_text(encoding="utf-8")
