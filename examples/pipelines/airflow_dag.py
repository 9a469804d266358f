"""Label, validate, export: an Airflow DAG whose training data is written behind the gate only.

Environment: LABELKIT_PROJECT is the project's folder, LABELKIT the command (default: labelkit).
"""

import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

WORTH_ANOTHER_TRY = (3, 4)  # the machine, or somebody else is writing


def labelkit(verb: str, *arguments: str) -> None:
    """Run a command of labelkit; what another try would not change fails for good."""
    project = os.environ.get("LABELKIT_PROJECT", ".")
    command = [os.environ.get("LABELKIT", "labelkit"), verb, *arguments, "--project", project]
    code = subprocess.run(command, check=False).returncode
    if code in WORTH_ANOTHER_TRY:
        raise RuntimeError(f"labelkit {verb} ended with {code}; once more")
    if code:
        raise AirflowFailException(f"labelkit {verb} ended with {code}")


@dag(
    schedule="@daily",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001  Airflow takes it as UTC
    catchup=False,
    max_active_runs=1,  # one writer at a time
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
)
def labels():
    @task
    def apply() -> None:
        labelkit("apply")

    @task
    def gate() -> None:
        labelkit("validate")

    @task
    def export() -> str:
        path = str(Path(os.environ.get("LABELKIT_PROJECT", "."), "train.parquet"))
        labelkit("export", path, "--to", "parquet", "--which", "labelled")
        return path

    apply() >> gate() >> export()


labels()
