"""Figures about people and task while they work."""

from __future__ import annotations

import time

import pytest

from labelkit.pipeline.figures import Figures
from labelkit.pipeline.sessions import Sessions
from projects import MakeProject


def test_figures_follow_the_answers_and_name_no_record(make_project: MakeProject) -> None:
    """Nothing before the first answer; then counts and agreement, and never who said what about which record."""
    made = make_project(toml="[model]\nname = 'majority'\n[annotate]\nretrain = false\n")
    made.project.apply()
    with Sessions(made.project.folder) as sessions:
        figures = Figures(made.project.folder, sessions)
        assert figures.now() == {}
        for who, labels in {"ana": "ham ham spam", "ben": "ham spam spam", "simulated": "spam spam spam"}.items():
            for number, label in enumerate(labels.split()):
                made.project.answer(f"c{number}", label, annotator=who)
        time.sleep(0.2)
        now = figures.now()
    assert (now["answers"], now["records"], now["overlapping"], now["disputed"]) == (6, 3, 3, 1)
    assert [(one["name"], one["answers"]) for one in now["shares"]] == [("ham", 3), ("spam", 3)]
    assert now["human_level"] == pytest.approx(2 / 3)
    assert [person["name"] for person in now["people"]] == ["ana", "ben"]
    assert now["timeline"][-1][1] == 6
    assert "c1" not in str(now)
    assert "curve" not in now
