"""`lf test`: every function votes on the examples that it carries, as it would on records."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from labelkit.errors import FunctionError, LabelkitError, UsageError, named, visible
from labelkit.labeling import LabelingFunction, VoteCaster, answered, load_functions
from labelkit.labeling.examples import record_of, wanted_vote
from labelkit.lineage import canonical_column
from labelkit.matrix import ABSTAIN, FAULT
from labelkit.pipeline.asking import endpoint_of
from labelkit.project import ProjectFolder
from labelkit.records import open_records

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class CheckedExample:
    """One example, and what became of it."""

    function: str
    place: str  # file:line of the function
    number: int  # of the example, from 1
    record: str  # as it is shown
    expected: str | None  # class name; None: nothing to say
    got: str | None  # likewise
    fault: str  # what failed, instead of a vote; "" for none

    @property
    def holds(self) -> bool:
        """Whether the function voted as the example says."""
        return not self.fault and self.got == self.expected


@dataclass(frozen=True)
class FunctionTests:
    """What the functions' examples say of them."""

    examples: tuple[CheckedExample, ...]
    without: tuple[str, ...]  # functions that carry no example

    @property
    def failed(self) -> tuple[CheckedExample, ...]:
        """Examples that do not hold."""
        return tuple(example for example in self.examples if not example.holds)

    @property
    def exit_code(self) -> int:
        """0 when all examples hold; 1 when one does not, and when there is none."""
        return int(bool(self.failed) or not self.examples)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        examples = [{**asdict(example), "holds": example.holds} for example in self.examples]
        return {"examples": examples, "failed": len(self.failed), "without": list(self.without)}

    def __str__(self) -> str:
        from labelkit.pipeline.texts.function_tests import tests_text

        return tests_text(self)


def run_examples(project: ProjectFolder, names: Sequence[str] = ()) -> FunctionTests:
    """Check the examples of all functions, or of those that are named.

    Raises UsageError for an unknown name, FunctionError for functions that cannot be loaded and examples that name
    fields or classes that are not there.
    """
    settings = project.settings
    fields, classes = settings.data.fields, tuple(settings.project.classes)
    kinds = _kinds(project)
    with contextlib.redirect_stdout(sys.stderr):  # what functions print is talk, not data
        functions = load_functions(project.functions_folder, fields, classes)
        unknown = [name for name in names if name not in {function.name for function in functions}]
        if unknown:
            raise UsageError(f"no function {named(unknown)}; there are {named(each.name for each in functions)}")
        chosen = [function for function in functions if not names or function.name in names]
        checked = [example for each in chosen for example in _checked(each, project, kinds)]
    return FunctionTests(tuple(checked), tuple(each.name for each in chosen if not each.examples))


def _kinds(project: ProjectFolder) -> dict[str, pa.DataType]:
    """Field -> type in the project's data; what the data does not tell, the examples do."""
    if project.settings.data.url is not None:  # asking a database for its first row may take as long as for all
        return {}
    fields = project.settings.data.fields
    try:
        chunk = next(open_records(project).batches(fields), None)
    except LabelkitError:
        return {}
    return {} if chunk is None else {name: chunk.schema.field(name).type for name in fields}


def _checked(
    function: LabelingFunction, project: ProjectFolder, kinds: Mapping[str, pa.DataType]
) -> list[CheckedExample]:
    import pyarrow as pa

    fields, classes = project.settings.data.fields, tuple(project.settings.project.classes)
    if not function.examples:
        return []
    wanted, rows = _read(function, fields, classes)
    columns = [_column(function, name, [row[name] for row in rows], kinds.get(name)) for name in fields]
    ids = pa.array([str(number) for number in range(1, len(rows) + 1)], pa.string())
    batch = pa.RecordBatch.from_arrays(columns, names=list(fields))
    asked = answered(
        [function],
        lambda names: [pa.RecordBatch.from_arrays([ids, *batch.select(names).columns], names=["", *names])],
        classes,
        endpoint_of(project),
    )
    votes, faults = VoteCaster(asked.functions, classes).cast(ids, batch)
    said = {int(fault.record): f"{fault.exception}: {fault.message}".rstrip(": ") for fault in faults}
    return [
        CheckedExample(
            function=function.name,
            place=function.place,
            number=number,
            record=_shown(example[0]),
            expected=_class(expected, classes),
            got=_class(vote, classes),
            fault=said.get(number, "a fault") if vote == FAULT else "",
        )
        for number, (example, expected, vote) in enumerate(
            zip(function.examples, wanted, votes[:, 0].tolist(), strict=True), start=1
        )
    ]


def _read(
    function: LabelingFunction, fields: Sequence[str], classes: tuple[str, ...]
) -> tuple[list[int], list[dict[str, Any]]]:
    """The votes that the examples ask for, and their records. Raises FunctionError that names the example."""
    wanted, rows = list[int](), list[dict[str, Any]]()
    for number, example in enumerate(function.examples, start=1):
        try:
            wanted.append(wanted_vote(example, classes))
            rows.append(record_of(example, fields))
        except FunctionError as error:
            raise FunctionError(f"{_where(function)}: example {number}: {error}") from None
    return wanted, rows


def _where(function: LabelingFunction) -> str:
    return f'{function.place or "?"}: function "{visible(function.name)}"'


def _column(function: LabelingFunction, name: str, values: list[Any], kind: pa.DataType | None) -> pa.Array:
    """The examples' values of a field, in the type that the data has."""
    import pyarrow as pa

    try:
        return canonical_column(pa.array(values, kind))
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        what = "of one type" if kind is None else f"of type {kind}, as the data has it"
        raise FunctionError(
            f'{_where(function)}: the examples\' values of field "{visible(name)}" are not {what}'
        ) from error


def _class(vote: int, classes: Sequence[str]) -> str | None:
    return None if vote <= ABSTAIN else classes[vote]


def _shown(record: Any) -> str:
    return record if isinstance(record, str) else repr(record)
