r"""The functions that make rules.

Case: with `ignore_case`, two characters are the same where `re.IGNORECASE` of Python says so. It folds one character to
one character, in all of Unicode: "K" is "k" and the Kelvin sign U+212A, "s" also the long s U+017F, "i" also U+0130 and
U+0131, the Greek sigma also its final form; but "ß" is not "ss", and a letter with a combining accent is not the
accented letter.
Boundaries: a whole word is one that no letter, digit or underscore touches, which is `\w` of Python's `re`, in all of
Unicode.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from labelkit.errors import FunctionError, visible
from labelkit.labeling.examples import Example
from labelkit.labeling.rules.arguments import folder_of_declaration, limits, listed_words, plain_limit, shown
from labelkit.labeling.rules.conditions import Condition, Matches, Words
from labelkit.labeling.rules.lookups import read_words
from labelkit.labeling.rules.nearest import Near, given_vectors, vectors_of_ids
from labelkit.labeling.rules.regex import linear_regex
from labelkit.labeling.rules.rule import Rule, declared
from labelkit.labeling.rules.syntax import NotLinearError
from labelkit.settings import EMBEDDING

Label = int | str | None
Unit = Literal["characters", "words"]
Place = Literal["word", "anywhere", "all"]


def keywords(
    name: str,
    words: Iterable[str],
    *,
    field: str,
    label: Label = None,
    ignore_case: bool = True,
    part: bool = False,
    examples: Sequence[Example] = (),
) -> Rule:
    r"""Match where one of the words or phrases stands in the text as whole words.

    A match may not touch a further letter, digit or underscore on either side (`\w` of Python's `re`); upper and lower
    case are the same, as under `re.IGNORECASE`, unless `ignore_case` is False. The order of the words does not matter.
    With `part`, the rule has no label and is only there to be combined with others. `examples` are pairs of a record
    and the vote on it, which `labelkit lf test` checks.

    >>> from types import SimpleNamespace
    >>> rule = keywords("thanks", ["thank you"], field="text", label=0)
    >>> rule.vote_on(SimpleNamespace(text="Thank you!")), rule.vote_on(SimpleNamespace(text="thank yous"))
    (0, -1)
    """
    condition = Words(field, listed_words(name, "words", words), bool(ignore_case), "word")
    return declared(name, label, "keywords", condition, part=part, examples=examples)


def contains(
    name: str,
    texts: Iterable[str],
    *,
    field: str,
    label: Label = None,
    ignore_case: bool = True,
    part: bool = False,
    examples: Sequence[Example] = (),
) -> Rule:
    """Match where one of the texts stands anywhere in the field, also within a word.

    >>> from types import SimpleNamespace
    >>> rule = contains("links", ["http://", "www."], field="text", label=1)
    >>> rule.vote_on(SimpleNamespace(text="see WWW.example"))
    1
    """
    condition = Words(field, listed_words(name, "texts", texts), bool(ignore_case), "anywhere")
    return declared(name, label, "contains", condition, part=part, examples=examples)


def lookup(
    name: str,
    path: str | Path,
    *,
    field: str,
    label: Label = None,
    column: str | None = None,
    match: Place = "word",
    ignore_case: bool = True,
    part: bool = False,
    examples: Sequence[Example] = (),
) -> Rule:
    """Match where one of the words of a file is in the text.

    The file is a text file in UTF-8 with one word or phrase per line (blank lines and those that begin with "# " are
    passed over), or a column of a `.csv` or `.parquet` file. A relative path begins at the file in which the rule is
    declared. `match` says where the words must be: "word", as whole words, like `keywords`; "anywhere", like
    `contains`; "all", as the whole field. The words are read when the rule is declared, and are a part of what it is.
    """
    if match not in get_args(Place):
        raise FunctionError(f'rule "{visible(name)}": match must be "word", "anywhere" or "all", not {shown(match)}')
    if not isinstance(path, (str, Path)):
        said = f"the file is named by its path, not {shown(path)}; for words written in place there is `keywords`"
        raise FunctionError(f'rule "{visible(name)}": {said}')
    words = listed_words(name, "the file", read_words(name, folder_of_declaration() / path, column))
    return declared(name, label, "lookup", Words(field, words, bool(ignore_case), match), part=part, examples=examples)


def pattern(
    name: str,
    regex: str,
    *,
    field: str,
    label: Label = None,
    ignore_case: bool = False,
    part: bool = False,
    examples: Sequence[Example] = (),
) -> Rule:
    r"""Match where the regular expression is found anywhere in the text, with the meaning of Python's `re.search`.

    The time that it takes grows with the length of the text and no faster, whatever the pattern. One that cannot be
    matched so is refused: back-references, look-ahead and look-behind, atomic groups, possessive repeats, counts above
    1,000, something after `$`.

    >>> from types import SimpleNamespace
    >>> pattern("links", r"https?://", field="text", label=1).vote_on(SimpleNamespace(text="see http://a.b"))
    1
    """
    if not isinstance(regex, str):
        raise FunctionError(f'rule "{visible(name)}": regex must be a text, not a {visible(type(regex).__name__)}')
    try:
        linear_regex(regex, ignore_case=bool(ignore_case))
    except NotLinearError as error:
        raise FunctionError(
            f'rule "{visible(name)}": the regex cannot be matched in linear time: {visible(str(error))}; '
            "write it in another way, or as a row function (@labelkit.labeling_function())"
        ) from None
    except (re.error, RecursionError, OverflowError) as error:
        raise FunctionError(f'rule "{visible(name)}": not a regular expression: {visible(str(error))}') from error
    return declared(name, label, "pattern", Matches(field, regex, bool(ignore_case)), part=part, examples=examples)


def threshold(
    name: str,
    *,
    field: str,
    label: Label = None,
    above: float | None = None,
    below: float | None = None,
    part: bool = False,
    examples: Sequence[Example] = (),
) -> Rule:
    """Match where the number is greater than `above` and less than `below`; at least one of them is given.

    NaN is neither. Floating numbers are compared in double precision, whole numbers exactly, however large.

    >>> from types import SimpleNamespace
    >>> rule = threshold("teen", field="age", above=12, below=20, label=1)
    >>> [rule.vote_on(SimpleNamespace(age=age)) for age in (12, 13, 19.5, None)]
    [-1, 1, 1, -1]
    """
    return declared(name, label, "threshold", limits(name, field, "value", above, below), part=part, examples=examples)


def length(
    name: str,
    *,
    field: str,
    label: Label = None,
    unit: Unit = "characters",
    above: float | None = None,
    below: float | None = None,
    part: bool = False,
    examples: Sequence[Example] = (),
) -> Rule:
    """Match where the text has more than `above` and fewer than `below` characters (or words).

    Characters are Unicode code points, as `len` counts them; words are what `str.split` leaves.

    >>> from types import SimpleNamespace
    >>> rule = length("short", field="text", unit="words", below=5, label=0)
    >>> rule.vote_on(SimpleNamespace(text="I love  it"))
    0
    """
    if unit not in get_args(Unit):
        raise FunctionError(f'rule "{visible(name)}": unit must be "characters" or "words", not {shown(unit)}')
    return declared(name, label, "length", limits(name, field, unit, above, below), part=part, examples=examples)


def nearest(
    name: str,
    to: Sequence[Sequence[float]] | None = None,
    *,
    above: float,
    ids: Sequence[str] | None = None,
    file: str | Path | None = None,
    id: str = "id",  # noqa: A002  the field's word
    column: str | None = None,
    field: str = EMBEDDING,
    label: Label = None,
    part: bool = False,
    examples: Sequence[Example] = (),
) -> Rule:
    """Match where the embedding's cosine similarity to the nearest of some others is greater than `above`.

    These are vectors, or `ids` of records in a `file` of ids and embeddings, such as `labelkit embed` writes. A
    relative path begins at the file in which the rule is declared; `id` and `column` name its columns, by default "id"
    and the field. The vectors are read when the rule is declared, and are a part of what it is.

    >>> from types import SimpleNamespace
    >>> rule = nearest("like_these", [[1.0, 0.0], [0.0, 1.0]], above=0.9, label=1)
    >>> [rule.vote_on(SimpleNamespace(embedding=vector)) for vector in ([0.1, 2.0], [-1.0, 0.0], None)]
    [1, -1, -1]
    """
    limit = plain_limit(name, "above", above)
    if limit is None or not -1 <= limit < 1:
        raise FunctionError(f'rule "{visible(name)}": above must be a cosine similarity, from -1 to below 1')
    if (to is None) == (ids is None) or (ids is None) != (file is None):
        raise FunctionError(
            f'rule "{visible(name)}": give to= some vectors, or ids= and file= that has their embeddings'
        )
    if ids is None:
        vectors = given_vectors(name, to)
    else:
        chosen = listed_words(name, "ids", ids if isinstance(ids, str) else map(str, ids))
        path = folder_of_declaration() / str(file)
        vectors = vectors_of_ids(name, chosen, path, id, field if column is None else column)
    near = Near(field, np.ascontiguousarray(vectors).tobytes(), vectors.shape[1], float(limit))
    return declared(name, label, "nearest", near, part=part, examples=examples)


def combine(
    name: str,
    condition: Condition,
    *,
    label: Label = None,
    part: bool = False,
    examples: Sequence[Example] = (),
) -> Rule:
    """A rule made of others with `&` (and), `|` (or) and `~` (not).

    Where a field is null, or a number NaN, a rule on it neither matches nor fails to match: `~rule` does not match
    there either.

    >>> from types import SimpleNamespace
    >>> links = contains("links", ["http"], field="text", part=True)
    >>> long = length("long", field="text", above=20, part=True)
    >>> rule = combine("bare_link", links & ~long, label=1)
    >>> [rule.vote_on(SimpleNamespace(text=text)) for text in ("http://a.b", "my page is http://a.b", None)]
    [1, -1, -1]
    """
    if not isinstance(condition, Condition):
        raise FunctionError(f'rule "{visible(name)}": combine takes rules joined by &, | and ~, not {shown(condition)}')
    return declared(name, label, "combine", condition, part=part, examples=examples)
