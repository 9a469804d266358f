"""The examples for orchestrators and MLflow, run by these tools."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest

from labelkit.cli.main import labelkit as group
from projects import Made
from tool_environments import tool

EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "pipelines"
IN_DAGSTER = """
import importlib.util, json, sys
import dagster as dg

spec = importlib.util.spec_from_file_location("pipeline", sys.argv[1])
sys.modules["pipeline"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with dg.DagsterInstance.ephemeral() as instance:
    done = dg.materialize([module.labels, module.gate, module.training_data], instance=instance, raise_on_error=False)
    made = [event.asset_key.to_user_string() for event in done.get_asset_materialization_events()]
    print(json.dumps([done.success, made, [check.passed for check in done.get_asset_check_evaluations()]]))
"""
IN_MLFLOW = """
import json, mlflow

(run,) = mlflow.search_runs(experiment_names=["labelkit"], output_format="list")
files = [each.path for each in mlflow.artifacts.list_artifacts(run_id=run.info.run_id)]
print(json.dumps([run.data.tags["labelkit.verdict"], run.data.params, run.data.metrics, sorted(files)]))
"""
tools = [pytest.mark.slow, pytest.mark.tools, pytest.mark.timeout(600)]


@pytest.fixture
def refused(made: Made) -> Made:
    """A project whose labels do not pass."""
    suite = made.root / "expectations" / "labels.json"
    suite.write_text(suite.read_text().replace('["ham", "spam"]', '["ham"]'))
    return made


def commands(path: Path) -> list[list[str]]:
    """The commands of labelkit that an example runs: the verb, and the options that are written out."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    named = [call.args for call in calls if isinstance(call.func, ast.Name) and call.func.id == "labelkit"]
    return [[str(each.value) for each in words if isinstance(each, ast.Constant)] for words in named]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_examples_use_commands_and_options_that_exist(path: Path) -> None:
    """Every example is Python, imports nothing of labelkit, and runs verbs with options that the command line has."""
    assert "import labelkit" not in path.read_text()
    found = commands(path)
    assert {words[0] for words in found} >= {"apply", "validate"}
    for verb, *rest in found:
        known = {option for parameter in group.commands[verb].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known


def in_airflow(project: Made, home: Path, code: int) -> str:
    """What Airflow logs of a run of the DAG, with a database of its own."""
    (home / "dags").mkdir()
    shutil.copy(EXAMPLES / "airflow_dag.py", home / "dags")
    own = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    airflow = tool("airflow")
    airflow.run("-m", "airflow", "db", "migrate", cwd=project.root, more=own)
    done = airflow.run("-m", "airflow", "dags", "test", "labels", cwd=project.root, code=code, more=own)
    return done.stdout + done.stderr


class TestAirflow:
    """A DAG of three tasks."""

    pytestmark = tools

    def test_labels_that_pass_become_training_data(self, made: Made, tmp_path: Path) -> None:
        """The run of the DAG succeeds, and the file is there."""
        in_airflow(made, tmp_path, 0)
        assert (made.root / "train.parquet").is_file()

    def test_the_gate_stops_the_export(self, refused: Made, tmp_path: Path) -> None:
        """The task of the gate fails for good, and nothing is exported."""
        assert "AirflowFailException: labelkit validate ended with 1" in in_airflow(refused, tmp_path, 1)
        assert not (refused.root / "train.parquet").exists()


def in_dagster(project: Made, tmp_path: Path) -> tuple[bool, list[str], list[bool]]:
    """What Dagster says of the assets: success, what was materialized, checks that passed."""
    program = tmp_path / "run.py"
    program.write_text(IN_DAGSTER)
    said = tool("dagster").run(program, EXAMPLES / "dagster_assets.py", cwd=project.root).stdout
    success, made, passed = json.loads(said.splitlines()[-1])
    return success, made, passed


class TestDagster:
    """Assets with the gate as a blocking check."""

    pytestmark = tools

    def test_labels_that_pass_become_training_data(self, made: Made, tmp_path: Path) -> None:
        """Both assets are materialized, and the file is there."""
        assert in_dagster(made, tmp_path) == (True, ["labels", "training_data"], [True])
        assert (made.root / "train.parquet").is_file()

    def test_the_gate_stops_the_export(self, refused: Made, tmp_path: Path) -> None:
        """The check fails, and what stands on the labels is not made."""
        assert in_dagster(refused, tmp_path) == (False, ["labels"], [False])
        assert not (refused.root / "train.parquet").exists()


class TestPrefect:
    """A flow of three tasks."""

    pytestmark = tools

    def test_labels_that_pass_become_training_data(self, made: Made) -> None:
        """The flow ends well, and the file is there."""
        tool("prefect").run(EXAMPLES / "prefect_flow.py", cwd=made.root)
        assert (made.root / "train.parquet").is_file()

    def test_the_gate_stops_the_export(self, refused: Made) -> None:
        """The flow fails at once, without another try, and nothing is exported."""
        done = tool("prefect").run(EXAMPLES / "prefect_flow.py", cwd=refused.root, code=1)
        assert "labelkit validate ended with 1" in done.stderr
        assert not (refused.root / "train.parquet").exists()


def in_mlflow(project: Made, code: int) -> tuple[str, dict[str, str], dict[str, float], list[str]]:
    """What MLflow has after the example ran: verdict, parameters, figures, files."""
    store = {"MLFLOW_TRACKING_URI": (project.root / "mlruns").as_uri(), "MLFLOW_ALLOW_FILE_STORE": "true"}
    mlflow = tool("mlflow")
    mlflow.run(EXAMPLES / "mlflow_logging.py", cwd=project.root, code=code, more=store)
    verdict, parameters, figures, files = json.loads(mlflow.run("-c", IN_MLFLOW, cwd=project.root, more=store).stdout)
    return verdict, parameters, figures, files


class TestMlflow:
    """A run of MLflow for the labels and their verdict."""

    pytestmark = tools

    def test_labels_that_pass_are_logged(self, made: Made) -> None:
        """Parameters, figures, verdict and files are in MLflow's store."""
        verdict, parameters, figures, files = in_mlflow(made, 0)
        assert verdict == "pass"
        assert json.loads(parameters["classes"]) == ["ham", "spam"]
        assert figures["records"] == figures["labels.ham"] + figures["labels.spam"] + figures["uncovered"] == 60
        assert 0.5 < figures["accuracy.majority vote"] <= 1
        assert files == ["labels.parquet", "report.html", "run.json", "verdict.json"]

    def test_a_refusal_is_logged_too(self, refused: Made) -> None:
        """The program ends with the gate's exit code, and the run says why."""
        verdict, _, figures, _ = in_mlflow(refused, 1)
        assert verdict == "fail"
        assert figures["expectations.fail"] == 1
