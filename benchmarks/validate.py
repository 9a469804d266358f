"""What the gate costs: 20 expectations on labelled rows, as whole processes, beside a bare GX script and pandera.

    python benchmarks/validate.py [--rows 1000000] [--rounds 3]

Each process imports its library, reads the same Parquet file and judges the same 20 expectations; the computed columns
(the sum of the probabilities and the like), which labelkit adds by itself, the rivals compute in pandas. The processes
run in turn, so that a noisy machine hurts all of them; the best round counts. Aim: at most 1.5 times bare GX at a
million rows, and 6 GB at ten million. pandera is no dependency of labelkit: without it, it is left out.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CLASSES = ["ham", "spam"]
IN_SET, BETWEEN = "expect_column_values_to_be_in_set", "expect_column_values_to_be_between"
NOT_NULL, UNIQUE = "expect_column_values_to_not_be_null", "expect_column_values_to_be_unique"
EXPECTATIONS = [
    ("expect_table_row_count_to_be_between", {"min_value": 1}),
    (NOT_NULL, {"column": "id"}),
    (UNIQUE, {"column": "id"}),
    ("expect_column_value_lengths_to_be_between", {"column": "id", "min_value": 1, "max_value": 20}),
    ("expect_column_values_to_match_regex", {"column": "id", "regex": "^r[0-9]+$"}),
    (IN_SET, {"column": "label", "value_set": CLASSES}),
    ("expect_column_distinct_values_to_contain_set", {"column": "label", "value_set": CLASSES}),
    (IN_SET, {"column": "source", "value_set": ["human", "model", "none"]}),
    (NOT_NULL, {"column": "source"}),
    (BETWEEN, {"column": "confidence", "min_value": 0, "max_value": 1}),
    (BETWEEN, {"column": "p_ham", "min_value": 0, "max_value": 1}),
    (BETWEEN, {"column": "p_spam", "min_value": 0, "max_value": 1}),
    (BETWEEN, {"column": "p_sum", "min_value": 0.999999, "max_value": 1.000001}),
    (IN_SET, {"column": "label_is_argmax", "value_set": [1]}),
    (IN_SET, {"column": "source_fits", "value_set": [1]}),
    (IN_SET, {"column": "missing_p", "value_set": [0, 2]}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "confidence", "column_B": "label_p"}),
    ("expect_column_mean_to_be_between", {"column": "labelled", "min_value": 0.3}),
    (NOT_NULL, {"column": "run"}),
    ("expect_column_unique_value_count_to_be_between", {"column": "run", "min_value": 1, "max_value": 1}),
]
COMPUTED = """
import sys
import numpy as np
import pandas as pd
frame = pd.read_parquet(sys.argv[1])
probs = frame[["p_ham", "p_spam"]]
given = probs.notna()
frame["labelled"] = frame["label"].notna().astype("int64")
frame["p_sum"] = probs.sum(axis=1, min_count=1)
frame["missing_p"] = (~given).sum(axis=1)
own = np.where(frame["label"] == "ham", frame["p_ham"], np.where(frame["label"] == "spam", frame["p_spam"], np.nan))
frame["label_p"] = own
frame["label_is_argmax"] = np.where(frame["label"].notna(), (own >= probs.max(axis=1)).astype(float), np.nan)
decided = frame["source"].isin(["human", "model"])
frame["source_fits"] = np.where(decided, frame["label"].notna() & given.all(axis=1),
                                frame["label"].isna() & ~given.any(axis=1)).astype("int64")
"""
SCRIPTS = {
    "labelkit": """
import sys
import labelkit
assert labelkit.validate(sys.argv[1], sys.argv[2]).passed
""",
    "bare GX": f"""{COMPUTED}
import json
import great_expectations as gx
content = json.load(open(sys.argv[2]))
suite = gx.ExpectationSuite(name="s", expectations=content["expectations"])
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {{"globally": False}}
asset = context.data_sources.add_pandas("p").add_dataframe_asset("a")
batch = asset.add_batch_definition_whole_dataframe("b").get_batch({{"dataframe": frame}})
result = batch.validate(suite)
assert result.success and len(result.results) == 20, result
""",
    "pandera": f"""{COMPUTED}
import pandera.pandas as pa
C = pa.Column
between, inset = pa.Check.in_range, pa.Check.isin
pa.DataFrameSchema({{
    "id": C(checks=[pa.Check.str_length(1, 20), pa.Check.str_matches("^r[0-9]+$")], unique=True),
    "label": C(checks=[inset(["ham", "spam"]), pa.Check(lambda s: s.dropna().nunique() == 2)], nullable=True),
    "source": C(checks=inset(["human", "model", "none"])),
    "confidence": C(checks=between(0, 1), nullable=True),
    "p_ham": C(checks=between(0, 1), nullable=True),
    "p_spam": C(checks=between(0, 1), nullable=True),
    "p_sum": C(checks=between(0.999999, 1.000001), nullable=True),
    "label_is_argmax": C(checks=inset([1]), nullable=True),
    "source_fits": C(checks=inset([1])),
    "missing_p": C(checks=inset([0, 2])),
    "labelled": C(checks=pa.Check(lambda s: s.mean() >= 0.3)),
    "run": C(checks=pa.Check(lambda s: s.nunique() == 1)),
}}, checks=[
    pa.Check(lambda f: len(f) >= 1),
    pa.Check(lambda f: (f["confidence"] == f["label_p"]) | f["confidence"].isna()),
]).validate(frame, lazy=True)
""",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rivals = dict(SCRIPTS)
    if importlib.util.find_spec("pandera") is None:
        del rivals["pandera"]
        print("pandera is not installed and left out (pip install pandera, to compare)")
    with tempfile.TemporaryDirectory() as folder:
        labels, suite = write(Path(folder), options.rows)
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in rivals}
        for _ in range(options.rounds):
            for name, script in rivals.items():
                found[name].append(measured(script, labels, suite))
    bare = min(seconds for seconds, _, _ in found["bare GX"])
    busy = min(cpu for _, cpu, _ in found["bare GX"])
    print(f"{options.rows:,} rows, 20 expectations, best of {options.rounds} rounds")
    print(f"{'':12}{'seconds':>9}{'x bare GX':>11}{'CPU s':>8}{'x bare GX':>11}{'peak GB':>9}")
    for name, rounds in found.items():
        seconds, cpu = min(one for one, _, _ in rounds), min(one for _, one, _ in rounds)
        peak = max(size for _, _, size in rounds)
        print(f"{name:12}{seconds:>9.2f}{seconds / bare:>11.2f}{cpu:>8.2f}{cpu / busy:>11.2f}{peak:>9.2f}")


def write(folder: Path, rows: int) -> tuple[Path, Path]:
    """A labels file as `apply` writes it, a tenth of its rows without a label, and the suite."""
    import pyarrow as pa

    from labelkit.label_models import labels_table, write_labels
    from labelkit.label_models.posterior import Posterior

    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, rows)
    ids = pa.array([f"r{i}" for i in range(rows)])
    posterior = Posterior(np.stack([p, 1 - p], axis=1), rng.random(rows) > 0.1, ids, tuple(CLASSES))
    labels, suite = folder / "labels.parquet", folder / "labels.json"
    write_labels(labels_table(posterior, run="0123456789abcdef"), str(labels))
    entries = [{"type": kind, "kwargs": kwargs} for kind, kwargs in EXPECTATIONS]
    suite.write_text(json.dumps({"name": "s", "meta": {"labelkit": {"table": "labels"}}, "expectations": entries}))
    return labels, suite


def measured(script: str, labels: Path, suite: Path) -> tuple[float, float, float]:
    """Seconds by the clock, seconds of CPU and peak GB of a whole process."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", script, str(labels), str(suite)])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"a rival failed:\n{script}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6


if __name__ == "__main__":
    main()
