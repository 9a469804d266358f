"""The page in a real Chromium: a link opens it, a key answers, the store has it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from labelkit.annotations import Annotation, AnnotationStore
from web_pages import Serving, opened, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def stored(serving: Serving) -> list[Annotation]:
    """Everything in the store."""
    return AnnotationStore.open(serving.made.project.folder.store_url).history()


def press(page: Page, key: str) -> None:
    """Press a key the way people do: not within a tenth of a second after a record has appeared."""
    time.sleep(0.3)
    page.keyboard.press(key)


def shown(page: Page) -> str:
    """Id of the record on the page."""
    return page.inner_text("#name")


def saved(page: Page) -> None:
    """Wait until everything said is stored."""
    until(lambda: page.evaluate("page.outbox.size") == 0)


def test_one_key_answers_and_the_next_record_is_there(serve: Callable[..., Serving], context: BrowserContext) -> None:
    """The link lets in once, a key stores its class under the person's name, and the next record follows."""
    serving = serve()
    page = opened(context, serving.links["ana"])
    assert page.url == serving.origin + "/"
    first = shown(page)
    until(lambda: page.evaluate("page.hand.length") == 2)
    press(page, "2")
    assert shown(page) != first
    saved(page)
    (entry,) = stored(serving)
    assert (entry.record, entry.label, entry.annotator, entry.strategy) == (first, "spam", "ana", "random")
    assert serving.end() == 0
