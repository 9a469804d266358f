"""Fixtures for the annotate page in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from chromium import chromium
from projects import Made, MakeProject

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

    from web_pages import Serving


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this process; to it evil.test is this machine."""
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP evil.test 127.0.0.1"]
    path = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=flags)
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of somebody: its own cookies and storage."""
    made = browser.new_context(viewport={"width": 1280, "height": 800})
    yield made
    made.close()


@pytest.fixture
def serve(make_project: MakeProject) -> Iterator[Callable[..., Serving]]:
    """A function that applies a project and serves its page in a process of its own."""
    from web_pages import Serving

    started: list[Serving] = []

    def start(
        *more: str,
        people: str = "ana",
        toml: str = "",
        before: Callable[[Made], object] = lambda made: None,
        **project: Any,
    ) -> Serving:
        annotate = f"[annotate]\nstrategy = 'random'\nretrain = false\n{toml}"
        made = make_project(toml=f"[model]\nname = 'majority'\n{annotate}", **project)
        made.project.apply()
        before(made)
        serving = Serving(made, people)
        started.append(serving)
        return serving.start(*more)

    yield start
    for serving in started:
        serving.kill()
