"""A question to a language model as data: the template, what answers mean, and the request that comes of a record.

A request is decided by model, template, answers and parameters, and by the fields that the template names. Its hash is
the key under which the reply is kept: equal requests are asked once, whatever the record's id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

from labelkit.errors import FunctionError, named, visible
from labelkit.labeling.faults import BadVoteError
from labelkit.matrix import ABSTAIN

UNSURE = "abstain"  # what a model may always answer, unless the answers are listed
DEFAULTS = {"temperature": 0, "max_tokens": 16}
OURS = {"model", "messages", "stream", "n"}  # of a request, which parameters may not change
QUOTES = "\"'`\u201c\u201d\u2018\u2019"

Vote = int | str | None


@dataclass(frozen=True)
class Prompt:
    """What a prompt function asks, and how its answers are read."""

    template: str  # with fields in braces: "Is this spam? {text}"
    labels: Mapping[str, Vote] | None = None  # answer -> vote; None: the classes' names, and "abstain"
    model: str = ""  # "": the one that [prompt] names
    system: str | None = None  # what stands before the question; None: the list of answers
    parameters: Mapping[str, Any] = field(default_factory=dict)  # of the request, beside model and messages

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the template names, each once."""
        return tuple(dict.fromkeys(name for _, name, _, _ in Formatter().parse(self.template) if name is not None))

    def definition(self) -> list[Any]:
        """Everything of the function itself that decides a vote, as plain values."""
        labels = None if self.labels is None else list(self.labels.items())
        return [self.template, labels, self.model, self.system, dict(self.parameters)]

    def answers(self, classes: Sequence[str]) -> dict[str, int]:
        """Answer -> class index or ABSTAIN. Raises FunctionError for what is no class, and for answers that collide.

        >>> Prompt("Spam? {text}", labels={"yes": "spam", "no": "ham", "?": None}).answers(["ham", "spam"])
        {'yes': 1, 'no': 0, '?': -1}
        """
        given = self.labels
        if given is None:
            given = {name: index for index, name in enumerate(classes)}
            given = given if any(read(name) == UNSURE for name in given) else {**given, UNSURE: ABSTAIN}
        seen: dict[str, str] = {}
        for answer in given:
            if read(answer) in seen:
                raise FunctionError(
                    f"answers {named([seen[read(answer)], answer])} cannot be told apart; "
                    "upper and lower case, quotes and a final full stop do not count"
                )
            seen[read(answer)] = answer
        return {answer: _vote(vote, classes) for answer, vote in given.items()}

    def request(self, values: Mapping[str, Any], model: str, answers: Sequence[str]) -> dict[str, Any]:
        """The body of the request on a record."""
        system = _instruction(answers) if self.system is None else self.system
        said = [{"role": "system", "content": system}] if system else []
        asked = {"role": "user", "content": self.template.format_map({name: str(values[name]) for name in self.fields})}
        parameters = {name: value for name, value in {**DEFAULTS, **self.parameters}.items() if value is not None}
        return {"model": model, "messages": [*said, asked], **parameters}

    @property
    def longest_answer(self) -> int:
        """Tokens that an answer may have, by the request's own limit."""
        given = {**DEFAULTS, **self.parameters}
        return int(given.get("max_completion_tokens") or given.get("max_tokens") or 0)


def key_of(request: Mapping[str, Any]) -> str:
    """SHA-256 of a request, 64 hex digits: the key of its reply."""
    text = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read(answer: str) -> str:
    r"""An answer as answers are compared: blanks, quotes and a full stop around it, and case, do not count.

    >>> read(' "Spam."\n')
    'spam'
    """
    return answer.strip().strip(QUOTES).strip().removesuffix(".").strip(QUOTES).strip().casefold()


def vote_of(reply: str, answers: Mapping[str, int]) -> int:
    """The vote that a model's reply means. Raises BadVoteError for any other text: nothing is guessed.

    >>> vote_of("Spam.", {"spam": 1, "ham": 0})
    1
    >>> vote_of("It is spam", {"spam": 1, "ham": 0})
    Traceback (most recent call last):
    labelkit.labeling.faults.BadVoteError: the model answered "It is spam"; answers are "spam", "ham"
    """
    found = read(reply)
    for answer, vote in answers.items():
        if read(answer) == found:
            return vote
    shown = visible(reply[:60]) + ("…" if len(reply) > 60 else "")
    raise BadVoteError(f'the model answered "{shown}"; answers are {named(answers)}' if reply else "no answer in it")


def _vote(vote: Vote, classes: Sequence[str]) -> int:
    if vote is None:
        return ABSTAIN
    if isinstance(vote, str) and vote in classes:
        return list(classes).index(vote)
    if not isinstance(vote, str) and hasattr(vote, "__index__") and ABSTAIN <= int(vote) < len(classes):
        return int(vote)
    known = ", ".join(f"{index} = {visible(name)}" for index, name in enumerate(classes))
    raise FunctionError(f"no class {visible(repr(vote)[:60])}; classes are {known}, and -1 is ABSTAIN")


def _instruction(answers: Sequence[str]) -> str:
    """What a model is told of the answers that can be read."""
    text = f"Answer with exactly one of the following and nothing else: {', '.join(answers)}."
    return f"{text} Answer {UNSURE} where you cannot tell." if UNSURE in answers else text
