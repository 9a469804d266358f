"""The command line as a shell sees it: output, errors, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from projects import FUNCTIONS, MakeProject, comments, labelkit

SLOW_FUNCTION = """
import time
import labelkit as lk

@lk.labeling_function()
def slow(x):
    time.sleep(0.1)
    return 0
"""


def test_apply_prints_the_functions_the_classes_and_the_agreement(make_project: MakeProject) -> None:
    """`labelkit apply` prints Snorkel's columns in order, class totals, uncovered records and agreement."""
    done = make_project().run("apply")
    header = done.stdout.splitlines()[0].split()
    assert header == [
        "j", "Polarity", "Coverage", "Overlaps", "Conflicts", "Correct", "Incorrect", "Emp.", "Acc.", "95", "%",
        "interval", "Faults",
    ]  # fmt: skip
    assert "200 records; nobody voted on" in done.stdout
    assert "label model (snorkel)" in done.stdout
    assert "wrote labels.parquet (run " in done.stderr


def test_apply_json_is_data_alone_on_stdout(make_project: MakeProject) -> None:
    """`--json` puts one JSON document on stdout and the talk on stderr."""
    report = json.loads(make_project().run("apply", "--json").stdout)
    assert report["records"] == 200
    assert [row["name"] for row in report["functions"]] == ["begs", "sings", "money", "music", "place"]
    assert {item["name"] for item in report["agreement"]} == {"majority vote", "label model (snorkel)"}


def test_faults_exit_with_1_and_name_function_record_and_line(make_project: MakeProject) -> None:
    """Faults above the limit exit with 1; each names function, record, exception and the line."""
    made = make_project(functions=FUNCTIONS + "\n@lk.labeling_function()\ndef broken(x):\n    return x.gold\n")
    done = made.run("apply", code=1)
    assert (
        'labelkit: fault: broken, record "c0": AttributeError: a labeling function sees only "text", not "gold" '
        "(labeling_functions/first.py:20)"
    ) in done.stderr
    assert "labelkit: and 180 more faults" in done.stderr
    made.run("apply", "--max-faults", "200", code=0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["apply", "--nonsense"], 2, "No such option"),
        (["nonsense"], 2, "No such command"),
        (["apply", "--max-faults", "many"], 2, "not a valid integer"),
        (["annotate", "--queue", "5"], 2, "--queue N and --out FILE go together"),
        (["annotate", "--queue", "5", "--out", "q.jsonl"], 2, "labels.parquet: no such file"),
        (["annotate", "--answers", "missing.jsonl"], 2, "missing.jsonl"),
        (["validate"], 2, "labels.parquet: no such file"),
        (["--version"], 0, ""),
    ],
)
def test_wrong_use_exits_with_2_and_says_why(
    make_project: MakeProject, arguments: list[str], code: int, said: str
) -> None:
    """What the user must change exits with 2 and one line that says what."""
    made = make_project()
    made.write("expectations/labels.json", SUITE)
    done = made.run(*arguments, code=code)
    assert said in done.stderr


SUITE = json.dumps(
    {
        "name": "labels",
        "meta": {"labelkit": {"table": "labels"}},
        "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}}],
    }
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda toml: toml.replace("fields", "feilds"), '[data] feilds: unknown key; did you mean "fields"?'),
        (lambda toml: toml.replace('["ham", "spam"]', '["ham"]'), "[project]: classes must have at least 2 items"),
        (lambda toml: toml + "nonsense", "labelkit.toml: not TOML"),
        (lambda toml: toml + '[model]\nname = "snorkle"\n', "[model] name"),
        (lambda toml: toml.replace("comments.csv", "gone.csv"), "gone.csv: no such file or folder"),
    ],
)
def test_a_project_file_that_does_not_hold_exits_with_2(make_project: MakeProject, change: object, said: str) -> None:
    """Every mistake in labelkit.toml is one line that names table, key and the way out."""
    made = make_project()
    toml = (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", change(toml))  # type: ignore[operator]
    done = made.run("apply", code=2)
    assert done.stderr.startswith("labelkit: error: ")
    assert said in done.stderr


def test_an_error_is_an_object_under_json(make_project: MakeProject) -> None:
    """With `--json` the error is also one object on stdout."""
    made = make_project(functions="raise ValueError('no')")
    problem = json.loads(made.run("apply", "--json", code=2).stdout)["error"]
    assert problem["code"] == 2
    assert problem["kind"] == "FunctionError"
    assert problem["message"] == "labeling_functions/first.py:1: ValueError: no"


def test_control_characters_of_data_never_reach_the_terminal(make_project: MakeProject) -> None:
    """An escape sequence in an id is shown as text."""
    rows = comments(20, seed=2)
    rows[3]["id"] = "\x1b[2Jevil"
    made = make_project(
        rows=rows, functions="import labelkit as lk\n\n@lk.labeling_function()\ndef f(x):\n    return 7\n"
    )
    done = made.run("apply", code=1)
    assert "\x1b" not in done.stdout + done.stderr
    assert r'record "\x1b[2Jevil"' in done.stderr


def unmeasured() -> dict[str, str]:
    """The environment without coverage's, whose own lock a signal may leave held for ever."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_exits_with_its_code_and_frees_the_project(
    make_project: MakeProject, sign: signal.Signals, code: int
) -> None:
    """Ctrl-C and SIGTERM end with 130 and 143, leave no half-written file, and the lock is free."""
    made = make_project(functions=SLOW_FUNCTION)
    command = [sys.executable, "-m", "labelkit", "apply"]
    with subprocess.Popen(command, cwd=made.root, stderr=subprocess.PIPE, text=True, env=unmeasured()) as process:
        lock = made.root / ".labelkit" / "lock"
        deadline = time.monotonic() + 30
        while not (lock.exists() and lock.read_bytes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(sign)
        _, said = process.communicate(timeout=30)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert not (made.root / "labels.parquet").exists()
    made.write("labeling_functions/first.py", FUNCTIONS)
    made.run("apply")


def test_a_reader_that_goes_away_is_no_error_message(make_project: MakeProject) -> None:
    """`labelkit apply | head -0` ends with 141 and without a traceback."""
    made = make_project()
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "labelkit", "apply"]
    done = subprocess.run(command, cwd=made.root, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == 141
    assert "Traceback" not in done.stderr


def test_a_bug_is_kept_for_a_report_and_out_of_the_users_face(make_project: MakeProject, tmp_path: Path) -> None:
    """An unexpected exception exits with 70 and names a crash file; `--debug` shows the traceback."""
    made = make_project()
    code = (
        "import sys; sys.argv[1:] = {arguments}\n"
        "import labelkit.pipeline.apply as verb\n"
        "def fails(*a, **k): raise RuntimeError('inside')\n"
        "verb.apply = fails\n"
        "from labelkit.cli import run\nrun()"
    )
    for arguments in (["apply"], ["apply", "--debug"]):
        command = [sys.executable, "-c", code.format(arguments=arguments)]
        env = {**os.environ, "TMPDIR": str(tmp_path)}
        done = subprocess.run(command, cwd=made.root, capture_output=True, text=True, check=False, env=env)
        assert done.returncode == 70
        assert "this is a bug in labelkit (RuntimeError)" in done.stderr
        assert ("Traceback" in done.stderr) == ("--debug" in arguments)
    crashes = list(tmp_path.glob("labelkit-crash-*.txt"))
    assert len(crashes) == 2
    assert "RuntimeError: inside" in crashes[0].read_text()


def test_init_makes_a_project_that_runs_at_once(tmp_path: Path) -> None:
    """`labelkit init`, `apply` and `validate` work one after another with nothing in between."""
    assert labelkit("init", "new", cwd=tmp_path).returncode == 0
    applied = labelkit("apply", cwd=tmp_path / "new")
    assert applied.returncode == 0, applied.stderr
    validated = labelkit("validate", cwd=tmp_path / "new")
    assert validated.returncode == 0, validated.stdout + validated.stderr


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """A folder that holds one of the files already is refused, and nothing is written."""
    (tmp_path / "labelkit.toml").write_text("mine")
    done = labelkit("init", cwd=tmp_path)
    assert done.returncode == 2
    assert '"labelkit.toml" is there already' in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["labelkit.toml"]
    assert (tmp_path / "labelkit.toml").read_text() == "mine"


def test_the_project_is_found_from_a_folder_inside_it(make_project: MakeProject) -> None:
    """Like git, labelkit looks upwards."""
    made = make_project()
    assert labelkit("apply", cwd=made.root / "labeling_functions").returncode == 0
    assert labelkit("apply", "--project", str(made.root), cwd=made.root.parent).returncode == 0


def test_an_interrupted_apply_goes_on_where_it_stopped(make_project: MakeProject) -> None:
    """Chunks that were finished before Ctrl-C are not cast again, and the result is that of an undisturbed run."""
    rows = [{"id": f"r{i}", "text": f"comment {i}", "gold": "ham", "split": "train"} for i in range(150_000)]
    slow = (
        FUNCTIONS
        + """
import time
@lk.labeling_function()
def waits(x):
    if x.text == "comment 149999":
        time.sleep(60)
    return HAM if x.text.endswith("1") else -1
"""
    )
    made = make_project(rows=rows, functions=slow)
    command = [sys.executable, "-m", "labelkit", "apply", "--workers", "1"]
    with subprocess.Popen(command, cwd=made.root, stderr=subprocess.PIPE, text=True, env=unmeasured()) as process:
        deadline, cache = time.monotonic() + 60, made.root / ".labelkit" / "cache" / "votes"
        while len(list(cache.glob("*/*"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    made.write("labeling_functions/first.py", slow.replace("time.sleep(60)", "time.sleep(0)"))
    report = json.loads(made.run("apply", "--json").stdout)
    assert report["reused"] == pytest.approx(10 / 18)  # five of six functions on two of three chunks
    undisturbed = make_project(rows=rows, functions=slow.replace("time.sleep(60)", "time.sleep(0)"), folder="other")
    undisturbed.run("apply")
    assert (made.root / "labels.parquet").read_bytes() == (undisturbed.root / "labels.parquet").read_bytes()


def test_what_functions_print_is_talk_and_not_data(make_project: MakeProject) -> None:
    """A print in a labeling function does not spoil `--json`, with one process or with several."""
    voting = "\nprint('loading')\n@lk.labeling_function()\ndef chatty(x):\n    print('voting')\n    return -1\n"
    chatty = FUNCTIONS + voting
    rows = [{"id": f"r{i}", "text": "x", "gold": "ham", "split": "train"} for i in range(70_000)]
    made = make_project(rows=rows, functions=chatty)
    for workers in ("1", "2"):
        done = made.run("apply", "--json", "--workers", workers)
        assert json.loads(done.stdout)["records"] == 70_000
        assert "loading" in done.stderr
        (made.root / ".labelkit" / "cache").rename(made.root / ".labelkit" / f"cache{workers}")


@pytest.mark.parametrize("command", [[], ["init"], ["apply"], ["annotate"], ["validate"]])
def test_help_is_for_reading(tmp_path: Path, command: list[str]) -> None:
    """Help names the verbs on lines of their own and shows no marks of whoever laid it out."""
    done = labelkit(*command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "\\b" not in done.stdout
    assert "\x08" not in done.stdout
    if not command:
        assert "\n  labelkit apply      records x labeling functions -> votes -> probabilistic labels\n" in done.stdout
