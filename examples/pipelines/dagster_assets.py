"""Label, validate, export: Dagster assets with the gate as a blocking check.

    dagster dev -f dagster_assets.py

Environment: LABELKIT_PROJECT is the project's folder, LABELKIT the command (default: labelkit).
"""

import json
import os
import subprocess
from pathlib import Path

import dagster as dg

WORTH_ANOTHER_TRY = (3, 4)  # the machine, or somebody else is writing


def labelkit(verb: str, *arguments: str, answers: tuple[int, ...] = (0,)) -> dict:
    """What a command of labelkit says as JSON; an exit code that is no answer ends the step."""
    project = os.environ.get("LABELKIT_PROJECT", ".")
    command = [os.environ.get("LABELKIT", "labelkit"), verb, *arguments, "--project", project, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode in WORTH_ANOTHER_TRY:
        raise dg.RetryRequested(max_retries=3, seconds_to_wait=60)
    if done.returncode not in answers:
        raise dg.Failure(f"labelkit {verb} ended with {done.returncode}", allow_retries=False)
    return json.loads(done.stdout)


@dg.asset(description="labels.parquet: functions, label model and people's answers")
def labels() -> dg.MaterializeResult:
    report = labelkit("apply")
    return dg.MaterializeResult(
        metadata={"run": report["run"], "records": report["records"], "classes": report["class_totals"]}
    )


@dg.asset_check(asset=labels, blocking=True, description="the suites in expectations/ hold")
def gate() -> dg.AssetCheckResult:
    verdict = labelkit("validate", answers=(0, 1))
    return dg.AssetCheckResult(passed=verdict["status"] == "pass", metadata=verdict["counts"])


@dg.asset(deps=[labels], description="the labelled records, of the labels that passed")
def training_data() -> dg.MaterializeResult:
    path = Path(os.environ.get("LABELKIT_PROJECT", "."), "train.parquet")
    report = labelkit("export", str(path), "--to", "parquet", "--which", "labelled")
    return dg.MaterializeResult(metadata={"rows": report["written"], "run": report["run"]})


defs = dg.Definitions(assets=[labels, training_data], asset_checks=[gate])
