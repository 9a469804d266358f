"""Reports print from Python what the command line prints."""

from __future__ import annotations

from projects import Made, MakeProject, printed

SINGS_ON = """
import labelkit as lk

chorus = lk.rules.keywords("chorus", ["chorus", "melody"], field="text", label="spam", examples=[("chorus", "ham")])
"""


def test_reports_print_what_the_commands_print(applied: Made) -> None:
    """`print(report)` is for people, whichever way they came."""
    project = applied.project
    project.answer("c1", "spam", annotator="ana")
    assert f"{project.explain('c1')}\n" == printed(applied, "explain", "c1")
    assert f"{project.agreement()}\n" == printed(applied, "annotate", "--agreement")
    assert f"{project.dry_run()}\n" == printed(applied, "apply", "--dry-run")
    assert f"{project.apply()}\n" == printed(applied, "apply")
    assert str(project.simulate("gold", budget=2)).startswith(
        "stored 2 answers and 0 skips; `labelkit apply` uses them"
    )
    tasks = str(applied.root / "tasks.json")
    assert f"{project.export(tasks, to='label-studio')}\n" == printed(applied, "export", tasks, "--to", "label-studio")
    source = {"source": "label-studio", "annotator": "ana"}
    assert f"{project.import_answers(tasks, **source)}\n" == printed(
        applied, "import", tasks, "--from", source["source"]
    )
    assert "ApplyReport" not in str(project.apply())


def test_runs_and_functions_print_what_the_commands_print(applied: Made) -> None:
    """Whoever looks from a notebook sees no dataclass."""
    applied.write("labeling_functions/more.py", SINGS_ON)
    project = applied.project
    project.apply()
    assert f"{project.diff()}\n" == printed(applied, "runs", "diff")
    assert f"{project.run()}\n" == printed(applied, "runs", "show")
    assert f"{project.replay()}\n" == printed(applied, "replay")
    assert f"{project.functions()}\n" == printed(applied, "lf", "list")
    assert f"{project.function('money')}\n" == printed(applied, "lf", "show", "money")
    assert f"{project.function_errors('money')}\n" == printed(applied, "lf", "errors", "money")
    assert f"{project.test_functions()}\n" == printed(applied, "lf", "test", code=1)


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


def test_apply_says_what_to_do_about_null_fields(make_project: MakeProject) -> None:
    """A comparison with None is the first fault that people meet."""
    made = make_project(
        functions="import labelkit as lk\n\n@lk.labeling_function()\ndef big(x):\n    return int(x.size > 5)\n",
        rows=[{"id": key, "size": size, "gold": "ham", "split": "test"} for key, size in (("a", "7"), ("b", ""))],
        toml="types = { size = 'int64' }\n[model]\nname = 'majority'\n",
    )
    settings = made.root / "labelkit.toml"
    settings.write_text(settings.read_text().replace('["text"]', '["size"]'))
    said = made.run("apply", code=1).stderr
    assert "a null field is None in a function; let it begin with: if x.<field> is None: return lk.ABSTAIN" in said
