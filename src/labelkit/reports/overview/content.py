"""What the page of a project shows: plain values, gathered elsewhere.

Every part may be missing; the page then says what would bring it, or leaves it out. Text need not be safe to print.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from labelkit.matrix import wilson_interval
from labelkit.reports.background import Check

State = Literal["good", "waiting", "bad", "none"]


@dataclass(frozen=True)
class Share:
    """How often something was right, with its 95 % Wilson interval."""

    right: float  # a tie between t classes, the right one among them, counts 1 / t
    judged: int  # at least 1

    @property
    def value(self) -> float:
        """0 to 1."""
        return self.right / self.judged

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, 0 to 1."""
        return wilson_interval(round(self.right), self.judged)


@dataclass(frozen=True)
class Stage:
    """One of the three verbs: how far the project is with it."""

    verb: str
    state: State
    figure: str  # the one number to look at
    said: tuple[str, ...]  # lines under it


@dataclass(frozen=True)
class Column:
    """One column of the records."""

    name: str
    role: str  # id, field, gold, split or metadata
    kind: str  # in words
    filled: float  # share of records with a value, 0 to 1
    said: str  # what its values are like


@dataclass(frozen=True)
class Spread:
    """How the values of a field are spread, or the lengths of its texts, class by class."""

    field: str
    unit: str  # "characters" for the lengths of texts, else ""
    low: float  # where the first bin begins
    high: float  # where the last one ends
    logarithmic: bool  # whether the bins are equally wide on a logarithmic axis, which then begins at 1
    rows: tuple[tuple[str, tuple[int, ...], float], ...]  # label, records in each bin, median


@dataclass(frozen=True)
class Data:
    """The records."""

    source: str
    records: int
    fingerprint: str
    columns: tuple[Column, ...] = ()
    splits: tuple[tuple[str, int], ...] = ()
    spreads: tuple[Spread, ...] = ()
    looked_at: int = 0  # records that the spreads were counted on


@dataclass(frozen=True)
class ClassCount:
    """One class, or what stands in its place."""

    name: str
    model: int  # records that the label model gave it
    human: int  # records that people settled on it


@dataclass(frozen=True)
class Labels:
    """The current labels.parquet."""

    run: str
    time: str
    model: str  # name of the label model
    records: int
    classes: tuple[ClassCount, ...]
    unlabelled: int
    confidences: tuple[int, ...]  # labels of the model by confidence, equal bins from 0 to 1
    yardsticks: tuple[tuple[str, Share], ...]  # source of labels -> how often it is right
    basis: str  # what that compares with


@dataclass(frozen=True)
class Function:
    """One labeling function; shares are of all records."""

    name: str
    classes: tuple[int, ...]  # indices of the classes that it votes for
    coverage: float
    overlaps: float
    conflicts: float
    gold: Share | None  # votes equal to gold
    people: Share | None  # votes equal to people's answers
    faults: int
    copies: tuple[str, ...] = ()  # functions whose votes it repeats
    worse: bool = False  # whether it is right less often than votes at random, beyond doubt


@dataclass(frozen=True)
class Slice:
    """A part of the records."""

    name: str
    records: int
    share: float  # of all records
    labelled: float  # share of its records, 0 to 1
    right: Share | None  # labels of the label model
    faults: int = 0


@dataclass(frozen=True)
class Pair:
    """Two functions, and how far one repeats the other."""

    first: str
    second: str
    repeated: float  # share of the differences to be expected between them that is missing, 0 to 1
    alike: int  # records on which they vote the same
    either: int  # records on which one of them votes, or both
    copies: bool  # whether they are taken for copies


@dataclass(frozen=True)
class Reliability:
    """One bin of a calibration picture."""

    confidence: float  # mean
    share: Share  # how often the labels in it are right


@dataclass(frozen=True)
class Calibration:
    """Whether a confidence of 80 % is right in 80 % of cases."""

    bins: tuple[Reliability, ...]
    error: float  # expected calibration error, 0 to 1
    by_chance: float  # the error that perfect confidences would show on so few records
    brier: float  # Brier score, 0 (best) to 2
    records: int
    basis: str


@dataclass(frozen=True)
class CurvePoint:
    """What an accuracy was after some answers."""

    answers: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """Accuracy against the number of answers."""

    points: tuple[CurvePoint, ...]
    measured: str  # what the accuracy is of, and against what


@dataclass(frozen=True)
class AskingPoint:
    """A learner as it was after some answers."""

    answers: int
    changed: float | None  # share of the records that it says something else of than 50 answers before
    agreed: Share | None  # of the answers since the point before: those that it had right beforehand


@dataclass(frozen=True)
class Asking:
    """Whether more answers would help."""

    points: tuple[AskingPoint, ...]
    advice: str
    stop: bool


@dataclass(frozen=True)
class Person:
    """One annotator."""

    name: str
    answers: int
    agreed: Share | None  # as most of the others
    confused: tuple[tuple[str, int], ...]  # "others' class -> their class", most frequent first


@dataclass(frozen=True)
class People:
    """Who answered, and how far they agree."""

    answers: int  # records with an answer
    simulated: int  # of them, answered by a column in place of a person
    overlapping: int
    alpha: float | None
    level: Share | None  # how often a person says what most of the others say
    persons: tuple[Person, ...]
    kappas: tuple[tuple[str, str, float | None], ...]
    disputed: int


@dataclass(frozen=True)
class Finding:
    """An expectation that did not pass in the last check."""

    word: str  # fail, error, vacuous, warning or info
    title: str
    found: str
    since: str


@dataclass(frozen=True)
class Gate:
    """The last check, and those before it."""

    status: str  # pass, fail, error or vacuous
    headline: str
    run: str
    time: str
    stale: tuple[str, ...]  # why the verdict is not one on the labels as they are
    suites: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]  # suite -> word -> expectations
    findings: tuple[Finding, ...]
    history: tuple[Check, ...]


@dataclass(frozen=True)
class RunLine:
    """One run, in a line of the graph."""

    id: str
    verb: str
    word: str  # pass, fail, ... for a validation; "" otherwise
    time: str
    seconds: float | None
    said: str  # what came out
    changed: tuple[str, ...]  # what was different from the run of the same verb before
    parents: tuple[str, ...]
    current: bool = False  # whether it wrote the labels as they are


@dataclass(frozen=True)
class Overview:
    """The whole page."""

    project: str
    classes: tuple[str, ...]
    version: str = ""
    time: str = ""
    stages: tuple[Stage, ...] = ()
    following: str = ""  # what to do next; commands between backticks
    data: Data | None = None
    labels: Labels | None = None
    functions: tuple[Function, ...] = ()
    functions_gold: str = ""  # what `gold` of the functions compares with
    pairs: tuple[Pair, ...] = ()
    slices: tuple[Slice, ...] = ()
    calibration: Calibration | None = None
    curve: Curve | None = None
    asking: Asking | None = None
    people: People | None = None
    gate: Gate | None = None
    runs: tuple[RunLine, ...] = ()  # newest first
    runs_left_out: int = 0
    problems: tuple[str, ...] = ()  # what could not be read, and why
