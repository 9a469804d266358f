"""The rule: a condition, and what it votes where the condition holds. Checked against fields, classes and columns."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labelkit.errors import FunctionError, named, visible
from labelkit.labeling.examples import Example, checked_examples
from labelkit.labeling.places import place_of
from labelkit.labeling.rules.conditions import Condition, Leaf, Words
from labelkit.matrix import ABSTAIN
from labelkit.records.vectors import is_vectors

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Rule(Condition):
    """A condition with a name and a vote. Made by the functions of `labelkit.rules`, or in a rule file."""

    name: str
    label: int | str | None  # class index or class name; None for a rule that is a part of others only
    kind: str  # the function or the kind of table that made it
    condition: Condition
    place: str = field(default="", compare=False)  # folder/file:line where it was declared
    file: str = field(default="", compare=False)  # that file's path
    examples: tuple[Example, ...] = field(default=(), compare=False)  # what `labelkit lf test` checks

    def vote_on(self, x: Any) -> int | str:
        """Vote on one row: the label where the condition holds, else ABSTAIN, null fields included."""
        return self.label if self.label is not None and self.condition.holds(x) else ABSTAIN

    @property
    def field(self) -> str:
        """The first field it looks at."""
        return next(self.condition.leaves()).field

    def definition(self) -> list[Any]:
        """Everything that decides a vote, as plain values."""
        return [self.condition.definition(), self.label]

    @property
    def unspaced(self) -> tuple[str, ...]:
        """Whole words that it looks for in scripts that put no blanks between words."""
        return tuple(word for leaf in self.leaves() if isinstance(leaf, Words) for word in leaf.unspaced)

    def holds(self, x: Any) -> bool | None:
        """Whether the condition holds for one row; None where that is unknown."""
        return self.condition.holds(x)

    def leaves(self) -> Iterator[Leaf]:
        """The conditions on single fields of which it is made."""
        return self.condition.leaves()

    def __repr__(self) -> str:
        fields = " and ".join(repr(name) for name in dict.fromkeys(leaf.field for leaf in self.leaves()))
        return f"Rule({self.kind} {self.name!r} on {fields})"


def declared(
    name: str,
    label: Any,
    kind: str,
    condition: Condition,
    *,
    part: bool,
    examples: Sequence[Example] = (),
    depth: int = 2,
) -> Rule:
    """A rule made by the caller of the caller, whose line is kept."""
    if part and examples:
        raise FunctionError(f'rule "{visible(name)}": a part has no vote, and so no examples')
    if part and label is not None:
        raise FunctionError(f'rule "{visible(name)}": a part has no label; only the rule that it is a part of votes')
    if not part and (not isinstance(label, (int, str)) or isinstance(label, bool)):
        raise FunctionError(
            f'rule "{visible(name)}": label must be a class index or a class name, not {visible(repr(label)[:60])}'
        )
    caller = sys._getframe(depth)
    file = caller.f_code.co_filename
    plain = condition.condition if isinstance(condition, Rule) else condition
    place, checked = place_of(file, caller.f_lineno), checked_examples(examples, f'rule "{visible(name)}"')
    return Rule(name, label, kind, plain, place, file, checked)


def check_rule(rule: Rule, fields: Sequence[str], classes: Sequence[str]) -> None:
    """Raise FunctionError when the rule names a field or class that the project does not have."""
    where = f'{rule.place}: rule "{visible(rule.name)}"'
    for leaf in rule.leaves():
        if leaf.field not in fields:
            raise FunctionError(f'{where}: no field "{visible(leaf.field)}"; functions see {named(fields)}')
    label = rule.label
    if label is None:
        return
    known = label in classes if isinstance(label, str) else 0 <= label < len(classes)
    if not known:
        raise FunctionError(
            f"{where}: no class {visible(repr(label)[:60])}; classes are "
            + ", ".join(f"{index} = {visible(name)}" for index, name in enumerate(classes))
        )


def check_columns(rule: Rule, schema: pa.Schema) -> None:
    """Raise FunctionError when a field of the rule is of a type that it cannot read: every cell would be a fault."""
    for leaf in rule.leaves():
        _check_column(rule, leaf, schema.field(leaf.field).type)


def _check_column(rule: Rule, leaf: Leaf, kind: pa.DataType) -> None:
    import pyarrow as pa

    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    number = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    vector = (is_vectors, pa.types.is_null)
    if any(test(plain) for test in (number if leaf.numeric else vector if leaf.vector else text)):
        return
    needs = "numbers" if leaf.numeric else "lists of numbers" if leaf.vector else "text"
    raise FunctionError(
        f'{rule.place}: rule "{visible(rule.name)}" needs {needs}, but field "{visible(leaf.field)}" is {kind}'
        + ("; declare its type under [data.types] in labelkit.toml" if leaf.numeric else "")
    )
