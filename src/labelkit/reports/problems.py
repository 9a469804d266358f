"""What every report says of an expectation that did not pass: what, where, since when, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from labelkit.reports.background import Background, Since, keyed
from labelkit.validation import Outcome, Verdict
from labelkit.validation.rendering import grouped

MEANING = {
    "pass": "passed",
    "fail": "failed",
    "vacuous": "had nothing to check",
    "error": "could not be evaluated",
}


@dataclass(frozen=True)
class Problem:
    """An expectation that did not pass, or several of a suite that could not be judged for one and the same reason."""

    outcomes: tuple[Outcome, ...]  # at least one
    since: Since | None
    new: bool  # whether there were checks before, and it did not fail in the last of them
    blocks: bool

    @property
    def first(self) -> Outcome:
        """The outcome that speaks for all."""
        return self.outcomes[0]

    @property
    def word(self) -> str:
        """The status; the severity where that softens a failure."""
        return self.first.status if self.blocks else self.first.severity

    @property
    def title(self) -> str:
        """What did not hold, in one line."""
        many = len(self.outcomes)
        return self.first.title if many == 1 else f"{many:,} expectations {MEANING[self.first.status]}"

    @property
    def found(self) -> str:
        """What was found; why nothing could be said where that is so."""
        return self.first.observed if self.first.status == "fail" else self.first.reason

    @property
    def since_when(self) -> str:
        """How long this has been so; empty when nothing was checked before."""
        if self.new:
            return "new in this check"
        if self.since is None or self.since.checks < 2:
            return ""
        return f"{moment(self.since.time)}, {self.since.checks:,} checks in a row"

    @property
    def rows(self) -> list[tuple[str, str | None]]:
        """The failing rows, each with its value where that is known."""
        values: Sequence[str] = self.first.failing_values
        return [(row, values[i] if i < len(values) else None) for i, row in enumerate(self.first.failing_ids)]


def blocking(verdict: Verdict, background: Background) -> list[Problem]:
    """Because of what a training job must not run, errors first."""
    return list(_problems(verdict, verdict.blocking, background, blocks=True))


def tolerated(verdict: Verdict, background: Background) -> list[Problem]:
    """What failed without blocking."""
    return list(_problems(verdict, verdict.tolerated, background, blocks=False))


def _problems(
    verdict: Verdict, outcomes: Iterable[Outcome], background: Background, *, blocks: bool
) -> Iterator[Problem]:
    keys = {id(outcome): key for key, outcome in keyed(verdict.outcomes)}
    for group in grouped(outcomes):
        since = background.since.get(keys[id(group[0])])
        new = since is not None and since.checks == 1 and len(background.history) > 1
        yield Problem(tuple(group), since, new, blocks)


def moment(time: str) -> str:
    """A time for people.

    >>> moment("2026-11-19T06:54:09.123Z")
    '2026-11-19 06:54 UTC'
    """
    return f"{time[:10]} {time[11:16]} UTC" if len(time) > 16 else time


def counted(verdict: Verdict) -> list[str]:
    """How many expectations did what, those that passed last.

    >>> held = Outcome("labels", "labels", 0, "expect_column_values_to_be_unique", "id", "critical", "pass")
    >>> counted(Verdict((held, held)))
    ['2 passed']
    """
    counts = {status: sum(outcome.status == status for outcome in verdict.outcomes) for status in MEANING}
    return [f"{counts[s]:,} {MEANING[s]}" for s in ("error", "fail", "vacuous", "pass") if counts[s]]


def code_parts(text: str) -> list[tuple[str, bool]]:
    """The text in pieces, and whether each stood between backticks.

    >>> code_parts("Run `labelkit apply`.")
    [('Run ', False), ('labelkit apply', True), ('.', False)]
    """
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # a backtick without its other half
        return [(text, False)]
    return [(piece, i % 2 == 1) for i, piece in enumerate(pieces) if piece]
