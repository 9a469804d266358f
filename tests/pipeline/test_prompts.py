"""Prompt functions in a project: apply, its dry run, lf test, replay, budget and what is written where."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from chat_server import Chat, Raw, chatting
from labelkit.errors import BudgetError, ConfigError, FunctionError, ProjectBusyError, UsageError
from labelkit.locks import project_lock
from projects import Made, MakeProject, comments, printed

KEY = "sk-abcdefghij"
FUNCTIONS = """
import labelkit as lk

asks = lk.prompt("asks", "Is this comment spam? {text}", labels={"yes": "spam", "no": "ham", "unsure": lk.ABSTAIN},
                 examples=[("free cash", "spam"), ("a song", "ham")])
money = lk.rules.keywords("money", ["win", "free", "cash"], field="text", label="spam")
music = lk.rules.keywords("music", ["song", "guitar", "album"], field="text", label="ham")
"""


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    """An endpoint that answers yes and no, and a key for it."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chatting() as found:
        found.answer = lambda question: "yes" if "free" in question or "win" in question else "no"
        yield found


def project(make_project: MakeProject, chat: Chat, more: str = "", n: int = 20) -> Made:
    """A small project with a prompt function."""
    toml = (
        "[model]\nname = 'majority'\n[apply]\nworkers = 1\n"
        f"[prompt]\nbase_url = '{chat.url}'\nmodel = 'small'\nbackoff = 0.0\nprice_in = 1.0\nprice_out = 2.0\n{more}\n"
    )
    return make_project(rows=comments(n, seed=3), functions=FUNCTIONS, toml=toml, gold=False)


def test_apply_asks_before_it_casts_and_says_what_it_took(make_project: MakeProject, chat: Chat) -> None:
    """The prompt function votes beside the others; a second run asks nobody."""
    made = project(make_project, chat)
    report = made.project.apply()
    assert [row.name for row in report.summary] == ["asks", "money", "music"]
    assert next(iter(report.summary)).coverage == 1.0
    assert report.notes[-1] == (
        "prompt functions: 0 replies were kept, 20 are new; 20 requests, 420 tokens, 0.0004 in money"
    )
    assert made.project.apply().notes[-1] == "prompt functions: 20 replies were kept, 0 are new; 0 requests, 0 tokens"
    assert len(chat.requests) == 20


def test_the_run_names_models_and_figures_and_no_key(make_project: MakeProject, chat: Chat) -> None:
    """Lineage says what was asked; neither it nor anything else of the project holds the key."""
    made = project(make_project, chat)
    made.project.apply()
    run = made.project.run().run
    assert run.about["prompts"]["models"] == {"asks": "small"}
    assert run.about["prompts"]["spent"]["requests"] == 20
    assert run.parameters["prompt_model"] == "small"
    assert set(chat.keys) == {f"Bearer {KEY}"}
    files = [path for path in made.root.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_another_model_is_another_function(make_project: MakeProject, chat: Chat) -> None:
    """The model that labelkit.toml names is a part of the run's identity, and of the votes kept."""
    made = project(make_project, chat)
    first = made.project.apply()
    toml = made.root / "labelkit.toml"
    toml.write_text(toml.read_text().replace("'small'", "'large'"))
    chat.answer = lambda _: "unsure"
    second = made.project.apply()
    assert second.run != first.run
    assert next(iter(second.summary)).coverage == 0.0
    assert {request["model"] for request in chat.requests[20:]} == {"large"}


def test_a_dry_run_counts_and_asks_nobody(make_project: MakeProject, chat: Chat) -> None:
    """The table says how many requests there would be, and what they would cost."""
    made = project(make_project, chat)
    said = printed(made, "apply", "--dry-run")
    header, row = said.splitlines()
    assert header.split("  ")[0] == "function"
    assert row.split()[:5] == ["asks", "small", "20", "0", "20"]
    assert not chat.requests
    assert not (made.root / "labels.parquet").exists()
    made.project.apply()
    assert json.loads(printed(made, "apply", "--dry-run", "--json"))["functions"][0]["asks"] == 0


def test_a_dry_run_says_that_the_budget_would_not_do(make_project: MakeProject, chat: Chat) -> None:
    """It exits with 1, so that a script can stop before anything is spent."""
    made = project(make_project, chat, "budget_requests = 19")
    printed(made, "apply", "--dry-run", code=1)
    assert made.project.dry_run().passed == (
        "[prompt] budget_requests = 19: 0 requests spent, and this takes about 20 more"
    )
    assert made.project.dry_run().total.requests == 20


def test_a_used_up_budget_is_for_the_user_to_raise(make_project: MakeProject, chat: Chat) -> None:
    """Nothing is published, and apply goes on from where it stopped once there is more."""
    made = project(make_project, chat, "budget_requests = 7\nconcurrency = 1")
    with pytest.raises(BudgetError) as caught:
        made.project.apply()
    assert str(caught.value) == (
        "[prompt] budget_requests = 7 is used up: 7 requests spent, and the next request may pass it; "
        "replies so far are kept: raise it and run the command again"
    )
    assert caught.value.exit_code == 2
    assert not (made.root / "labels.parquet").exists()
    toml = made.root / "labelkit.toml"
    toml.write_text(toml.read_text().replace("budget_requests = 7", "budget_requests = 20"))
    made.project.apply()
    assert len(chat.requests) == 20


def test_lf_test_asks_about_examples(make_project: MakeProject, chat: Chat) -> None:
    """Examples of prompt functions hold, or do not, by what the model answers."""
    made = project(make_project, chat)
    assert printed(made, "lf", "test", "asks") == "2 examples hold\n"
    assert len(chat.requests) == 2
    chat.answer = lambda _: "unsure"
    made.write("labeling_functions/first.py", FUNCTIONS.replace("comment spam", "spam"))
    assert "2 of 2 examples do not hold" in printed(made, "lf", "test", "asks", code=1)


@pytest.mark.slow
def test_a_run_is_replayed_without_asking(make_project: MakeProject, chat: Chat) -> None:
    """The replies that are kept give the same bytes; where they are gone, the replay says so and asks nobody."""
    made = project(make_project, chat)
    made.project.apply()
    assert made.project.replay(workers=[1]).identical
    assert len(chat.requests) == 20
    for path in (made.root / ".labelkit" / "cache" / "prompts").iterdir():
        path.unlink()
    with pytest.raises(FunctionError, match="no reply is kept for record"):
        made.project.replay(workers=[1])
    assert len(chat.requests) == 20


def test_faults_of_a_prompt_function_are_counted_like_others(make_project: MakeProject, chat: Chat) -> None:
    """Answers that mean nothing make apply exit with 1, and name function and record."""
    chat.answer = lambda question: "perhaps" if "free" in question else "no"
    report = project(make_project, chat).project.apply()
    assert report.exit_code == 1
    fault = report.faults[0]
    assert (fault.function, fault.exception, fault.place) == ("asks", "BadVote", "labeling_functions/first.py:4")
    assert fault.message == 'the model answered "perhaps"; answers are "yes", "no", "unsure"'


def test_without_a_prompt_section_apply_says_what_is_missing(make_project: MakeProject) -> None:
    """A prompt function needs somebody to ask."""
    with pytest.raises(UsageError, match=r'prompt "asks" has nobody to ask: name base_url and model under \[prompt\]'):
        make_project(functions=FUNCTIONS).project.apply()


def test_a_field_or_class_that_is_not_there_is_named_with_its_line(make_project: MakeProject, chat: Chat) -> None:
    """Loading checks prompts as it checks rules."""
    made = project(make_project, chat)
    made.write("labeling_functions/first.py", FUNCTIONS.replace("{text}", "{body}"))
    with pytest.raises(FunctionError, match=r'first.py:4: prompt "asks": no field "body"; functions see "text"'):
        made.project.apply()
    made.write("labeling_functions/first.py", FUNCTIONS.replace('"no": "ham"', '"no": "eggs"'))
    with pytest.raises(FunctionError, match=r"first.py:4: prompt .asks.: no class 'eggs'"):
        made.project.apply()


def test_two_commands_do_not_spend_one_budget_at_once(make_project: MakeProject, chat: Chat) -> None:
    """Whoever asks holds a lock, so that a limit holds for all of them together."""
    made = project(make_project, chat)
    with project_lock(made.root / ".labelkit" / "asking.lock", "asking"), pytest.raises(ProjectBusyError):
        made.project.test_functions()


def test_a_wrong_key_ends_apply_with_two(make_project: MakeProject, chat: Chat) -> None:
    """It is the user's to mend."""
    chat.answer = lambda _: Raw(401, f"no such key: {KEY}".encode())
    with pytest.raises(ConfigError, match="the endpoint refuses the key"):
        project(make_project, chat).project.apply()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_keeps_its_replies_and_its_budget(
    make_project: MakeProject, chat: Chat, end: signal.Signals
) -> None:
    """However apply ends, replies that came are not asked for again, and what was under way counts as spent."""
    made = project(make_project, chat, "concurrency = 2\nbudget_requests = 21")
    slow = Raw(200, b"{}", delay=30.0)
    chat.answer = lambda _: "no" if len(chat.requests) <= 10 else slow
    process = subprocess.Popen([sys.executable, "-m", "labelkit", "apply"], cwd=made.root, stderr=subprocess.PIPE)
    patience = time.monotonic() + 60
    while len(chat.requests) < 12 and time.monotonic() < patience:
        time.sleep(0.02)
    os.kill(process.pid, end)
    began = time.monotonic()
    process.communicate(timeout=20)
    assert time.monotonic() - began < 10
    assert process.returncode in {130, 143, -signal.SIGKILL}
    chat.answer = lambda _: "no"
    with pytest.raises(BudgetError):  # 10 replies and 2 that nobody saw leave 9 of the 10 that are missing
        made.project.apply()
    assert len(chat.requests) == 21


def test_a_budget_that_replies_used_up_lets_the_others_vote(make_project: MakeProject, chat: Chat) -> None:
    """When every reply is kept, a budget of nothing does not matter: nobody is asked."""
    made = project(make_project, chat)
    made.project.apply()
    toml = made.root / "labelkit.toml"
    toml.write_text(f"{toml.read_text()}budget_requests = 0\n")
    assert made.project.apply().exit_code == 0
    made.write("labeling_functions/first.py", FUNCTIONS.replace("comment", "text"))
    with pytest.raises(BudgetError):
        made.project.apply()
