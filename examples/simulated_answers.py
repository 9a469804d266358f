"""Answer questions from the gold column, in place of a person: for demonstrations, never for figures about people.

    python examples/simulated_answers.py [--project DIR] [--answers 30] [--strategy margin]

A simulated answer is the record's gold class; a record without gold (people saw neither class in it) is skipped, as a
person might. The answers are stored under the annotator "simulated" and stay apart from those of people: undo them, or
delete .labelkit/annotations.db, before you start for real. Run again, the script asks only for what is missing.
"""

import argparse
import sys

import labelkit as lk

ANNOTATOR = "simulated"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--project", default=".", help="the project's folder (default: the working directory)")
    parser.add_argument("--answers", type=int, default=30, help="answers to have in the end, skips not counted")
    parser.add_argument("--strategy", default=None, help="query strategy (default: that of labelkit.toml)")
    arguments = parser.parse_args()
    try:
        answer_from_gold(lk.Project(arguments.project), arguments.answers, arguments.strategy)
    except lk.LabelkitError as error:
        print(f"simulated_answers.py: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def answer_from_gold(project: lk.Project, wanted: int, strategy: str | None = None) -> None:
    """Bring the simulated answers up to `wanted`, asking as `labelkit annotate` would."""
    data = project.folder.settings.data
    if data.gold is None:
        sys.exit("simulated_answers.py: the project has no gold column to answer from")
    records = project.records().to_table()
    gold = dict(zip(records[data.id].to_pylist(), records[data.gold].to_pylist(), strict=True))
    before = simulated(project)
    answers, skips = before, 0
    while answers < wanted:
        items = project.queue(wanted - answers, strategy=strategy, annotator=ANNOTATOR)
        if not items:
            break
        for item in items:
            project.answer(item.record, gold[item.record] or None, annotator=ANNOTATOR, strategy=item.strategy)
            answers += bool(gold[item.record])
            skips += not gold[item.record]
    print(f"{answers} simulated answers, {answers - before} of them new; {skips} questions skipped (no gold)")


def simulated(project: lk.Project) -> int:
    """How many labels the simulated annotator has given so far."""
    if not project.answers():
        return 0
    store = lk.AnnotationStore.open(project.folder.store_url)
    return len({entry.record for entry in store.history() if entry.annotator == ANNOTATOR and entry.kind == "label"})


if __name__ == "__main__":
    main()
