"""Rules against Snorkel: votes only, in memory, one process, side by side, and checked to be the same.

    python benchmarks/comments.py 1000000 /tmp/comments.parquet
    python benchmarks/rules.py /tmp/comments.parquet

Snorkel's PandasLFApplier votes on the first records only, since it would take minutes; its time per record does not
hang on their number. Times are of the processor, the best of several rounds taken in turns.
"""

import argparse
import sys
import time

import numpy as np
import pyarrow.parquet as pq

from comment_functions import CLASSES, FIELDS, ROWS, rules as fifteen_rules
from comment_rules import hundred
from labelkit.labeling.rules import RulePlan

CHUNK = 65_536


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rival-rows", type=int, default=10_000)
    arguments = parser.parse_args()
    table = pq.read_table(arguments.path, columns=list(FIELDS)).combine_chunks()
    chunks = table.to_batches(max_chunksize=CHUNK)
    beyond = 1 - np.mean([text.isascii() for text in table["text"].to_pylist()])
    print(f"{table.num_rows:,} records, {100 * beyond:.0f} % of the texts not ASCII")
    texts = table["text"].slice(0, 50_000).to_pylist()
    for name, (rules, functions) in {"15 rules": (fifteen_rules(), ROWS), "100 rules": hundred(texts)}.items():
        compare(name, rules, functions, table, chunks, arguments)


def compare(name, rules, functions, table, chunks, arguments):
    from snorkel.labeling import LabelingFunction, PandasLFApplier

    rival_rows = min(arguments.rival_rows, table.num_rows)
    frame = table.slice(0, rival_rows).to_pandas()
    rival = PandasLFApplier([LabelingFunction(f"f{i}", function) for i, function in enumerate(functions)])
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        started = time.process_time()
        votes = votes_of(rules, chunks)
        ours.append((time.process_time() - started) / table.num_rows)
        started = time.process_time()
        expected = rival.apply(frame, progress_bar=False)
        theirs.append((time.process_time() - started) / rival_rows)
    if not np.array_equal(votes[:rival_rows], expected):
        sys.exit(f"{name}: the votes differ")
    coverage = (votes >= 0).mean(axis=0)
    print(
        f"{name}: labelkit {min(ours) * 1e6:.2f} us, Snorkel {min(theirs) * 1e6:.0f} us per record: "
        f"{min(theirs) / min(ours):.0f}x; coverage {coverage.min():.2f} to {coverage.max():.2f}, votes the same"
    )


def votes_of(rules, chunks):
    """(n, r) int8."""
    plan = RulePlan(rules, CLASSES)
    return np.concatenate([plan.votes(chunk) for chunk in chunks])


if __name__ == "__main__":
    main()
