"""`Project`: a labelkit project from Python. The command line calls exactly these methods."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.errors import UsageError
from labelkit.pipeline.any_project import AnyProject
from labelkit.project import find_project, one_class

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.active import Queue
    from labelkit.active.curve import Advice, LearningCurve
    from labelkit.annotations import Annotation
    from labelkit.matrix import LabelMatrix
    from labelkit.pipeline.apply_report import ApplyReport
    from labelkit.pipeline.asking import DryRun
    from labelkit.pipeline.difference import Difference
    from labelkit.pipeline.explain import Explanation
    from labelkit.pipeline.function_list import FunctionList
    from labelkit.pipeline.function_tests import FunctionTests
    from labelkit.pipeline.function_view import FunctionErrors, FunctionView
    from labelkit.pipeline.pruning import Pruning
    from labelkit.pipeline.replay import Replay
    from labelkit.pipeline.verify import Verification
    from labelkit.reports.overview import Overview
    from labelkit.suggest import Suggestion, Suggestions
    from labelkit.validation import Verdict


class Project(AnyProject):
    """The project in `path` or the nearest folder above it that has a labelkit.toml.

    Raises ConfigError when there is none, or when its labelkit.toml does not hold. `of_class` names one class of a
    multi-label project: a project of its own, whose classes are no and yes; `MultilabelProject` is the whole of it.

        project = labelkit.Project(".")
        project.apply()
        project.validate().raise_if_failed()
        train = project.training_set()
    """

    def __init__(self, path: str | os.PathLike[str] = ".", *, of_class: str | None = None) -> None:
        super().__init__(one_class(find_project(Path(path)), of_class))

    def apply(
        self,
        *,
        max_faults: int | None = None,
        timeout: float | None = None,
        workers: int | None = None,
        engine: str | None = None,
        master: str | None = None,
        remote: str | None = None,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> ApplyReport:
        """Cast votes, fit the label model, publish labels.parquet and record the run.

        `engine` is "local" or "spark", `master` where Spark runs, `remote` a server of Spark Connect.
        """
        from labelkit.pipeline.apply import apply

        where = self.folder.settings.engine.or_else(engine, master, remote)
        if workers is not None and where.name == "spark":
            raise UsageError("workers are processes of the local engine; how many Spark has, its settings say")
        return apply(
            self.folder, max_faults=max_faults, timeout=timeout, workers=workers, engine=where, progress=progress
        )

    def dry_run(self) -> DryRun:
        """What prompt functions would ask, and what that would cost; asks nobody."""
        from labelkit.pipeline.asking import dry_run

        return dry_run(self.folder)

    def queue(
        self,
        n: int = 20,
        *,
        strategy: str | None = None,
        annotator: str | None = None,
        seed: int | None = None,
        engine: str | None = None,
        master: str | None = None,
        remote: str | None = None,
    ) -> Queue:
        """The next n records to ask a person about, each with the reason it is asked.

        `engine` is "local" or "spark", `master` where Spark runs, `remote` a server of Spark Connect.
        """
        from labelkit.pipeline.questions import queue

        where = self.folder.settings.engine.or_else(engine, master, remote)
        return queue(self.folder, n, strategy=strategy, annotator=annotator, seed=seed, engine=where)

    def answer(
        self,
        record: str,
        label: str | None,
        *,
        annotator: str,
        strategy: str = "api",
        operation: str | None = None,
    ) -> Annotation:
        """Store a person's answer durably; label None is a skip. The next `apply` uses it."""
        from labelkit.pipeline.annotate import answer

        return answer(self.folder, record, label, annotator=annotator, strategy=strategy, operation=operation)

    def answers(self) -> Mapping[str, str]:
        """Standing answers: record id -> class name."""
        from labelkit.pipeline.truth import read_answers

        classes = self.folder.settings.project.classes
        return {record: classes[index] for record, index in read_answers(self.folder).labels.items()}

    def learning_curve(self) -> LearningCurve:
        """How the learner came along with the answers, and what the next 50 will bring. Shows as a plot in a notebook.

        Raises UsageError where nobody has answered yet.
        """
        from labelkit.pipeline.curve import learning_curve

        return learning_curve(self.folder)

    def should_stop(self) -> Advice:
        """Whether more answers are worth asking for, and why: true means stop."""
        return self.learning_curve().advice

    def validate(
        self,
        *,
        strict: bool = False,
        engine: str | None = None,
        master: str | None = None,
        remote: str | None = None,
    ) -> Verdict:
        """Judge records, labels and lineage by the suites in expectations/; strict lets no failure through.

        `engine` is "local" or "spark", `master` where Spark runs, `remote` a server of Spark Connect.
        """
        from labelkit.pipeline.validate import validate

        where = self.folder.settings.engine.or_else(engine, master, remote)
        return validate(self.folder, strict=strict, engine=where)

    def verify(self, *, strict: bool = False) -> Verification:
        """Whether labels.parquet is the file that passed, with these suites and records. Nothing is judged anew."""
        from labelkit.pipeline.verify import verify

        return verify(self.folder, strict=strict)

    def report(self) -> Overview:
        """Everything that a person wants to see of the project; `reports.overview.overview_html` makes it a page."""
        from labelkit.pipeline.report import report

        return report(self.folder)

    def training_set(self, split: str | None = None, *, augmented: str | os.PathLike[str] | None = None) -> pa.Table:
        """The labelled records for training. Raises AnswerIsNo unless this very labels.parquet passed the gate.

        `augmented` names a file of `augment`, whose records come behind them with the labels of their parents.
        """
        from labelkit.pipeline.training import training_set

        return training_set(self.folder, split, augmented=None if augmented is None else Path(augmented))

    def explain(self, record: str, *, run: str = "current") -> Explanation:
        """Where the label of a record comes from: votes, lines of code, arithmetic, people, runs."""
        from labelkit.pipeline.explain import explain

        return explain(self.folder, record, run=run)

    def diff(
        self,
        before: str = "previous",
        after: str = "",
        *,
        workers: int | None = None,
        talk: Callable[[str], None] = lambda _: None,
    ) -> Difference:
        """Which labels flipped between two runs, or two states of the functions, and whose vote did it."""
        from labelkit.pipeline.diff import diff

        return diff(self.folder, before, after, workers=workers, talk=talk)

    def replay(
        self,
        name: str = "current",
        *,
        workers: Sequence[int] = (),
        master: str | None = None,
        remote: str | None = None,
        talk: Callable[[str], None] = lambda _: None,
    ) -> Replay:
        """Repeat a run from its record, once for each number of workers, and compare every byte.

        `master` and `remote` say where Spark is, for a run that was made there.
        """
        from labelkit.pipeline.replay import replay

        where = self.folder.settings.engine.or_else("spark", master, remote)
        return replay(self.folder, name, workers=workers, where=where, talk=talk)

    def test_functions(self, names: Sequence[str] = ()) -> FunctionTests:
        """Check the examples that the functions carry; of all, or of those named."""
        from labelkit.pipeline.function_tests import run_examples

        return run_examples(self.folder, names)

    def functions(self, within: str | None = None) -> FunctionList:
        """The functions of the current run with their figures, on one slice or all. A table in a notebook."""
        from labelkit.pipeline.function_list import list_functions

        return list_functions(self.folder, within)

    def function(self, name: str) -> FunctionView:
        """One function of the current run: figures, conflicts, mistakes, and what the labels would be without it."""
        from labelkit.pipeline.function_view import show_function

        return show_function(self.folder, name)

    def function_errors(self, name: str, *, limit: int = 20) -> FunctionErrors:
        """The records that a function probably got wrong, by people's answers, else by the label model without it."""
        from labelkit.pipeline.function_view import errors_of

        return errors_of(self.folder, name, limit)

    def prune(self) -> Pruning:
        """Which functions cost accuracy, each left out in turn. Raises UsageError with fewer than 20 answers."""
        from labelkit.pipeline.pruning import prune

        return prune(self.folder)

    def suggest_rules(self, n: int = 20, *, only_answers: bool = False, seed: int | None = None) -> Suggestions:
        """Up to n rules that people's answers suggest, the worthiest first. Shows as a table in a notebook."""
        from labelkit.pipeline.suggest import suggest

        return suggest(self.folder, n, only_answers=only_answers, seed=seed)

    def accept_rules(
        self, found: Suggestions, rules: Sequence[Suggestion], path: str | os.PathLike[str] | None = None
    ) -> Path:
        """Add suggested rules to a rule file, labeling_functions/suggested.toml by default; the next `apply` uses them.

        Returns its path.
        """
        from labelkit.pipeline.suggest import accept

        return accept(self.folder, found, rules, None if path is None else Path(path))

    def votes(self) -> LabelMatrix:
        """The votes behind the current labels.parquet."""
        from labelkit.pipeline.current import current_run

        return current_run(self.folder).votes
