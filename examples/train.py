"""The closing step: train a model on the labels that passed the gate, and see what they are worth.

    python examples/train.py [--project DIR]

Three models, the same in everything but their labels, are scored on the records of split `test`, whose gold none of
them has seen: one trained on labelkit's probabilistic labels, one on majority-vote labels of the same functions, and
one on the gold of the whole train split, which is what labelling everything by hand would give.
"""

import argparse
import sys

import pyarrow as pa
import pyarrow.compute as pc

import labelkit as lk
from labelkit.learner import train
from labelkit.matrix import wilson_interval


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--project", default=".", help="the project's folder (default: the working directory)")
    try:
        compare(lk.Project(parser.parse_args().project))
    except lk.LabelkitError as error:
        print(f"train.py: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def compare(project: lk.Project) -> None:
    """Train the three models and print their accuracy."""
    settings = project.folder.settings
    classes, data = settings.project.classes, settings.data
    trusted = project.training_set()  # raises unless this very labels.parquet passed

    records = project.records().to_table()
    test = records.filter(pc.equal(records[data.split], "test"))
    by_hand = records.filter(pc.equal(records[data.split], "train"))
    by_hand = by_hand.rename_columns({data.gold: "label"}).filter(pc.is_valid(by_hand[data.gold]))
    majority = lk.MajorityLabelModel(classes).predict_proba(project.votes()).to_labels()
    majority = majority.filter(pc.is_valid(majority["label"]))
    by_vote = with_fields(majority, records.filter(pc.equal(records[data.split], "train")), data.id, data.fields)

    gold = test[data.gold].to_pylist()
    known = sum(name is not None for name in gold)
    print(f"{'end model trained on':34}{'records':>8}{'accuracy':>10}   95 % interval")
    for name, table in (
        ("labels that passed the gate", trusted),
        ("majority vote", by_vote),
        ("gold of the whole train split", by_hand),
    ):
        accuracy = train(table, data.fields, classes, seed=settings.model.seed).score(test, gold)
        low, high = wilson_interval(round(accuracy * known), known)
        print(f"{name:34}{len(table):8,}{accuracy:10.3f}   {low:.2f} to {high:.2f}")
    print(f"on {known:,} test records with gold; nobody was asked about them and no function was written on them")


def with_fields(labels: pa.Table, records: pa.Table, key: str, fields: list[str]) -> pa.Table:
    """Those labels whose records are given, with the fields of the record of the same id."""
    place = pc.index_in(labels["id"], value_set=records[key].combine_chunks())
    labels, place = labels.filter(pc.is_valid(place)), place.drop_null()
    return pa.table(
        {**{name: labels[name] for name in labels.column_names}, **{f: records[f].take(place) for f in fields}}
    )


if __name__ == "__main__":
    main()
