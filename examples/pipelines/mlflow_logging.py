"""Log what a labelkit project stands on in MLflow: parameters, figures, the verdict of the gate, and the files.

    MLFLOW_TRACKING_URI=sqlite:///mlflow.db python mlflow_logging.py

It labels and validates once more; where nothing has changed, votes come from the cache and runs keep their ids. Exits
with the gate's exit code. Environment: LABELKIT_PROJECT is the project's folder, LABELKIT the command (default:
labelkit). No text of a record is logged as a parameter or figure; labels.parquet and the gate's report are files of it.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mlflow

PROJECT = Path(os.environ.get("LABELKIT_PROJECT", "."))


def labelkit(*arguments: str) -> dict:
    """What a command of labelkit says as JSON. Ends the program where it says nothing, with its exit code."""
    command = [os.environ.get("LABELKIT", "labelkit"), *arguments, "--project", str(PROJECT), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode not in {0, 1, 2} or not done.stdout:
        sys.exit(done.returncode)
    return json.loads(done.stdout)


def figures(applied: dict, verdict: dict) -> dict[str, float]:
    """Numbers that MLflow can plot over time."""
    found = {name: applied[name] for name in ("records", "uncovered", "answered", "fault_count")}
    found |= {f"labels.{name}": count for name, count in applied["class_totals"].items()}
    found |= {f"accuracy.{each['name']}": each["accuracy"] for each in applied["agreement"]}
    found |= {f"coverage.{each['name']}": each["coverage"] for each in applied["functions"]}
    found |= {f"expectations.{status}": count for status, count in verdict["counts"].items()}
    return {_named(name): value for name, value in found.items()}


def _named(name: str) -> str:
    """A name that MLflow takes."""
    return "".join(char if char.isalnum() or char in "_-./ " else "_" for char in name)


def log() -> int:
    """Log the project as one run of MLflow. Returns the gate's exit code."""
    applied = labelkit("apply")
    run = labelkit("runs", "show", applied["run"])
    report = Path(tempfile.mkdtemp(), "report.html")
    verdict = labelkit("validate", "--html", str(report))
    mlflow.set_experiment("labelkit")
    with mlflow.start_run(run_name=applied["run"]):
        mlflow.log_params({name: json.dumps(value) for name, value in run["parameters"].items()})
        mlflow.log_metrics(figures(applied, verdict))
        mlflow.set_tags({"labelkit.run": applied["run"], "labelkit.verdict": verdict["status"]})
        mlflow.set_tags({f"labelkit.data.{name}": run["inputs"][name] for name in ("data", "answers")})
        mlflow.log_dict(run, "run.json")
        mlflow.log_dict(verdict, "verdict.json")
        mlflow.log_artifact(str(report))
        mlflow.log_artifact(str(PROJECT / "labels.parquet"))
    return verdict["exit_code"]


if __name__ == "__main__":
    sys.exit(log())
