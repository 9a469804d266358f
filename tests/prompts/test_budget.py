"""The budget: never passed, whatever threads do, whatever requests cost, and however runs end."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from labelkit.errors import BudgetError
from labelkit.labeling.prompts.budget import Budget, Spending, at_most, size_of
from labelkit.labeling.prompts.journal import Journal
from labelkit.settings import PromptSection


def limits(**more: object) -> PromptSection:
    """Settings with these limits, and prices."""
    return PromptSection.model_validate({"base_url": "http://x", "price_in": 1.0, "price_out": 2.0, **more})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), most=st.integers(1, 30), tokens=st.integers(0, 3000))
def test_threads_together_never_pass_a_limit(tmp_path: Path, seed: int, most: int, tokens: int) -> None:
    """At no moment is more under way and spent than the limits allow, in this run and the next."""
    ledger = tmp_path / f"{seed}-{most}-{tokens}.jsonl"
    section = limits(budget_requests=most, budget_tokens=tokens)
    total = Spending()
    for run in range(2):
        budget = Budget(section, ledger)
        assert budget.before == total

        def work(number: int, budget: Budget = budget) -> None:
            rng = random.Random(number)
            try:
                while True:
                    cost = Spending(1, rng.randrange(200), rng.randrange(50), 0.0)
                    bound = Spending(1, 200, 50, 0.0)
                    reserved = budget.reserve(bound)
                    time.sleep(rng.random() / 1000)
                    budget.settle(reserved, bound, cost)
            except BudgetError:
                return

        threads = [threading.Thread(target=work, args=(seed + 10 * run + i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        budget.close()
        total += budget.spent
        assert total.requests <= most
        assert total.tokens <= tokens


def test_a_request_that_nobody_settled_counts_in_full(tmp_path: Path) -> None:
    """A process that was killed may have spent all that it had set aside."""
    section, most = limits(budget_requests=2), Spending(1, 100, 10, 0.5)
    first = Budget(section, tmp_path / "ledger.jsonl")
    first.reserve(most)
    number = first.reserve(most)
    first.settle(number, most, Spending(1, 5, 1, 0.1))
    later = Budget(section, tmp_path / "ledger.jsonl")
    assert later.before == Spending(2, 105, 11, 0.6)
    with pytest.raises(BudgetError, match="2 requests spent"):
        later.reserve(most)


def test_who_waits_for_others_gets_what_they_did_not_need() -> None:
    """A reservation that does not fit beside those under way waits until they are settled."""
    budget, most = Budget(limits(budget_tokens=150)), Spending(1, 100, 0, 0.0)
    number = budget.reserve(most)
    waited = threading.Thread(target=budget.reserve, args=(most,))
    waited.start()
    time.sleep(0.05)
    assert waited.is_alive()
    budget.settle(number, most, Spending(1, 10, 0, 0.0))
    waited.join(5)
    assert not waited.is_alive()


@settings(deadline=None)
@given(st.text(), st.text())
def test_what_is_set_aside_is_at_least_a_token_a_byte(system: str, question: str) -> None:
    """And the prices of it."""
    request = {"messages": [{"content": system}, {"content": question}]}
    bound = at_most(limits(), request, 7)
    assert bound.tokens_in >= size_of(request) >= len(system) + len(question)
    assert bound.cost == pytest.approx((bound.tokens_in + 14) / 1_000_000)


@pytest.mark.parametrize("strange", [None, [], ["open"], ["open", 3, [1]], ["spent", "x", ["a"]], {"open": 1}, 7])
def test_a_ledger_of_strange_values_is_read_all_the_same(tmp_path: Path, strange: object) -> None:
    """What is no entry counts for nothing; those that are count."""
    journal = Journal(tmp_path / "ledger.jsonl")
    journal.append(strange)
    journal.append(["spent", "a", [1, 2, 3, 0.5]])
    journal.close()
    assert Budget(limits(), tmp_path / "ledger.jsonl").before == Spending(1, 2, 3, 0.5)


def test_a_line_that_is_deep_beyond_reason_is_none(tmp_path: Path) -> None:
    """Whoever wrote it knew how to hash, but it was not us."""
    body = b"[" * 100_000
    line = hashlib.sha256(body).hexdigest()[:16].encode() + b" " + body + b"\n"
    (tmp_path / "j.jsonl").write_bytes(line)
    assert not list(Journal(tmp_path / "j.jsonl").values())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text() | st.integers(), max_size=5), st.data())
def test_a_damaged_journal_gives_whole_values_and_takes_more(
    tmp_path_factory: pytest.TempPathFactory, values: list[object], data: st.DataObject
) -> None:
    """Cut anywhere, it still holds the values before the cut, and new ones behind it."""
    path = tmp_path_factory.mktemp("journal") / "j.jsonl"
    journal = Journal(path)
    for value in values:
        journal.append(value)
    journal.close()
    content = path.read_bytes() if path.exists() else b""
    kept = content[: data.draw(st.integers(0, len(content)))]
    path.write_bytes(kept)
    whole = values[: kept.count(b"\n")]
    found = list(Journal(path).values())
    assert found in (whole, values[: len(whole) + 1])  # a last line may lack nothing but its end
    journal = Journal(path)
    journal.append("more")
    journal.close()
    assert list(Journal(path).values()) == [*found, "more"]
