"""`labelkit lf list`, `show`, `errors` and `prune`: what each function of the current run is worth."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from labelkit.errors import ArtifactError, UsageError
from labelkit.label_models import make_model
from labelkit.pipeline.function_view import MODEL, PEOPLE
from projects import FUNCTIONS, Made, MakeProject, comments, printed
from suggested_projects import FAST, answer_all, answered, train_rows

GOLDEN = Path(__file__).parent / "golden"

TURNED = (
    FUNCTIONS + "\nturned = lk.rules.keywords('turned', ['melody', 'chorus', 'singer'], field='text', label=SPAM)\n"
)


def timeless(text: str) -> str:
    """The text without what casting votes took."""
    return re.sub(r"(?<=seconds   )[\d.]+|(?<=  )\d\.\d{3}$", "*", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def made(make_projects: MakeProject) -> Made:
    """A project with 60 answers whose functions were applied, and cannot be imported any more; do not change it."""
    done = answered(make_projects)
    done.write("labeling_functions/first.py", "raise SystemExit('imported')\n")
    return done


def test_functions_are_listed_with_their_figures(made: Made) -> None:
    """Snorkel's figures as `apply` printed them, then weight and seconds."""
    assert timeless(printed(made, "lf", "list")) == (GOLDEN / "lf_list.txt").read_text(encoding="utf-8")
    rows = {row["name"]: row for row in json.loads(printed(made, "lf", "list", "--json"))["functions"]}
    assert rows["money"]["place"] == "labeling_functions/first.py:14"
    assert all(row["seconds"] > 0 and row["weight"] > 0 for row in rows.values())


def test_a_slow_function_is_seen(make_project: MakeProject) -> None:
    """Seconds are those of the function itself, not a share of what all took."""
    slow = "\nimport time\n@lk.labeling_function()\ndef slow(x):\n    time.sleep(0.001)\n    return -1\n"
    made = make_project(functions=FUNCTIONS + slow, toml=FAST)
    made.project.apply()
    seconds = {row.figures.name: row.seconds or 0.0 for row in made.project.functions().rows}
    assert seconds["slow"] > 0.2
    assert seconds["slow"] > 3 * max(value for name, value in seconds.items() if name != "slow")


def test_one_function_is_shown(made: Made) -> None:
    """Figures, conflicts, mistakes, and labels without it, as a person sees them."""
    assert timeless(printed(made, "lf", "show", "money")) == (GOLDEN / "lf_show.txt").read_text(encoding="utf-8")


def test_labels_without_a_function_are_those_of_a_model_that_never_saw_it(made: Made) -> None:
    """The flips are what fitting the label model by hand on the other functions gives."""
    view = made.project.function("money")
    votes = made.project.votes()
    answers = made.project.answers()
    ids = votes.ids.to_pylist()
    gold = np.array([votes.classes.index(answers[one]) if one in answers else -1 for one in ids])
    others = [j for j, name in enumerate(votes.names) if name != "money"]
    part = type(votes)(votes.votes[:, others], votes.ids, tuple(votes.names[j] for j in others), votes.classes)

    def labels(matrix: type(votes)) -> np.ndarray:  # type: ignore[valid-type]
        belief = make_model("weighted", votes.classes, 0).fit(matrix, gold=gold).predict_proba(matrix)
        return np.where(belief.covered, belief.probs.argmax(axis=1), -1)

    flipped = (labels(votes) != labels(part)) & (gold < 0)
    assert view.without.flips == flipped.sum() > 0
    assert sum(count for *_, count in view.without.moves) == view.without.flips
    assert view.without.lost == ((labels(part) == -1) & flipped).sum()


def test_mistakes_begin_with_what_people_say(make_project: MakeProject) -> None:
    """Votes that people contradict come first, then those that the others do not believe, the least believed first."""
    made = make_project(functions=TURNED, toml=FAST)
    answer_all(made, train_rows()[:40]).project.apply()
    found = made.project.function_errors("turned", limit=200)
    who = [one.by for one in found.listed]
    assert who == sorted(who, key=[PEOPLE, MODEL].index)
    assert who.count(PEOPLE) == found.wrong > 0
    assert who.count(MODEL) == found.doubtful > 0
    believed = [one.probability for one in found.listed if one.by == MODEL]
    assert believed == sorted(believed)
    assert all(value < 0.5 for value in believed)


def test_records_that_measure_are_not_shown(made: Made) -> None:
    """No record of split test is listed: an author who saw them would have nothing left to measure with."""
    test = {row["id"] for row in comments(200, seed=3) if row["split"] == "test"}
    for name in made.project.votes().names:
        view = made.project.function(name)
        listed = {one.record for one in made.project.function_errors(name, limit=200).listed}
        assert not test & (listed | set(view.alone_first))


def test_an_unknown_function_is_named(made: Made) -> None:
    """A name that the run does not have is an error that lists those it has."""
    with pytest.raises(UsageError, match=r'^the current run has no function "mony"; it has "begs", "sings", "money"'):
        made.project.function("mony")


def test_a_project_without_a_run_says_so(make_project: MakeProject) -> None:
    """There is nothing to list before the first `apply`."""
    with pytest.raises(ArtifactError, match="labelkit apply"):
        make_project().project.functions()


def test_a_class_that_was_added_since_asks_for_a_new_run(make_project: MakeProject) -> None:
    """Votes for other classes than those of the project are not taken for theirs."""
    made = answered(make_project, 0)
    toml = (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", toml.replace('["ham", "spam"]', '["ham", "spam", "eggs"]'))
    with pytest.raises(
        ArtifactError, match=r'^the votes are for "ham", "spam", the project has "ham", "spam", "eggs"; run'
    ):
        made.project.functions()


def test_a_lone_function_can_be_left_out(make_project: MakeProject) -> None:
    """Without the only function there are no labels, and nothing fails."""
    made = make_project(
        functions="import labelkit as lk\nm = lk.rules.keywords('m', ['win'], field='text', label=1)\n", toml=FAST
    )
    made.project.apply()
    without = made.project.function("m").without
    assert without.flips == without.lost > 0


def test_pruning_names_the_harmful_beyond_doubt_and_nothing_else(make_project: MakeProject) -> None:
    """A function that votes at random on everything and outvotes others costs accuracy; good ones do not."""
    noise = (
        "\n@lk.labeling_function()\ndef noise(x):\n    return sum(map(ord, x.text)) % 2\n"
        "\n@lk.labeling_function()\ndef echo(x):\n    return sum(map(ord, x.text)) % 2\n"
        "\n@lk.labeling_function()\ndef third(x):\n    return sum(map(ord, x.text)) % 2\n"
    )
    made = make_project(functions=FUNCTIONS + noise, toml="[model]\nname = 'majority'\n[apply]\nworkers = 1\n")
    answer_all(made, train_rows()).project.apply()
    found = made.project.prune()
    assert {one.function for one in found.functions if one.costs} <= {"noise", "echo", "third"}
    assert all(one.interval[0] <= one.change <= one.interval[1] for one in found.functions)
    assert json.loads(printed(made, "lf", "prune", "--json"))["answers"] == found.answers


def test_pruning_needs_answers(make_project: MakeProject) -> None:
    """With a handful of answers nothing is told apart, and that is said."""
    made = answered(make_project, 5)
    with pytest.raises(UsageError, match=r"^\d answers about records that functions vote on; 20 are needed"):
        made.project.prune()


def test_the_table_of_pruning_is_clear(made: Made) -> None:
    """Each function with what leaving it out does, as a person sees it."""
    assert printed(made, "lf", "prune") == (GOLDEN / "lf_prune.txt").read_text(encoding="utf-8")
