"""Label Studio's own SDK, in an environment of its own, takes what labelkit writes for it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from labelkit.exchange import About, Item, Losses, Opinion, format_of
from labelkit.exchange.label_studio import labeling_interface
from tool_environments import tool

pytestmark = [pytest.mark.slow, pytest.mark.tools, pytest.mark.timeout(600)]

ABOUT = About(name="mail", classes=("ham", 'so "called" spam & more'), fields=("text", "title"), run="0" * 16)
HAM, SPAM = ABOUT.classes
ITEMS = (
    Item("c1", {"text": "Buy ☃", "title": "x"}, labels=(SPAM,), confidence=0.75, probs=(0.25, 0.75), source="model"),
    Item("c2", {"text": "thanks\nfor <this>", "title": ""}, labels=(HAM,), confidence=1.0, probs=(1.0, 0.0),
         source="human",
         opinions=(Opinion((HAM,), "ana", "2026-01-02T03:04:05Z", operation="op-1"), Opinion(None, "ben"))),
    Item("c3", {"text": "", "title": "y"}),
)  # fmt: skip
VALIDATE = """
import json, sys
from label_studio_sdk.label_interface import LabelInterface

interface = LabelInterface(open("interface.xml").read())
interface.validate()
tasks = json.load(open("tasks.json"))
annotations = [interface.validate_annotation(each) for task in tasks for each in task["annotations"]]
predictions = [interface.validate_prediction(each) for task in tasks for each in task.get("predictions", [])]
print(json.dumps([annotations, predictions, [interface.validate_task({"data": task["data"]}) for task in tasks]]))
"""
CONVERT = """
import json
from label_studio_sdk.converter import Converter

tasks = json.load(open("tasks.json"))
with open("numbered.json", "w") as file:  # as Label Studio does when it takes them in
    json.dump([{**task, "id": number} for number, task in enumerate(tasks, 1)], file)
converter = Converter(open("interface.xml").read(), project_dir=None)
converter.convert_to_csv("numbered.json", "converted", is_dir=False, sep=",", header=True)
"""


SEVERAL = replace(ABOUT, several=True)
SETS = (
    replace(ITEMS[0], labels=(HAM, SPAM), probs=(0.75, 0.75)),
    replace(ITEMS[1], opinions=(Opinion((HAM, SPAM), "ana"), Opinion((), "ben"))),
    replace(ITEMS[2], labels=(), source="model", confidence=0.75, probs=(0.25, 0.25)),
)


def in_folder(path: Path, items: tuple[Item, ...], about: About) -> Path:
    """The folder with the labeling interface and the tasks."""
    (path / "interface.xml").write_text(labeling_interface(about), encoding="utf-8")
    format_of("label-studio").write(items, path / "tasks.json", about, Losses())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the labeling interface and the tasks."""
    return in_folder(tmp_path, ITEMS, ABOUT)


def test_the_sdk_finds_interface_and_tasks_valid(folder: Path) -> None:
    """Both annotations, the prediction and the data of every task fit the labeling interface."""
    said = tool("label-studio").run("-c", VALIDATE, cwd=folder).stdout
    assert json.loads(said.splitlines()[-1]) == [[True, True], [True], [True, True, True]]


def test_the_sdk_finds_several_choices_valid(tmp_path: Path) -> None:
    """So do several choices and none, in annotations and predictions, an interface with several choices."""
    said = tool("label-studio").run("-c", VALIDATE, cwd=in_folder(tmp_path, SETS, SEVERAL)).stdout
    assert json.loads(said.splitlines()[-1]) == [[True, True], [True, True], [True, True, True]]


def test_the_sdk_refuses_a_class_that_the_interface_has_not(folder: Path) -> None:
    """What the validation is worth: a prediction of an unknown class does not pass."""
    (folder / "interface.xml").write_text(labeling_interface(replace(ABOUT, classes=("ham", "eggs"))), encoding="utf-8")
    said = tool("label-studio").run("-c", VALIDATE, cwd=folder).stdout
    assert json.loads(said.splitlines()[-1])[1] == [False]


def test_the_converter_reads_the_answers(folder: Path) -> None:
    """Label Studio's exporter turns the tasks into a table with ids, texts and labels as they were."""
    tool("label-studio").run("-c", CONVERT, cwd=folder)
    (path,) = (folder / "converted").glob("*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["id"], row["text"], row["label"]) for row in csv.DictReader(file)]
    thanks = "thanks\nfor <this>"
    assert rows == [("c1", "Buy ☃", ""), ("c2", thanks, HAM), ("c3", "", "")]  # a skip is no answer


def test_the_converter_reads_several_choices(tmp_path: Path) -> None:
    """Its table holds all choices of an answer, as Label Studio writes several."""
    in_folder(tmp_path, SETS[1:2], SEVERAL)
    tool("label-studio").run("-c", CONVERT, cwd=tmp_path)
    (path,) = (tmp_path / "converted").glob("*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    assert json.loads(labels[0]) == {"choices": [HAM, SPAM]}
