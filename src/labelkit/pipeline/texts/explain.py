"""An explanation as text: the record, the votes as a sum that anybody can check, people, runs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from labelkit.errors import shortened, visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.lineage import Run
    from labelkit.pipeline.explain import Arithmetic, ExplainedVote, Explanation

MOST_CLASSES = 4  # columns of numbers; the other classes are summed up
WIDTH = 100  # of running text
LONGEST_FIELD = 2_000  # characters of a field that are shown


def explain_text(explanation: Explanation) -> str:
    """What `labelkit explain` prints; text from data is made visible."""
    return "\n\n".join(["\n".join(record_lines(explanation)), reasons_text(explanation)])


def reasons_text(explanation: Explanation) -> str:
    """The same without the record."""
    parts = [
        [_label(explanation)],
        _sums(explanation),
        _silent(explanation),
        _people(explanation),
        _runs(explanation),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def record_lines(explanation: Explanation) -> list[str]:
    """The record, field by field."""
    record, where = visible(explanation.record), visible(str(explanation.run.about.get("data", "")))
    if explanation.fields is None:
        return [f"record {record} is no longer in {where}"]
    shown = {**explanation.fields, **explanation.others}
    width = max(len(visible(name)) for name in shown)
    lines = [f"record {record} of {where}"]
    for name, value in shown.items():
        text = "(null)" if value is None else shortened(str(value), LONGEST_FIELD)
        lines.append(f"  {visible(name).ljust(width)}  {text}")
    return lines


def _label(explanation: Explanation) -> str:
    label, sure = visible(explanation.label or ""), explanation.stored.get(explanation.label or "")
    if explanation.source == "none":
        return "label: none; no function voted on it and nobody was asked"
    if explanation.source == "human":
        return f"label: {label}, settled by people; the label model is not asked"
    model = visible(str(explanation.run.parameters.get("model", "")))
    return f"label: {label}, probability {sure:.6f}, by the label model ({model})"


def _sums(explanation: Explanation) -> list[str]:
    """The votes as a table of numbers that add up, and the sentence that turns the sum into the probability."""
    arithmetic = explanation.arithmetic
    if arithmetic is None:
        return []
    spoken = [vote for vote in explanation.votes if not _is_silent(vote)]
    best = sorted(arithmetic.probabilities, key=lambda name: -arithmetic.probabilities[name])
    label = explanation.label if explanation.label in best else best[0]
    if len(best) == 2:
        return _odds(explanation, spoken, str(label), next(name for name in best if name != label))
    return _logarithms(explanation, spoken, best[: MOST_CLASSES if len(best) > MOST_CLASSES + 1 else None])


def _silent(explanation: Explanation) -> list[str]:
    silent, votes = [vote.function for vote in explanation.votes if _is_silent(vote)], explanation.votes
    if not silent:
        return []
    said = f"{len(silent)} of {len(votes)} functions had nothing to say: {visible(', '.join(silent))}"
    return textwrap.wrap(said, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _is_silent(vote: ExplainedVote) -> bool:
    return vote.vote is None and not vote.fault and not any(vote.adds.values())


def _odds(explanation: Explanation, votes: list[ExplainedVote], label: str, other: str) -> list[str]:
    """Two classes: one column of log odds."""
    arithmetic = _arithmetic(explanation)
    digits = _digits(votes)
    if not arithmetic.additive:
        return _left_out(votes, arithmetic, [label])
    rows = [["(before any vote)", "", "", _signed(arithmetic.start[label] - arithmetic.start[other], digits)]]
    rows += [[*_who(vote), _signed(vote.adds[label] - vote.adds[other], digits)] for vote in votes]
    total = arithmetic.total[label] - arithmetic.total[other]
    rows.append(["sum", "", "", _signed(total, digits)])
    said = f"1 / (1 + e^{_signed(-total, digits)}) = {arithmetic.probabilities[label]:.6f}"
    header = ["function", "place", "vote", f"log odds of {visible(label)}"]
    return [table(header, rows, left=3), f"probability of {visible(label)} = {said}{_stored(explanation, label)}"]


def _logarithms(explanation: Explanation, votes: list[ExplainedVote], classes: list[str]) -> list[str]:
    """More classes: a column of logarithms for each of the most probable."""
    arithmetic = _arithmetic(explanation)
    digits, label = _digits(votes), explanation.label if explanation.label in classes else classes[0]
    if not arithmetic.additive:
        return _left_out(votes, arithmetic, classes)
    rows = [["(before any vote)", "", "", *(_signed(arithmetic.start[name], digits) for name in classes)]]
    rows += [[*_who(vote), *(_signed(vote.adds[name], digits) for name in classes)] for vote in votes]
    rows.append(["sum", "", "", *(_signed(arithmetic.total[name], digits) for name in classes)])
    rows.append(["probability", "", "", *(f"{arithmetic.probabilities[name]:.6f}" for name in classes)])
    others = {name: p for name, p in arithmetic.probabilities.items() if name not in classes}
    left, share = "", ""
    if others:
        left = f"; the other {len(others)} classes have {sum(others.values()):.9f} together"
        share = f"{1 - sum(others.values()):.9f} * "
    said = f"probability = {share}e^sum / (the sum of e^sum over these classes){left}"
    header = ["function", "place", "vote", *(visible(name) for name in classes)]
    return [table(header, rows, left=3), said + _stored(explanation, str(label))]


def _left_out(votes: list[ExplainedVote], arithmetic: Arithmetic, classes: list[str]) -> list[str]:
    rows = [[*_who(vote), *(_signed(vote.adds[name], 6) for name in classes)] for vote in votes]
    rows.append(["probability", "", "", *(f"{arithmetic.probabilities[name]:.6f}" for name in classes)])
    said = (
        "this label model does not add votes up: a number says by how much the probability is higher than if that "
        "one vote were left out"
    )
    return [table(["function", "place", "vote", *(visible(name) for name in classes)], rows, left=3), said]


def _arithmetic(explanation: Explanation) -> Arithmetic:
    if explanation.arithmetic is None:
        raise ValueError("nobody voted")
    return explanation.arithmetic


def _who(vote: ExplainedVote) -> list[str]:
    return [vote.function, vote.place or "?", "(failed)" if vote.fault else vote.vote or "(silent)"]


def _digits(votes: list[ExplainedVote]) -> int:
    """Decimals with which rounded numbers still add up to the probability within a millionth."""
    return 6 + (len(votes) > 6) + (len(votes) > 70)


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}"


def _stored(explanation: Explanation, label: str) -> str:
    if explanation.source == "human":
        return "; people settled it"
    where = "labels.parquet has" if explanation.current else "the run stored"
    return f"; {where} {explanation.stored[label]:.6f}"


def _people(explanation: Explanation) -> list[str]:
    if not explanation.answers:
        return ["nobody was asked about it"]
    rows = []
    for entry in explanation.answers:
        note = "stands" if entry.operation == explanation.stands else ""
        note = "taken back" if entry.operation in explanation.undone else note
        said = "(skipped)" if entry.label is None else entry.label
        rows.append([entry.annotator, said, entry.time, entry.strategy or "-", entry.role, note])
    return [table(["who", "answer", "when", "asked by", "as", ""], rows, left=6)]


def _runs(explanation: Explanation) -> list[str]:
    run = explanation.run
    model, seed = run.parameters.get("model"), run.parameters.get("seed")
    files = ", ".join(f"{visible(name)} {_short(value)}" for name, value in run.inputs.get("files", {}).items())
    lines = [
        f"run {run.id} of apply, {run.finished}{_commit(run)}",
        f"  data       {_short(run.inputs.get('data', ''))}",
        f"  functions  {files}",
        f"  model      {visible(str(model))}, seed {seed}, {_short(run.outputs.get('model.npz', ''))}",
        f"  answers    {_short(run.inputs.get('answers', '')) or '(none)'}",
        f"  labels     {_short(run.outputs.get('labels.parquet', ''))}",
    ]
    if explanation.changed:
        lines.append(f"  changed since: {visible(', '.join(explanation.changed))}; the lines above are of then")
    for check in explanation.checks:
        verdict = f": {visible(str(check.counts.get('status')))}" if check.verb == "validate" else ""
        lines.append(f"run {check.id} of {check.verb}, {check.finished}{verdict}")
    return lines


def _commit(run: Run) -> str:
    if not run.git:
        return ""
    return f", commit {run.git['commit'][:12]}" + (" and changes to it" if run.git.get("dirty") else "")


def _short(value: str) -> str:
    return value[:12]
