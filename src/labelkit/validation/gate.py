"""The gate: GX evaluates, labelkit judges what the evaluation is worth, and fails closed.

GX reports success for an expectation that looked at nothing: a table without rows, a column of nulls, a condition that
matches no row. Here an answer counts only when at least one value was in its scope, and whatever could not be evaluated
is an error. Both block whatever the severity of the expectation, which only softens real failures.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, named, visible
from labelkit.validation import gx
from labelkit.validation.expectations import shown
from labelkit.validation.facts import FACTS
from labelkit.validation.findings import expected, found
from labelkit.validation.frames import own_columns
from labelkit.validation.judged import ArrowTable, Judged
from labelkit.validation.lint import faults_of
from labelkit.validation.reading import ON_COLUMNS, columns_of, condition_columns
from labelkit.validation.suites import Suite
from labelkit.validation.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

_GUARD = "expect_column_values_to_not_be_null"
_ON_ROWS = (_GUARD, "expect_column_values_to_be_null", "expect_column_proportion_of_non_null_values_to_be_between")
"""Types that judge nulls themselves: for them a null is a value in scope."""

_ON_TABLE = (
    *ON_COLUMNS,
    "expect_table_row_count_to_be_between",
    "expect_table_row_count_to_equal",
)
"""Types that can fail for good reason where there is no value at all."""

_MESSAGE_LENGTH = 200


def judge(suites: Iterable[Suite], tables: Mapping[str, pa.Table | Judged]) -> Verdict:
    """Judge tables by suites. Whatever happens inside an expectation becomes its outcome; nothing is raised.

    The schema metadata of a table may name the column that names its rows (`frames.named_by`); it is "id" otherwise.
    """
    import pyarrow as pa

    judged = {name: ArrowTable(table) if isinstance(table, pa.Table) else table for name, table in tables.items()}
    outcomes: list[Outcome] = []
    for suite in suites:
        outcomes += _judged_suite(suite, judged)
    return Verdict(tuple(outcomes))


def _judged_suite(suite: Suite, tables: Mapping[str, Judged]) -> list[Outcome]:
    table = tables.get(suite.table)
    if table is None:
        return _all_errors(suite, f'there is no table "{suite.table}" to judge; tables are {named(sorted(tables))}')
    types = gx.expectation_types()
    refused = {i: _unanswerable(e, table, types, suite.table) for i, e in enumerate(suite.expectations)}
    asked = {str(i): e for i, e in enumerate(suite.expectations) if refused[i] is None}
    try:
        answers, filled = _answers(table, asked)
    except DataError as error:
        return _all_errors(suite, str(error))
    return [
        _outcome(suite, i, table, refused[i], answers.get(str(i), []), answers.get(f"{i} guard"), filled)
        for i in range(len(suite.expectations))
    ]


def _answers(table: Judged, asked: Mapping[str, Any]) -> tuple[gx.Results, Mapping[str, int]]:
    """What GX says of expectations and of the guards of those that need one, and how many values each column has."""
    guards = {f"{key} guard": _guard(e) for key, e in asked.items() if e.expectation_type not in ON_COLUMNS}
    return table.answers(asked, {key: guard for key, guard in guards.items() if guard is not None})


def _all_errors(suite: Suite, reason: str) -> list[Outcome]:
    return [Outcome(**_about(suite, i), status="error", reason=reason) for i in range(len(suite.expectations))]


def _about(suite: Suite, index: int) -> dict[str, Any]:
    expectation = suite.expectations[index]
    notes = expectation.notes or ""
    columns = columns_of(expectation)
    return {
        "suite": suite.name,
        "table": suite.table,
        "index": index,
        "type": expectation.expectation_type,
        "column": visible(", ".join(columns)) if columns else None,
        "severity": expectation.severity.value,
        "description": visible(expectation.description or ""),
        "notes": visible(notes if isinstance(notes, str) else " ".join(notes)),
    }


def _unanswerable(expectation: Any, table: Judged, types: Mapping[str, type], name_of_table: str) -> str | None:
    """Why an expectation cannot be evaluated on this table, seen without running it."""
    type_name = expectation.expectation_type
    if not _is_of(expectation, types.get(type_name)):
        return f"another class than GX's own is registered as {type_name}"
    for fault in faults_of(type_name, expectation):
        return fault
    if type_name in ON_COLUMNS:
        return None
    for name in [*columns_of(expectation), *condition_columns(getattr(expectation, "row_condition", None))]:
        if name not in table.schema.names:
            return f'no column "{visible(name)}"{_hint(name, own_columns(table.schema), name_of_table)}'
    if type_name == "expect_column_values_to_not_be_in_set":
        other = _other_kind(expectation.value_set, table.schema.field(expectation.column).type)
        return other or table.refusal(expectation)
    return table.refusal(expectation)


def _hint(name: str, own: Sequence[str], table: str) -> str:
    computed = [column for fact in FACTS.get(table, ()) for column in fact.columns]
    if name in computed:
        return "; labelkit computes it from the records: give them as records=, or validate the project"
    near = difflib.get_close_matches(name, dict.fromkeys([*own, *computed]), n=3)
    return f" (near it: {named(near)})" if near else f"; columns are {named(own)}"


def _is_of(expectation: Any, kind: type | None) -> bool:
    return type(expectation) is kind


def _other_kind(values: Sequence[Any], kind: pa.DataType) -> str | None:
    """A number is never in a set of texts, so that such a set would forbid nothing."""
    import pyarrow as pa

    text = [isinstance(value, str) for value in values if value is not None]
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if (number and any(text)) or (is_text and not all(text)):
        return f"the column holds {kind}, value_set {shown(list(values))} something else: nothing would be found"
    return None


def _guard(expectation: Any) -> Any:
    """An expectation on the same rows of the same column, whose answer says how many values there were to judge.

    Without a condition none is needed: the column's values can be counted.
    """
    column, condition = getattr(expectation, "column", None), getattr(expectation, "row_condition", None)
    if column is None or condition is None:
        return None
    return gx.build(_GUARD, {"column": column, "row_condition": condition})


def _outcome(
    suite: Suite,
    index: int,
    table: Judged,
    refused: str | None,
    answers: list[Any],
    guards: list[Any] | None,
    filled: Mapping[str, int],
) -> Outcome:
    about = _about(suite, index)
    if refused is not None:
        return Outcome(**about, status="error", reason=refused)
    problem = _unusable(answers) or (None if guards is None else _unusable(guards))
    if problem is not None and _is_empty(suite.expectations[index], guards, filled):
        return Outcome(**about, status="vacuous", reason=_why_vacuous(table.num_rows))
    if problem is not None:
        return Outcome(**about, status="error", reason=problem)
    expectation, answer = suite.expectations[index], answers[0]
    scope = _scope(expectation, answer, None if guards is None else guards[0], table.num_rows, filled)
    if (scope <= 0 or table.num_rows == 0) and (answer.success or about["type"] not in _ON_TABLE):
        return Outcome(**about, status="vacuous", reason=_why_vacuous(table.num_rows))
    if answer.success:
        return Outcome(**about, status="pass", observed=found(answer.result, scope))
    findings = _findings(suite, expectation, answer, table, scope)
    return Outcome(**about, status="fail", reason=expected(expectation), **findings)


def _findings(suite: Suite, expectation: Any, answer: Any, table: Judged, scope: int) -> dict[str, Any]:
    """What was found where an expectation fails: in `runs`, which has one row, its value; else the rows that fail."""
    rows, values = table.failing(answer.result, columns_of(expectation))
    if suite.table == "runs" and len(rows) == 1:
        return {"observed": f"{', '.join(columns_of(expectation))} = {values[0]}"}
    return {"observed": found(answer.result, scope), "failing_ids": rows, "failing_values": values}


def _unusable(answers: list[Any]) -> str | None:
    """Why GX's answer to one expectation is none."""
    import numpy as np

    if len(answers) != 1:
        return f"GX gave {len(answers)} results for it instead of one"
    answer = answers[0]
    if isinstance(answer, Exception):
        return f"GX could not evaluate it: {_first_line(str(answer) or type(answer).__name__)}"
    raised = _exceptions(answer.exception_info or {})
    if raised:
        return f"GX could not evaluate it: {_first_line(raised[0])}"
    if not isinstance(answer.success, (bool, np.bool_)):
        return f"GX answered {visible(repr(answer.success))[:80]}, which is neither true nor false"
    return None


def _exceptions(info: Mapping[str, Any]) -> list[str]:
    """Messages of recorded exceptions, which GX keeps flat or by metric."""
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, Mapping)]
    return [str(entry.get("exception_message") or "no message") for entry in entries if entry.get("raised_exception")]


def _first_line(message: str) -> str:
    return visible(message.strip().split("\n")[0])[:_MESSAGE_LENGTH]


def _scope(expectation: Any, answer: Any, guard: Any, rows: int, filled: Mapping[str, int]) -> int:
    """How many values the expectation judged: rows that its condition matches, less those without a value."""
    type_name = expectation.expectation_type
    if guard is not None:
        nulls = 0 if type_name in _ON_ROWS else int(guard.result["unexpected_count"] or 0)
        return int(guard.result["element_count"] or 0) - nulls  # of no row at all Spark makes a null
    column = getattr(expectation, "column", None)
    if column is not None and column in filled and getattr(expectation, "row_condition", None) is None:
        return rows if type_name in _ON_ROWS else filled[column]
    result = answer.result
    if "element_count" in result:
        return int(result["element_count"] or 0) - int(result.get("missing_count") or 0)
    if getattr(expectation, "row_condition", None) is not None:
        return int(result["observed_value"] or 0)  # a row count: the rows that the condition matches
    return rows


def _is_empty(expectation: Any, guards: list[Any] | None, filled: Mapping[str, int]) -> bool:
    """Whether what GX could not evaluate had no value to be evaluated on: several of its metrics divide by that."""
    if guards is not None:
        return _unusable(guards) is None and _scope(expectation, None, guards[0], 0, filled) == 0
    column = getattr(expectation, "column", None)
    return filled.get(column) == 0 if column is not None else False


def _why_vacuous(rows: int) -> str:
    if rows == 0:
        return "nothing was checked: the table has no rows"
    return "nothing was checked: all its values are null, or its row_condition matches no row"
