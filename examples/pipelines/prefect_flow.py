"""Label, validate, export: a Prefect flow that ends where the gate says no.

    python prefect_flow.py

Environment: LABELKIT_PROJECT is the project's folder, LABELKIT the command (default: labelkit).
"""

import os
import subprocess
from pathlib import Path

from prefect import flow, task

PROJECT = os.environ.get("LABELKIT_PROJECT", ".")


class TryAgain(Exception):
    """The machine, or somebody else is writing."""


def is_worth_it(_task, _run, state) -> bool:
    """Whether another try may end otherwise: what labelkit says of labels, functions and suites stays the same."""
    return isinstance(state.result(raise_on_failure=False), TryAgain)


@task(retries=3, retry_delay_seconds=60, retry_condition_fn=is_worth_it, task_run_name="labelkit {verb}")
def labelkit(verb: str, *arguments: str) -> None:
    """Run a command of labelkit."""
    command = [os.environ.get("LABELKIT", "labelkit"), verb, *arguments, "--project", PROJECT]
    code = subprocess.run(command, check=False).returncode
    if code in {3, 4}:
        raise TryAgain(f"labelkit {verb} ended with {code}")
    if code:
        raise RuntimeError(f"labelkit {verb} ended with {code}")


@flow
def labels() -> Path:
    """The path of the training data, of labels that passed."""
    path = Path(PROJECT, "train.parquet")
    labelkit("apply")
    labelkit("validate")
    labelkit("export", str(path), "--to", "parquet", "--which", "labelled")
    return path


if __name__ == "__main__":
    labels()
