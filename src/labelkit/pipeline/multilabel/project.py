"""`MultilabelProject`: a multi-label project from Python. The command line calls exactly these methods."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.errors import AnswerError, UsageError, visible
from labelkit.pipeline.any_project import AnyProject
from labelkit.pipeline.project import Project
from labelkit.project import find_project
from labelkit.settings import YES

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.active import Queue
    from labelkit.annotations import Annotation
    from labelkit.pipeline.multilabel.apply import MultilabelReport
    from labelkit.pipeline.multilabel.explain import Explanations
    from labelkit.pipeline.verify import Verification
    from labelkit.validation import Verdict


class MultilabelProject(AnyProject, Mapping[str, Project]):
    """The project in `path` or the nearest folder above it, with `kind = "multilabel"` in its labelkit.toml.

    It maps each class to the project that this class is, with answers no and yes, over the same records and people.

    Raises ConfigError when there is none or its labelkit.toml does not hold, UsageError for one of another kind.

        project = labelkit.MultilabelProject(".")
        project.apply()
        project["regex"].function("caret")
        train = project.training_set()
    """

    def __init__(self, path: str | os.PathLike[str] = ".") -> None:
        super().__init__(find_project(Path(path)))
        if not self.folder.multilabel:
            raise UsageError('labelkit.toml says nothing of kind = "multilabel" under [project]; use labelkit.Project')

    def __getitem__(self, name: str) -> Project:
        if name not in self.folder.settings.project.classes:
            raise KeyError(name)
        return Project(self.folder.root, of_class=name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.folder.settings.project.classes)

    def __len__(self) -> int:
        return len(self.folder.settings.project.classes)

    def apply(
        self,
        *,
        max_faults: int | None = None,
        timeout: float | None = None,
        workers: int | None = None,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> MultilabelReport:
        """Apply the functions of every class and publish labels.parquet; see `Project.apply`."""
        from labelkit.pipeline.multilabel.apply import apply_to_all

        return apply_to_all(self.folder, max_faults=max_faults, timeout=timeout, workers=workers, progress=progress)

    def queue(
        self, n: int = 20, *, strategy: str | None = None, annotator: str | None = None, seed: int | None = None
    ) -> Queue:
        """The next n records to ask a person about, each class in turn naming the one it wants most."""
        from labelkit.pipeline.questions import queue

        return queue(self.folder, n, strategy=strategy, annotator=annotator, seed=seed)

    def answer(
        self,
        record: str,
        labels: Iterable[str] | None,
        *,
        annotator: str,
        strategy: str = "api",
        operation: str | None = None,
    ) -> Annotation:
        """Store which of the classes a record has, durably; labels None is a skip. The next `apply` uses it.

        Raises AnswerError for a class that the project does not have, and for a text or a mapping in place of a list.
        """
        from labelkit.annotations.label_sets import set_text
        from labelkit.pipeline.annotate import answer

        if isinstance(labels, (str, Mapping)):  # its characters or keys would be taken for the record's classes
            raise AnswerError(f"labels must be a list of classes, not {visible(repr(labels)[:80])}")

        said = None if labels is None else set_text(labels, self.folder.settings.project.classes)
        return answer(self.folder, record, said, annotator=annotator, strategy=strategy, operation=operation)

    def answers(self) -> Mapping[str, Mapping[str, bool]]:
        """Standing answers, class by class: record id -> class -> whether the record has it."""
        found: dict[str, dict[str, bool]] = {}
        for name, project in self.items():
            for record, label in project.answers().items():
                found.setdefault(record, {})[name] = label == YES
        return found

    def validate(self, *, strict: bool = False) -> Verdict:
        """Judge every class by its suites, and whether labels.parquet is what they say together."""
        from labelkit.pipeline.multilabel.validate import validate_all

        return validate_all(self.folder, strict=strict)

    def verify(self, *, strict: bool = False) -> Verification:
        """Whether labels.parquet is the file that passed, and every class is as it was. Nothing is judged anew."""
        from labelkit.pipeline.multilabel.validate import verify_all

        return verify_all(self.folder, strict=strict)

    def training_set(self, split: str | None = None, *, augmented: str | os.PathLike[str] | None = None) -> pa.Table:
        """The records of which something is known, for training: id, fields, labels, undecided, p_<class>, source, run.

        `split` is "train" where the project has a split, by default. Raises AnswerIsNo unless this very labels.parquet
        passed the gate and every class is as it was then. `augmented` names a file of `augment`, whose records come
        behind them with the labels of their parents.
        """
        from labelkit.pipeline.multilabel.training import training_set_of_all

        return training_set_of_all(self.folder, split, augmented=None if augmented is None else Path(augmented))

    def explain(self, record: str) -> Explanations:
        """Where the labels of a record come from, class by class; see `Project.explain`."""
        from labelkit.pipeline.multilabel.explain import explain_all

        return explain_all(self.folder, record)
