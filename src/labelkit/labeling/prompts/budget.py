"""What asking may cost: requests, tokens and money, each a limit that is never passed.

Before a request its cost at most is reserved, in memory and in the ledger; after it, what it did cost takes that
place. A request whose end nobody saw (a killed process, a cut connection) counts in full. Tokens of a question are at
most its bytes in UTF-8, since no tokenizer makes more tokens than bytes; an answer's are what the request allows.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelkit.errors import BudgetError
from labelkit.labeling.prompts.journal import Journal
from labelkit.settings import PromptSection

AROUND = 32  # tokens that an endpoint may put around a message
BYTES_A_TOKEN = 4  # of English text, on average


@dataclass(frozen=True)
class Spending:
    """Requests, tokens (in and out) and money."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0  # in the currency of the prices

    def __add__(self, other: Spending) -> Spending:
        return Spending(
            self.requests + other.requests,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.cost + other.cost,
        )

    def __sub__(self, other: Spending) -> Spending:
        return self + Spending(-other.requests, -other.tokens_in, -other.tokens_out, -other.cost)

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.tokens_in + self.tokens_out

    def to_json(self) -> list[Any]:
        """As the ledger keeps it."""
        return [self.requests, self.tokens_in, self.tokens_out, self.cost]

    def __str__(self) -> str:
        money = f", {self.cost:,.4f} in money" if self.cost else ""
        return f"{self.requests:,} requests, {self.tokens:,} tokens{money}"


def priced(settings: PromptSection, requests: int, tokens_in: int, tokens_out: int) -> Spending:
    """What so many tokens cost, at the prices per million."""
    cost = (tokens_in * settings.price_in + tokens_out * settings.price_out) / 1_000_000
    return Spending(requests, tokens_in, tokens_out, cost)


def size_of(request: Mapping[str, Any]) -> int:
    """Bytes of a request's messages in UTF-8."""
    return sum(len(message["content"].encode("utf-8", "replace")) for message in request["messages"])


def at_most(settings: PromptSection, request: Mapping[str, Any], longest_answer: int) -> Spending:
    """What one request can cost."""
    return priced(settings, 1, size_of(request) + AROUND * len(request["messages"]), longest_answer)


def about(settings: PromptSection, request: Mapping[str, Any], longest_answer: int) -> Spending:
    """What one request will cost, more or less: four bytes a token, and an answer of full length."""
    tokens = -(-size_of(request) // BYTES_A_TOKEN) + AROUND // 4 * len(request["messages"])
    return priced(settings, 1, tokens, longest_answer)


class Budget:
    """The limits of `[prompt]` and what of them is left. Threads share it."""

    def __init__(self, settings: PromptSection, ledger: Path | None = None) -> None:
        self._settings = settings
        self._journal = Journal(ledger)
        self._changed = threading.Condition()
        self._reserved = Spending()  # by requests under way
        self._closed = False
        self.before = _spent(self._journal)  # in earlier runs
        self.spent = Spending()  # in this one

    def reserve(self, most: Spending) -> str:
        """Set aside what a request can cost; the number under which it is settled.

        Waits while requests under way hold what it needs. Raises BudgetError when it does not fit.
        """
        with self._changed:
            while (limit := self._passed(most)) and self._reserved.requests and not self._closed:
                self._changed.wait(1.0)
            if limit or self._closed:
                raise BudgetError(limit or "stopped")
            number = secrets.token_hex(8)
            self._journal.append(["open", number, most.to_json()])
            self._reserved += most
            return number

    def settle(self, number: str, most: Spending, cost: Spending) -> None:
        """A request is over, and cost this."""
        with self._changed:
            self._journal.append(["spent", number, cost.to_json()])
            self._reserved -= most
            self.spent += cost
            self._changed.notify_all()

    def stop(self) -> None:
        """Let nobody begin another request."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def close(self) -> None:
        """Bring the ledger to disk."""
        self._journal.close()

    def fits(self, more: Spending) -> str:
        """Which limit `more` would pass, in words; "" for none."""
        with self._changed:
            name, limit, spent, wanted = self._short(more)
        return f"[prompt] {name} = {limit}: {spent} spent, and this takes about {wanted} more" if name else ""

    def _passed(self, more: Spending) -> str:
        name, limit, spent, _ = self._short(more)
        return f"[prompt] {name} = {limit} is used up: {spent} spent, and the next request may pass it" if name else ""

    def _short(self, more: Spending) -> tuple[str, str, str, str]:
        """The first limit that would be passed, what it is, what is spent of it, and what is wanted; "" for none."""
        had, limits = self.before + self.spent, self._settings
        total = had + self._reserved + more
        if limits.budget_requests is not None and total.requests > limits.budget_requests:
            return "budget_requests", f"{limits.budget_requests:,}", f"{had.requests:,} requests", f"{more.requests:,}"
        if limits.budget_tokens is not None and total.tokens > limits.budget_tokens:
            return "budget_tokens", f"{limits.budget_tokens:,}", f"{had.tokens:,} tokens", f"{more.tokens:,}"
        if limits.budget_cost is not None and total.cost > limits.budget_cost:
            return "budget_cost", f"{limits.budget_cost:,}", f"{had.cost:,.4f}", f"{more.cost:,.4f}"
        return "", "", "", ""


def _spent(journal: Journal) -> Spending:
    """All that the ledger knows of; what was never settled counts in full."""
    known: dict[str, Spending] = {}
    for value in journal.values():
        match value:
            case [
                "open" | "spent",
                str(number),
                [int(requests), int(tokens_in), int(tokens_out), int() | float() as cost],
            ]:
                known[number] = Spending(requests, tokens_in, tokens_out, cost)
    return sum(known.values(), Spending())
