"""Whether labels.parquet of a multi-label project is what its classes say: facts, and the suites that judge them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.label_models import labels_content, run_of
from labelkit.label_models.label_sets import joined_labels
from labelkit.label_models.labels import LabelsContent
from labelkit.lineage import Run
from labelkit.pipeline.background import NO_LABEL, Spread
from labelkit.pipeline.evidence import run_behind
from labelkit.pipeline.multilabel.members import about_class
from labelkit.project import ProjectFolder
from labelkit.settings import NO, YES
from labelkit.validation import Suite, load_suite

if TYPE_CHECKING:
    import pyarrow as pa

NONE_OF_THEM = "(none of the classes)"
MOST_SETS = 20


@dataclass(frozen=True)
class JointLabels:
    """The labels of a multi-label project and of its classes, each read once."""

    content: LabelsContent  # of labels.parquet
    table: pa.Table
    of_classes: Mapping[str, LabelsContent]
    run: Run | None  # the recorded run that labels.parquet names

    @classmethod
    def of(cls, project: ProjectFolder) -> JointLabels:
        """Those on disk. Raises ArtifactError for a file that is missing or unreadable."""
        content = labels_content(project.labels_path)
        table, found = content.table(), dict[str, LabelsContent]()
        for name, member in project.members.items():
            with about_class(name):
                found[name] = labels_content(member.labels_path)
        return cls(content, table, found, run_behind(project, table))

    @property
    def hashes(self) -> dict[str, str]:
        """Class -> SHA-256 of its labels."""
        return {name: content.sha256 for name, content in self.of_classes.items()}

    def tables(self, judged: Mapping[str, str]) -> dict[str, pa.Table]:
        """What the suites judge; `judged` holds for each class the SHA-256 of the labels that its gate judged.

        labels: id string and as_joined int64, 1 where the row is what the classes say together. runs: one row.
        Raises ArtifactError where the classes have labels of different records.
        """
        import pyarrow as pa

        tables = {name: content.table() for name, content in self.of_classes.items()}
        expected = joined_labels(tables, run_of(self.table) or "")
        joined = {} if self.run is None else self.run.inputs.get("labels_of_classes", {})
        names = [*self.hashes, *(name for name in joined if name not in self.hashes)]
        changed = [n for n in names if not joined.get(n) == self.hashes.get(n) == judged.get(n)]
        outputs = {} if self.run is None else self.run.outputs
        ids, agree = _compared(self.table, expected)
        row = {
            "run_recorded": int(self.run is not None),
            "labels_match": int(outputs.get(self.content.name) == self.content.sha256),
            "classes_changed": ", ".join(changed),
            "records_without_row": sum((Counter(expected.column("id").to_pylist()) - Counter(ids)).values()),
        }
        labels = pa.table({"id": pa.array(ids, pa.string()), "as_joined": pa.array(agree, pa.int64())})
        return {"labels": labels, "runs": pa.Table.from_pylist([row])}

    def spread(self) -> Spread:
        """How often records have each set of classes, and how sure the classes' labels are."""
        sets = Counter(map(_said, self.table.column("labels").to_pylist())) if _has_lists(self.table) else Counter()
        common = sets.most_common()
        rest = sum(count for _, count in common[MOST_SETS:])
        shares = (*common[:MOST_SETS], *([(f"({len(common) - MOST_SETS} other sets)", rest)] if rest else []))
        first, *others = (Spread.of(content.table(), [NO, YES]) for content in self.of_classes.values())
        return replace(sum(others, first), shares=shares)


def joint_suites() -> tuple[Suite, ...]:
    """The suites that every multi-label project is judged by, beside its own."""
    folder = resources.files("labelkit.pipeline.multilabel") / "suites"
    found = []
    for name in ("labels.json", "lineage.json"):
        with resources.as_file(folder / name) as path:
            found.append(replace(load_suite(Path(path)), path=""))  # no file of the project
    return tuple(found)


def _compared(table: pa.Table, expected: pa.Table) -> tuple[list[str | None], list[int]]:
    """The ids of a table, and for each of its rows 1 where it is as expected, else 0."""
    if table.equals(expected):
        return table.column("id").to_pylist(), [1] * table.num_rows
    wanted = {row["id"]: row for row in expected.to_pylist()}
    rows = table.to_pylist() if len(set(table.schema.names)) == len(table.schema.names) else []
    same_types = table.schema.equals(expected.schema)
    ids = [None if row.get("id") is None else str(row["id"]) for row in rows]
    return ids, [int(same_types and wanted.get(key or "") == row) for key, row in zip(ids, rows, strict=True)]


def _has_lists(table: pa.Table) -> bool:
    import pyarrow as pa

    return table.schema.names.count("labels") == 1 and bool(pa.types.is_list(table.schema.field("labels").type))


def _said(names: list[str] | None) -> str:
    return NO_LABEL if names is None else ", ".join(names) or NONE_OF_THEM
