"""The server of the annotate page as a process of its own, and its page in a browser."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, Page

from projects import Made
from waiting import until


@dataclass
class Serving:
    """`labelkit annotate --web` in a project, to be killed and started again."""

    made: Made
    people: str = "ana"
    port: int = 0
    links: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def start(self, *more: str) -> Serving:
        """Start it at the same port as before, and wait until it can be reached."""
        options = ["--web", "--annotator", self.people, "--port", str(self.port), *more]
        command = [sys.executable, "-m", "labelkit", "annotate", *options]
        self.process = subprocess.Popen(command, cwd=self.made.root, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = "".join(self.process.stdout.readline() for _ in self.people.split(","))
        self.links = dict(re.findall(r"^(.+): (http\S+)$", said, flags=re.MULTILINE))
        assert len(self.links) == len(self.people.split(",")), said
        self.port = int(next(iter(self.links.values())).split(":")[2].split("/")[0])
        return self

    @property
    def origin(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}"

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it and give its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.communicate(timeout=30)
        return self.process.returncode

    def kill(self) -> None:
        """End it as kill -9 does, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def opened(context: BrowserContext, link: str) -> Page:
    """The page of a link, with a record on it."""
    page = context.new_page()
    page.goto(link)
    page.wait_for_selector("#record section")
    return page


def press(page: Page, key: str) -> None:
    """Press a key when the page is ready for it, the way people do: never at the instant a record appears."""
    time.sleep(0.3)
    page.keyboard.press(key)


def shown(page: Page) -> str:
    """Id of the record on the page."""
    return page.inner_text("#name")


def saved(page: Page) -> None:
    """Wait until everything said is stored and the following record is there."""
    until(lambda: page.evaluate("page.outbox.size") == 0)


def ready(page: Page) -> None:
    """Wait until two records are there."""
    until(lambda: page.evaluate("page.hand.length") == 2)


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => { for (let e = element; e; e = e.parentElement) {
    const color = rgb(getComputedStyle(e).backgroundColor); if (color[3] > 250) return color; }
    return [255, 255, 255]; };
  const shown = (e) => e.getClientRects().length && !e.closest('dialog:not([open])') && !e.disabled;
  return [...document.querySelectorAll('body *')].filter((e) => shown(e) && getComputedStyle(e).visibility !== 'hidden')
    .filter((e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((e) => { const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
      return [e.id || e.className || e.localName, e.textContent.slice(0, 20), (a + 0.05) / (b + 0.05)]; })
    .filter(([, , ratio]) => ratio < 4.5);
}"""
"""Texts of a page whose contrast with their ground is below 4.5 (WCAG 2.2, 1.4.3)."""
