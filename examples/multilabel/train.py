"""The closing step: for each class a model of yes or no, trained on labels that passed the gate.

    python train.py

Each is scored on the reviews of split `test`, whose topics no function was written on.
"""

import sys

import pyarrow.compute as pc

import labelkit as lk


def main() -> None:
    project = lk.MultilabelProject(".")
    train = project.training_set()  # raises unless this very labels.parquet passed
    print(f"{'class':10}{'trained on':>12}{'accuracy':>10}   on test reviews")
    for name, one in project.items():
        known = train.filter(pc.is_valid(train[f"p_{name}"]))
        yes = known[f"p_{name}"]
        table = known.select(["text"]).append_column("p_no", pc.subtract(1, yes)).append_column("p_yes", yes)
        records = one.records().to_table()  # as this class sees them: yes, no or nothing in the column of gold
        test = records.filter(pc.equal(records["split"], "test"))
        score = lk.train(table, ["text"], ["no", "yes"]).score(test, test["topics"].to_pylist())
        print(f"{name:10}{len(table):12,}{score:10.3f}   {len(test):,}")


if __name__ == "__main__":
    try:
        main()
    except lk.LabelkitError as error:
        print(f"train.py: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
