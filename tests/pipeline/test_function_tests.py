"""Functions carry examples, and `labelkit lf test` holds them to these."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import labelkit as lk
from labelkit.errors import FunctionError, UsageError
from labelkit.labeling import as_labeling_function
from projects import Made, MakeProject, comments, printed, write_csv

GOLDEN = Path(__file__).parent / "golden"

CARRYING = """
import enum
import numpy as np
import labelkit as lk

class Label(enum.IntEnum):
    HAM = 0
    SPAM = 1

@lk.preprocessor()
def lower(x):
    x.low = x.text.lower()
    return x

@lk.labeling_function(pre=[lower], examples=[("SUBSCRIBE now", Label.SPAM), ("sing", lk.ABSTAIN), ("hi", None)])
def begs(x):
    return "spam" if "subscribe" in x.low else None

@lk.batch_labeling_function(examples=[({"text": "a song"}, "ham"), ("free", -1)])
def sings(x):
    return np.where(["song" in text for text in x["text"]], 0, -1)

money = lk.rules.keywords("money", ["free"], field="text", label="spam", examples=[("free!", 1), ("freedom", -1)])

@lk.labeling_function()
def bare(x):
    return lk.ABSTAIN
"""
KNOWN = "classes are 0 = ham, 1 = spam, and -1 is ABSTAIN"

RULE_FILE = """
[links]
kind = "pattern"
field = "text"
regex = 'https?://'
label = "spam"
examples = [["see http://a.b", "spam"], [{ text = "nothing" }, -1]]
"""


def carrying(make_project: MakeProject, functions: str = CARRYING, **more: str) -> Made:
    return make_project(functions=functions, **more)


def test_all_kinds_of_functions_carry_examples(make_project: MakeProject) -> None:
    """Row and batch functions, rules in Python and rules in TOML are held to their examples."""
    made = carrying(make_project)
    made.write("labeling_functions/rules.toml", RULE_FILE)
    done = made.project.test_functions()
    assert [(each.function, each.number, each.holds) for each in done.examples] == [
        *(("begs", n, True) for n in (1, 2, 3)), *(("sings", n, True) for n in (1, 2)),
        *(("money", n, True) for n in (1, 2)), *(("links", n, True) for n in (1, 2)),
    ]  # fmt: skip
    assert done.without == ("bare",)
    assert done.exit_code == 0


def test_the_table_of_what_fails_is_clear(make_project: MakeProject) -> None:
    """The failing examples as a person sees them, whatever is in them, and exit code 1."""
    made = carrying(
        make_project,
        CARRYING.replace('"subscribe" in x.low', '"subscribe" not in x.low and 1 / len(x.text)')
        .replace('("hi", None)', '("", None), ("\\x1b[2J" + "long " * 30, 0)')
        .replace('("freedom", -1)', '("freedom", "spam")'),
    )
    assert printed(made, "lf", "test", code=1) == (GOLDEN / "lf_test.txt").read_text(encoding="utf-8")
    content = json.loads(printed(made, "lf", "test", "--json", code=1))
    assert content["failed"] == 5
    assert content["examples"][0] == {
        "function": "begs", "place": "labeling_functions/first.py:15", "number": 1, "record": "SUBSCRIBE now",
        "expected": "spam", "got": None, "fault": "", "holds": False,
    }  # fmt: skip


def test_some_functions_can_be_chosen(make_project: MakeProject) -> None:
    """Names choose functions; an unknown one is refused, not passed over."""
    made = carrying(make_project)
    assert {each.function for each in made.project.test_functions(["money"]).examples} == {"money"}
    with pytest.raises(UsageError, match=r'^no function "mony"; there are "begs", "sings", "money", "bare"$'):
        made.project.test_functions(["mony"])


def test_nothing_checked_is_no_pass(make_project: MakeProject) -> None:
    """Functions without any example do not pass by accident."""
    made = carrying(make_project, re.sub(r",? ?examples=\[.*\]\)", ")", CARRYING))
    assert printed(made, "lf", "test", code=1) == "no function carries an example: nothing was checked\n"


def test_examples_work_without_data(make_project: MakeProject) -> None:
    """In a checkout without records, examples are checked all the same."""
    made = carrying(make_project)
    (made.root / "data" / "comments.csv").unlink()
    assert made.project.test_functions().exit_code == 0


def test_fields_have_the_types_of_the_data(make_project: MakeProject) -> None:
    """A number in an example is compared as the column would be; a field that an example leaves out is null."""
    functions = (
        "import labelkit as lk\n"
        "old = lk.rules.threshold('old', field='age', above=20, label=1, examples=[({'age': 21}, 1), ('hi', -1)])\n"
        "@lk.labeling_function(examples=[({'age': 3}, 0), ({'age': 3.0, 'text': 'x'}, 0)])\n"
        "def whole(x):\n    return 0 if x.age == 3 and isinstance(x.age, int) else 1\n"
    )
    made = make_project(functions=functions, gold=False)
    rows = [{**row, "age": str(20 + n)} for n, row in enumerate(comments(20, seed=3))]
    write_csv(made.root / "data" / "comments.csv", rows)
    toml = (made.root / "labelkit.toml").read_text().replace('["text"]', '["text", "age"]')
    made.write("labelkit.toml", toml + 'types = { age = "int64" }\n')
    done = made.project.test_functions()
    assert [(each.function, each.holds) for each in done.examples] == [
        ("old", True), ("old", True), ("whole", True), ("whole", True),
    ]  # fmt: skip
    made.write("labeling_functions/first.py", functions.replace("{'age': 3}", "{'age': 'three'}"))
    with pytest.raises(FunctionError) as caught:
        made.project.test_functions()
    said = 'the examples\' values of field "age" are not of type int64, as the data has it'
    assert str(caught.value) == f'labeling_functions/first.py:3: function "whole": {said}'


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (
            '[("x", "egg")]',
            "function \"begs\": example 1: no class 'egg'; classes are 0 = ham, 1 = spam, and -1 is ABSTAIN",
        ),
        (
            '[("x", 1), ("x", 2)]',
            'function "begs": example 2: no class 2; classes are 0 = ham, 1 = spam, and -1 is ABSTAIN',
        ),
        ('[({"gold": "x"}, 1)]', 'function "begs": example 1: no field "gold"; functions see "text"'),
        ('["x"]', 'FunctionError: first.py: function "begs": example 1 must be a pair'),
        ('"x"', "example 1 must be a pair of a record and a vote, such as (\"some text\", 1), not 'x'"),
        ('("x", 1)', "example 1 must be a pair"),
        ("7", "example 1 must be a pair"),
    ],
)
def test_examples_that_mean_nothing_are_refused(make_project: MakeProject, examples: str, message: str) -> None:
    """An unknown class or field, or something that is no example, is named with function and line."""
    functions = f"import labelkit as lk\n@lk.labeling_function(examples={examples})\ndef begs(x):\n    return 1\n"
    made = carrying(make_project, functions)
    with pytest.raises(FunctionError) as caught:
        made.project.test_functions()
    assert "labeling_functions/first.py:2" in str(caught.value)
    assert message.removeprefix("FunctionError: first.py: ") in str(caught.value)


def test_a_rule_file_with_odd_examples_is_refused(make_project: MakeProject) -> None:
    """In TOML, too, an example is a pair."""
    made = carrying(make_project)
    made.write("labeling_functions/rules.toml", RULE_FILE.replace('["see http://a.b", "spam"]', '"see"'))
    with pytest.raises(FunctionError) as caught:
        made.project.test_functions()
    assert "examples must be a list of pairs of a record and a vote" in str(caught.value)


def test_a_part_carries_no_examples() -> None:
    """A rule without a vote of its own has nothing to be held to."""
    with pytest.raises(FunctionError, match='rule "x": a part has no vote, and so no examples'):
        lk.rules.keywords("x", ["a"], field="text", part=True, examples=[("a", 1)])


def test_examples_are_no_part_of_what_a_function_is() -> None:
    """An example more costs no second casting of votes."""

    def made(*examples: tuple[str, int]) -> list[str]:
        row = lk.labeling_function("f", examples=examples)(lambda x: 1)
        rule = as_labeling_function(lk.rules.keywords("k", ["a"], field="text", label=1, examples=examples))
        assert rule is not None
        assert rule.examples == row.examples == examples
        return [row.fingerprint, rule.fingerprint]

    assert made() == made(("a", 1))


def test_the_demo_keeps_its_examples() -> None:
    """The functions of the demo do what their examples say."""
    done = lk.Project(Path(__file__).parent.parent.parent).test_functions()
    assert done.examples
    assert not done.failed
