"""`labelkit.prompt`: a labeling function that asks a language model."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any, NoReturn

from labelkit.errors import FunctionError, named, visible
from labelkit.labeling.examples import Example, checked_examples
from labelkit.labeling.fingerprints import fingerprint_of
from labelkit.labeling.functions import LabelingFunction
from labelkit.labeling.places import place_of
from labelkit.labeling.prompts.prompt import DEFAULTS, OURS, Prompt, Vote


def prompt(
    name: str,
    template: str,
    *,
    labels: Mapping[str, Vote] | Sequence[str] | None = None,
    model: str = "",
    system: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    examples: Sequence[Example] = (),
) -> LabelingFunction:
    """A labeling function that asks a chat endpoint about each record.

    `template` is the question, with fields of the record in braces ("{{" and "}}" are braces). `labels` says what the
    answers mean: a mapping from answer to class index, class name or ABSTAIN; a list of answers that are class names;
    or nothing, for the project's classes and "abstain". Any other answer is a fault. `model` takes the place of the one
    under [prompt], `system` that of the sentence that lists the answers ("" for none). `parameters` are added to the
    request, by default {"temperature": 0, "max_tokens": 16}; None takes one out. A record with a null in a field of the
    template is not asked about: the function abstains. Raises FunctionError for a template or answers that cannot hold.

    >>> spam = prompt("asks", "Is this comment spam? {text}", labels={"yes": 1, "no": 0, "unsure": -1})
    >>> spam.kind, spam.prompt.fields
    ('prompt', ('text',))
    """
    caller = sys._getframe(1)
    file = caller.f_code.co_filename
    place = place_of(file, caller.f_lineno)
    where = f'{place}: prompt "{visible(str(name))}"'
    made = Prompt(
        _checked_template(template, where),
        _checked_labels(labels, where),
        str(model),
        system,
        _checked_parameters(parameters, where),
    )
    return LabelingFunction(
        name=name,
        kind="prompt",
        vote=_not_asked,
        place=place,
        file=file,
        fingerprint=fingerprint_of("prompt", name, made.definition()),
        examples=checked_examples(examples, where),
        prompt=made,
    )


def check_prompt(function: LabelingFunction, fields: Sequence[str], classes: Sequence[str]) -> None:
    """Raise FunctionError when a prompt function names a field or class that the project does not have."""
    if function.prompt is None:
        return
    where = f'{function.place}: prompt "{visible(function.name)}"'
    strange = [name for name in function.prompt.fields if name not in fields]
    if strange:
        raise FunctionError(f"{where}: no field {named(strange)}; functions see {named(fields)}")
    try:
        function.prompt.answers(classes)
    except FunctionError as error:
        raise FunctionError(f"{where}: {error}") from None


def _not_asked(_: object) -> NoReturn:
    raise FunctionError(
        "a prompt function votes only once its endpoint was asked: labelkit apply, labelkit lf test, or "
        "apply_lfs(..., endpoint=labelkit.endpoint(...))"
    )


def _checked_template(template: str, where: str) -> str:
    if not isinstance(template, str):
        raise FunctionError(f"{where}: the template must be a text, not {visible(repr(template)[:60])}")
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise FunctionError(
            f"{where}: the template: {error}; a brace that is none of a field is written twice"
        ) from None
    for _, name, form, conversion in parts:
        if name is not None and (form or conversion or not name.isidentifier()):
            shown = visible(name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else ""))
            raise FunctionError(f'{where}: the template: "{{{shown}}}" is no field; write a field\'s name in braces')
    if not any(name for _, name, _, _ in parts):
        raise FunctionError(f'{where}: the template names no field of the record, such as "{{text}}"')
    return template


def _checked_labels(labels: Mapping[str, Vote] | Sequence[str] | None, where: str) -> dict[str, Vote] | None:
    if labels is None:
        return None
    if isinstance(labels, str) or not isinstance(labels, (Mapping, Sequence)):
        raise FunctionError(f"{where}: labels must be a mapping from answers to classes, or a list of class names")
    made: dict[str, Vote] = dict(labels) if isinstance(labels, Mapping) else {answer: answer for answer in labels}
    strange = [answer for answer in made if not isinstance(answer, str) or not answer.strip()]
    if strange or not made:
        raise FunctionError(
            f"{where}: labels: an answer is a text that is not empty, not {visible(repr(strange)[:60])}"
        )
    return made


def _checked_parameters(parameters: Mapping[str, Any] | None, where: str) -> dict[str, Any]:
    made = dict(parameters or {})
    ours = sorted(OURS & made.keys())
    if ours:
        raise FunctionError(f"{where}: parameters: {named(ours)} cannot be set")
    try:
        json.dumps(made, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FunctionError(f"{where}: parameters must be what JSON can say: {visible(str(error))}") from None
    limits = [{**DEFAULTS, **made}.get(name) for name in ("max_completion_tokens", "max_tokens")]
    given = [limit for limit in limits if limit is not None]
    if not given or any(not isinstance(limit, int) or isinstance(limit, bool) or limit < 1 for limit in given):
        raise FunctionError(
            f"{where}: parameters: max_tokens or max_completion_tokens must be a whole number above 0: "
            "the budget counts with it"
        )
    return made
