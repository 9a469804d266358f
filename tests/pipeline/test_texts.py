"""Reports print from Python what the command line prints."""

from __future__ import annotations

from projects import Made, printed


def test_reports_print_what_the_commands_print(applied: Made) -> None:
    """`print(report)` is for people, whichever way they came."""
    project = applied.project
    project.answer("c1", "spam", annotator="ana")
    assert f"{project.explain('c1')}\n" == printed(applied, "explain", "c1")
    assert f"{project.agreement()}\n" == printed(applied, "annotate", "--agreement")
    assert f"{project.dry_run()}\n" == printed(applied, "apply", "--dry-run")
    assert f"{project.apply()}\n" == printed(applied, "apply")
    assert "ApplyReport" not in str(project.apply())
