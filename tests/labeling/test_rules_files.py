"""Rule files: rules in TOML, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from casting import CLASSES, cast
from labelkit.errors import FunctionError
from labelkit.labeling import load_functions

ALL_KINDS = """
# People who sell something.
[links]
kind = "pattern"
field = "text"
regex = 'https?://'
ignore_case = true
label = "spam"

[offers]
kind = "keywords"
field = "text"
words = ["free", "gift card"]
label = 1

["calls us"]
kind = "contains"
field = "text"
texts = ["call now"]
ignore_case = false
label = "spam"

[names]
kind = "lookup"
field = "text"
file = "lists/names.txt"
match = "all"
label = "ham"

[popular]
kind = "threshold"
field = "likes"
above = 7
below = 1e3
label = "ham"

[short]
kind = "length"
field = "text"
unit = "words"
below = 3
part = true

[long]
kind = "not"
of = "short"
part = true

[bare_link]
kind = "all"
of = ["links", "short"]
label = "spam"

[quiet]
kind = "any"
of = ["names", "popular"]
label = "ham"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "labeling_functions"
    (made / "lists").mkdir(parents=True)
    (made / "lists" / "names.txt").write_text("Ana\n", encoding="utf-8")
    return made


def test_every_kind_of_rule_can_be_written_in_toml(folder: Path) -> None:
    """In the order of the file, parts left out, each with its line."""
    (folder / "b.toml").write_text(ALL_KINDS, encoding="utf-8")
    (folder / "a.py").write_text('import labelkit as lk\nr = lk.rules.contains("r", ["x"], field="text", label=0)\n')
    functions = load_functions(folder, ["text", "likes"], CLASSES)
    names = ["r", "links", "offers", "calls us", "names", "popular", "bare_link", "quiet"]
    assert [function.name for function in functions] == names
    assert [function.place for function in functions][:4] == [
        "labeling_functions/a.py:2",
        "labeling_functions/b.toml:3",
        "labeling_functions/b.toml:10",
        "labeling_functions/b.toml:16",
    ]
    votes, faults = cast(
        functions,
        {"text": ["HTTP://a free", "ana", "call now or never", "a Gift card x"], "likes": [8, None, 5, 1000]},
    )
    assert faults == []
    assert votes.tolist() == [
        [-1, 1, 1, -1, -1, 0, 1, 0],
        [-1, -1, -1, -1, 0, -1, -1, 0],
        [-1, -1, -1, 1, -1, -1, -1, -1],
        [0, -1, 1, -1, -1, -1, -1, -1],
    ]


def test_a_rule_is_the_same_in_python_and_in_toml(folder: Path) -> None:
    """Its fingerprint too: a rule may move from one to the other and keeps its votes."""
    prints = []
    for file, text in {
        "a.py": 'import labelkit as lk\nr = lk.rules.keywords("r", ["free"], field="text", label="spam")\n',
        "a.toml": '[r]\nkind = "keywords"\nwords = ["free"]\nfield = "text"\nlabel = "spam"\n',
    }.items():
        (folder / file).write_text(text, encoding="utf-8")
        (function,) = load_functions(folder, ["text"], CLASSES)
        prints.append(function.fingerprint)
        (folder / file).unlink()
    assert prints[0] == prints[1]


WORDS = 'kind = "keywords"\nfield = "text"\nlabel = 1\nwords = ["a"]\n'
KINDS = 'kinds are "keywords", "contains", "lookup", "pattern", "threshold", "length", "nearest", "all", "any", "not"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a", "labeling_functions/a.toml: Expected ']' at the end of a table declaration (at end of document)"),
        ("a = 1", "labeling_functions/a.toml:1: [a]: not a table; a rule begins with its name in brackets, [links]"),
        ("\n[a]", f"labeling_functions/a.toml:2: [a]: kind is missing; {KINDS}"),
        ("[a.b]\nkind = 'x'", f"labeling_functions/a.toml:1: [a]: kind is missing; {KINDS}"),
        (
            '[a]\nkind = "keyword"',
            f'labeling_functions/a.toml:1: [a]: no kind "keyword"; did you mean "keywords"?; {KINDS}',
        ),
        (
            '[a]\nkind = "pattern"\nfield = "text"\nlabel = 1\nregx = "a"',
            'labeling_functions/a.toml:1: [a]: unknown key "regx"; did you mean "regex"?',
        ),
        (
            '[a]\nkind = "not"\nxyz = "a"',
            (
                'labeling_functions/a.toml:1: [a]: unknown key "xyz"; a not rule has "of", "kind", "label", "part", '
                '"examples"'
            ),
        ),
        ('[a]\nkind = "keywords"', 'labeling_functions/a.toml:1: [a]: "field", "words", "label" missing'),
        (
            f'["a \\u001b"]\n{WORDS}x = 1',
            (
                'labeling_functions/a.toml:1: [a \\x1b]: unknown key "x"; a keywords rule has "words", "field", '
                '"ignore_case", "kind", "label", "part", "examples"'
            ),
        ),
        (
            "[a]\n" + WORDS.replace('["a"]', '"a"'),
            "labeling_functions/a.toml:1: [a]: words must be a list of texts, not 'a'",
        ),
        (
            "[a]\n" + WORDS + "ignore_case = 1",
            "labeling_functions/a.toml:1: [a]: ignore_case must be true or false, not 1",
        ),
        (
            "[a]\n" + WORDS.replace("label = 1", "label = true"),
            "labeling_functions/a.toml:1: [a]: label must be a class name or index, not True",
        ),
        (
            "[a]\n" + WORDS + "part = true",
            "labeling_functions/a.toml:1: [a]: a part has no label; only the rule that it is a part of votes",
        ),
        (
            "[a]\n" + WORDS.replace('["a"]', "[]"),
            "labeling_functions/a.toml:1: [a]: words must be a list of at least one word, none of them empty",
        ),
        (
            '[a]\nkind = "any"\nof = ["wrds"]\nlabel = 1\n[words]\n' + WORDS,
            'labeling_functions/a.toml:1: [a]: no rule "wrds" in this file; did you mean "words"?',
        ),
        (
            '[a]\nkind = "all"\nof = []\nlabel = 1',
            "labeling_functions/a.toml:1: [a]: of is empty; name at least one rule of this file",
        ),
        (
            '[a]\nkind = "not"\nof = "a"\nlabel = 1',
            'labeling_functions/a.toml:1: [a]: is made of itself, by way of "a"',
        ),
        (
            '[a]\nkind = "lookup"\nfield = "text"\nlabel = 1\nfile = "no.txt"',
            (
                "labeling_functions/a.toml:1: [a]: no.txt: no such file; "
                "a relative path begins at the file that declares the rule"
            ),
        ),
        (
            "[a]\n" + WORDS.replace("text", "txt"),
            'labeling_functions/a.toml:1: rule "a": no field "txt"; functions see "text"',
        ),
        (
            "[a]\n" + WORDS.replace("1", '"spm"'),
            "labeling_functions/a.toml:1: rule \"a\": no class 'spm'; classes are 0 = ham, 1 = spam",
        ),
    ],
)
def test_what_a_rule_file_cannot_mean_is_refused(folder: Path, text: str, message: str) -> None:
    """File, line, table and the nearest name that there is."""
    (folder / "a.toml").write_text(text, encoding="utf-8")
    with pytest.raises(FunctionError) as caught:
        load_functions(folder, ["text"], CLASSES)
    assert str(caught.value) == message


def test_the_rule_file_in_the_documentation_is_one(folder: Path) -> None:
    """As it stands there."""
    page = (Path(__file__).parents[2] / "docs" / "apply.md").read_text(encoding="utf-8")
    (folder / "a.toml").write_text(page.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    (folder / "brands.txt").write_text("Acme\n", encoding="utf-8")
    functions = load_functions(folder, ["text"], ["negative", "positive"])
    assert [function.name for function in functions] == ["links", "links_to_brands"]


def test_all_wrong_tables_of_a_file_are_named_at_once(folder: Path) -> None:
    """Each on a line of its own."""
    (folder / "a.toml").write_text(f'[a]\n{WORDS}x = 1\n[b]\n{WORDS}[c]\nkind = "not"\nlabel = 0\n', encoding="utf-8")
    with pytest.raises(FunctionError) as caught:
        load_functions(folder, ["text"], CLASSES)
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["1", "12"]


def test_a_rule_file_must_be_utf_8(folder: Path) -> None:
    """The byte is named."""
    (folder / "a.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(FunctionError) as caught:
        load_functions(folder, ["text"], CLASSES)
    assert str(caught.value) == "labeling_functions/a.toml: byte 6 is not UTF-8; save the file as UTF-8"


def test_a_file_that_begins_with_an_underscore_is_not_read(folder: Path) -> None:
    """As with .py files."""
    (folder / "_draft.toml").write_text("[a", encoding="utf-8")
    (folder / "a.toml").write_text(f"[a]\n{WORDS}", encoding="utf-8")
    assert [function.name for function in load_functions(folder, ["text"], CLASSES)] == ["a"]
