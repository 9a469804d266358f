"""Suggested rules against the same answers without them: what 100 random answers are worth, starting with no function.

    LABELKIT_DATA=folder python benchmarks/suggest.py [--sets youtube sms census] [--draws 5] [--answers 100]

regression   the end model on the answers alone: balanced class weights, C by five-fold cross-validation of the metric
label model  all suggested rules, combined by the label model `weighted` with the answers
end model    trained on its probabilities, the answers among them as certain
hybrid       the same trained on the probabilities and corrected by the answers: labelkit's learner

All see the same records, fields and features; answers are gold of records drawn at random. Each guesses the class that
is most above its share among the answers, which is what balanced class weights amount to; `as likely` guesses the
likeliest class instead. Metric of the set (accuracy, or F1 of class 1) on its test split, in percent.
"""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labelkit.label_models import make_model
from labelkit.label_models.labels import probability_column
from labelkit.learner import train, weak_learner
from labelkit.learner.estimators import PENALTY
from labelkit.learner.features import mean_square, transformed
from labelkit.learner.model import fitted_features
from labelkit.matrix import LabelMatrix
from labelkit.suggest import Answers, Suggestions, suggested
from labelkit.suggest.pool import where
from matrices import score
from tasks import Task, task

SETS = ("youtube", "sms", "census")
STRENGTHS = np.logspace(-4, 3, 15)  # of the regularisation that are tried, as multiples of the learner's
MOST = 30  # rules
LABEL_MODEL = "weighted"

Floats = NDArray[np.float64]


def regression(chosen: Task, answers: Answers) -> Floats:
    """The end model on the answers alone."""
    from sklearn.linear_model import LogisticRegressionCV

    numbers = fitted_features(chosen.pool, chosen.fields)
    x, tested = (transformed(numbers, part, chosen.fields) for part in (chosen.pool, chosen.test))
    model = LogisticRegressionCV(
        Cs=STRENGTHS * PENALTY / mean_square(x),
        cv=5,
        scoring="accuracy" if chosen.metric == "accuracy" else "f1",
        class_weight="balanced",
        max_iter=2000,
    )
    return np.asarray(model.fit(x[answers.rows], answers.labels).predict_proba(tested))


def ours(chosen: Task, answers: Answers, rules: Suggestions) -> dict[str, Floats]:
    """What rules, label model and end model say of the test records."""
    candidates = [rule.candidate for rule in rules.rules]
    voted = np.array([chosen.classes.index(rule.label) for rule in rules.rules])
    votes, tested = (
        np.where(where(candidates, part), voted, -1).astype(np.int8) for part in (chosen.pool, chosen.test)
    )
    matrix, gold = LabelMatrix.from_rows(votes, classes=chosen.classes), np.full(len(votes), -1)
    gold[answers.rows] = answers.labels
    model = make_model(LABEL_MODEL, chosen.classes, 0).fit(matrix, gold=gold)
    posterior = model.predict_proba(matrix)
    probs = np.where(posterior.covered[:, None], posterior.probs, np.nan)
    weak = weak_learner(labelled(chosen, probs), chosen.fields, chosen.classes)
    hybrid = weak.learn(answers.rows, answers.labels, np.ones(len(answers.rows), dtype=bool))
    probs[answers.rows] = answers.one_hot
    return {
        "label model": model.predict_votes(tested),
        "end model": train(labelled(chosen, probs), chosen.fields, chosen.classes).predict_proba(chosen.test),
        "hybrid": hybrid.predict_proba(chosen.test),
    }


def labelled(chosen: Task, probs: Floats) -> pa.Table:
    columns = {name: chosen.pool.column(name) for name in chosen.fields}
    return pa.table(
        columns | {probability_column(name): pa.array(probs[:, c]) for c, name in enumerate(chosen.classes)}
    )


def draw(chosen: Task, seed: int, n: int) -> tuple[dict[str, float], Suggestions]:
    """Scores of all arms on one draw of answers."""
    rows = np.random.default_rng(seed).permutation(len(chosen.gold))[:n]
    answers = Answers(rows, chosen.gold[rows], chosen.k)
    shares = np.bincount(answers.labels, minlength=chosen.k) / n

    def points(probs: Floats) -> float:
        return score(chosen.metric, chosen.test_gold, probs, draws=1)

    found = {"regression": points(regression(chosen, answers))}  # its class weights are balanced already
    rules = suggested(chosen.pool, chosen.fields, chosen.classes, answers, most=MOST, seed=seed)
    for arm, probs in ours(chosen, answers, rules).items():
        found |= {arm: points(probs / np.maximum(shares, 1e-9)), f"{arm}, as likely": points(probs)}
    return found, rules


def report(name: str, runs: Sequence[dict[str, float]]) -> None:
    """All cells, and how far each arm is above the regression on the same draws."""
    against = np.array([run["regression"] for run in runs])
    for arm in runs[0]:
        values = np.array([run[arm] for run in runs])
        cells = "".join(f"{value:>7.1f}" for value in values)
        print(f"{name if arm == 'regression' else '':10}{arm:26}{said(values)}{cells}", end="")
        print("" if arm == "regression" else f"   above {said(values - against)}", flush=True)


def held(chosen: Task, rules: Suggestions) -> list[bool]:
    """Of each rule, whether its precision by all of the gold is above what was promised."""
    holds = where([rule.candidate for rule in rules.rules], chosen.pool)
    labels = [chosen.classes.index(rule.label) for rule in rules.rules]
    return [bool((chosen.gold[holds[:, j]] == labels[j]).mean() >= rule.low) for j, rule in enumerate(rules.rules)]


def said(values: Floats) -> str:
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return f"{f'{values.mean():.1f} ± {error:.1f}':>13}"


def shown(chosen: Task, rules: Suggestions) -> None:
    """The rules of a draw, with what they are worth by all of the gold."""
    for rule in rules.rules:
        holds: Any = where([rule.candidate], chosen.pool)[:, 0]
        right = float((chosen.gold[holds] == chosen.classes.index(rule.label)).mean())
        tested = f"{rule.hits} of {rule.trials}"
        print(f"  {rule.label}  {rule.candidate.said:66}{tested:>10} low {rule.low:.2f} true {right:.2f}", end="")
        print(f" coverage {rule.coverage:.3f} worth {rule.worth:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--answers", type=int, default=100)
    parser.add_argument("--show", action="store_true", help="print the rules of the first draw")
    arguments = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"OPENBLAS_NUM_THREADS": "1"})  # noqa: S606
    warnings.simplefilter("ignore")
    start = time.process_time()
    print(f"{arguments.answers} random answers, {arguments.draws} draws: mean ± standard error, then each draw")
    for name in arguments.sets:
        runs, kept = [], []
        for seed in range(arguments.draws):
            found, rules = draw(task(name), seed, arguments.answers)
            runs.append(found)
            kept += held(task(name), rules)
            if arguments.show and seed == 0:
                shown(task(name), rules)
        report(name, runs)
        print(f"{'':10}{len(kept) / len(runs):.0f} rules a draw; above their bound: {np.mean(kept):.0%}", flush=True)
    print(f"\n{time.process_time() - start:.0f} processor seconds")


if __name__ == "__main__":
    main()
