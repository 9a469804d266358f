"""What a prompt function is: a template, answers, and a request that depends on nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import labelkit as lk
from labelkit.errors import FunctionError
from labelkit.labeling.faults import BadVoteError
from labelkit.labeling.prompts.prompt import Prompt, key_of, vote_of

CLASSES = ["ham", "spam"]


def problem(**wrong: Any) -> str:
    """What is said of a prompt function that cannot be."""
    given = {"name": "asks", "template": "{text}", **wrong}
    with pytest.raises(FunctionError) as caught:
        lk.prompt(given.pop("name"), given.pop("template"), **given)
    return str(caught.value).partition(": ")[2]


def test_the_request_is_the_template_filled_and_the_answers_listed() -> None:
    """The question has the record's fields in it; what may be answered stands before it."""
    prompt = Prompt("Is {text} spam? {{yes}} {likes}", {"yes": 1, "no": 0})
    assert prompt.fields == ("text", "likes")
    assert prompt.request({"text": "{likes}", "likes": 3}, "small", ["yes", "no"]) == {
        "model": "small",
        "messages": [
            {
                "role": "system",
                "content": "Answer with exactly one of the following and nothing else: yes, no.",
            },
            {"role": "user", "content": "Is {likes} spam? {yes} 3"},
        ],
        "temperature": 0,
        "max_tokens": 16,
    }


def test_parameters_and_the_system_message_can_be_ones_own() -> None:
    """What is set goes into the request, None takes a default out, an empty system message is none."""
    prompt = Prompt(
        "{text}", {"yes": 1}, system="", parameters={"max_tokens": None, "max_completion_tokens": 5, "seed": 1}
    )
    assert prompt.request({"text": "hi"}, "m", ["yes"]) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0,
        "max_completion_tokens": 5,
        "seed": 1,
    }
    assert prompt.longest_answer == 5


def test_without_labels_the_answers_are_the_classes_and_abstain() -> None:
    """A class that is itself called abstain leaves no word for abstaining."""
    assert Prompt("{text}").answers(CLASSES) == {"ham": 0, "spam": 1, "abstain": -1}
    assert Prompt("{text}").answers(["act", "Abstain"]) == {"act": 0, "Abstain": 1}


@pytest.mark.parametrize("said", ["spam", " Spam.\n", '"SPAM"', "`spam`.", "\u201cspam\u201d"])
def test_an_answer_may_have_case_quotes_and_a_full_stop(said: str) -> None:
    """These do not make it another answer."""
    assert vote_of(said, {"ham": 0, "spam": 1}) == 1


@pytest.mark.parametrize("said", ["", "spam!", "It is spam", "spam ham", "spa", "1", "<think></think>spam"])
def test_any_other_answer_is_no_vote(said: str) -> None:
    """Nothing is guessed from a text that is not one of the answers."""
    with pytest.raises(BadVoteError):
        vote_of(said, {"ham": 0, "spam": 1})


@settings(max_examples=50, deadline=None)
@given(st.text() | st.text(alphabet="spam.\"'` "))
def test_whatever_a_model_says_is_a_vote_or_no_vote(said: str) -> None:
    """A vote has the letters of the answer and no others; all else is refused as no vote."""
    letters = [char for char in said.casefold() if char.isalnum()]
    try:
        assert vote_of(said, {"ham": 0, "spam": 1}) == ["ham", "spam"].index("".join(letters))
    except BadVoteError:
        assert said.casefold() not in {"ham", "spam"}


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(["text", "likes"]), st.text(), min_size=2), st.text())
def test_equal_requests_have_equal_keys_and_others_have_others(values: dict[str, str], other: str) -> None:
    """The key tells records of different content apart, and models."""
    prompt = Prompt("{text}\x00{likes}")
    key = key_of(prompt.request(values, "m", ["yes"]))
    assert key == key_of(prompt.request(dict(reversed(values.items())), "m", ["yes"]))
    assert (key == key_of(prompt.request({**values, "text": other}, "m", ["yes"]))) == (other == values["text"])
    assert key != key_of(prompt.request(values, "n", ["yes"]))


def test_what_decides_a_vote_is_in_the_fingerprint() -> None:
    """Another template, label, model, parameter or system message is another function; examples are not."""
    base: dict[str, Any] = {
        "template": "{text}",
        "labels": {"yes": 1},
        "model": "m",
        "parameters": {"seed": 1},
        "system": "S",
    }

    def of(**other: Any) -> str:
        given = {**base, **other}
        return lk.prompt("asks", given.pop("template"), **given).fingerprint

    assert of() == of(examples=[("hi", 1)])
    others: list[dict[str, Any]] = [
        {"template": "{text}?"},
        {"labels": {"yes": 0}},
        {"model": "n"},
        {"parameters": {"seed": 2}},
        {"system": ""},
    ]
    assert len({of(), *(of(**other) for other in others)}) == 6


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"template": "spam?"}, 'the template names no field of the record, such as "{text}"'),
        ({"template": "{text.upper}"}, 'the template: "{text.upper}" is no field; write a field\'s name in braces'),
        ({"template": "{text!r:>10}"}, 'the template: "{text!r:>10}" is no field; write a field\'s name in braces'),
        ({"template": "{}"}, 'the template: "{}" is no field; write a field\'s name in braces'),
        ({"template": 7}, "the template must be a text, not 7"),
        ({"labels": "spam"}, "labels must be a mapping from answers to classes, or a list of class names"),
        ({"labels": {" ": 1}}, "labels: an answer is a text that is not empty, not [' ']"),
        ({"parameters": {"stream": True}}, 'parameters: "stream" cannot be set'),
        (
            {"parameters": {"max_tokens": None}},
            "parameters: max_tokens or max_completion_tokens must be a whole number above 0: the budget counts with it",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_where_it_is_written(wrong: dict[str, Any], said: str) -> None:
    """A prompt function that could not work is an error of its file, not a fault of every record."""
    assert problem(**wrong) == f'prompt "asks": {said}'


def test_a_single_brace_is_explained() -> None:
    """Braces that are none of a field are written twice."""
    assert problem(template="{text} {").endswith("a brace that is none of a field is written twice")


def test_answers_that_cannot_be_told_apart_are_refused() -> None:
    """Case does not count, so two answers may not differ in it alone."""
    with pytest.raises(FunctionError, match=r'answers "Yes", "yes\." cannot be told apart'):
        Prompt("{text}", {"Yes": 1, "yes.": 0}).answers(CLASSES)


@pytest.mark.parametrize("vote", [2, -2, "eggs", 0.5])
def test_labels_must_be_classes(vote: Any) -> None:
    """What is no class of the project is refused by name."""
    with pytest.raises(FunctionError, match="no class"):
        Prompt("{text}", {"yes": vote}).answers(CLASSES)


def test_a_prompt_function_that_was_not_asked_has_no_vote() -> None:
    """Calling it by hand says how it is asked."""
    with pytest.raises(FunctionError, match="votes only once its endpoint was asked"):
        lk.prompt("asks", "{text}")({"text": "hi"})
