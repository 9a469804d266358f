"""Reports print from Python what the command line prints."""

from __future__ import annotations

from projects import Made, MakeProject, printed


def test_reports_print_what_the_commands_print(applied: Made) -> None:
    """`print(report)` is for people, whichever way they came."""
    project = applied.project
    project.answer("c1", "spam", annotator="ana")
    assert f"{project.explain('c1')}\n" == printed(applied, "explain", "c1")
    assert f"{project.agreement()}\n" == printed(applied, "annotate", "--agreement")
    assert f"{project.dry_run()}\n" == printed(applied, "apply", "--dry-run")
    assert f"{project.apply()}\n" == printed(applied, "apply")
    assert "ApplyReport" not in str(project.apply())


def test_apply_says_that_chinese_words_do_not_stand_alone(make_project: MakeProject) -> None:
    """A rule that can hardly match is pointed out with what to write instead."""
    made = make_project(
        functions='import labelkit as lk\n\ngood = lk.rules.keywords("good", ["很好"], field="text", label="ham")\n',
        toml="[model]\nname = 'majority'\n",
    )
    assert made.project.apply().notes[-1] == (
        'rule "good" looks for "很好" as a whole word, but its script puts no blanks between words, so it hardly ever '
        "is one; `contains` finds it anywhere"
    )
