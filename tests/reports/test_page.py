"""The HTML page: made of our own elements alone, whatever the text, and nothing in it runs in a real browser."""

from __future__ import annotations

import base64
import hashlib
import html as html_text
import re
from pathlib import Path

import pytest

from browsing import opened, skeleton
from labelkit import reports
from labelkit.validation import Verdict
from report_samples import BACKGROUND, VERDICT, everywhere, hostile_texts


def test_hostile_text_adds_no_element_and_no_attribute() -> None:
    """225 payloads in every field give, element for element, the page of harmless words."""
    hostile = reports.html(*everywhere(hostile_texts()))
    harmless = reports.html(*everywhere([f"word {i}" for i in range(len(hostile_texts()))]))
    assert skeleton(hostile) == skeleton(harmless)
    assert not {tag for tag, *_ in skeleton(hostile)} & {"script", "iframe", "object", "img", "link", "base", "form"}


def test_the_policy_allows_the_one_style_and_nothing_else() -> None:
    """The hash in the policy is that of the style sheet in the page; no other source is named."""
    page = reports.html(VERDICT, BACKGROUND)
    policy = html_text.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', page)[0])
    (style,) = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_the_page_refers_to_nothing_outside() -> None:
    """No address, no script, no inline style: the file is all there is."""
    page = reports.html(VERDICT, BACKGROUND)
    assert "://" not in page
    assert not re.search(r"""\s(on\w+|style|src|action)=""", page)
    assert set(re.findall(r'href="(.)', page)) == {"#"}
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(ids)


def test_the_page_says_what_failed_where_since_when_and_what_to_do() -> None:
    """What a reader looks for stands there in words."""
    text = re.sub(r"\s+", " ", html_text.unescape(re.sub(r"<[^>]+>", " ", reports.html(VERDICT, BACKGROUND))))
    for said in (
        "Blocked: do not train on these labels",
        "2 could not be evaluated, 2 failed, 1 had nothing to check, 1 passed of 6 expectations",
        "every label is a class of the project",
        "7 of 1,200 values not as expected",
        'Expected value_set ["ham", "spam"]',
        "c12",
        "2026-11-18 09:00 UTC, 2 checks in a row",
        "A class name with a typo; run labelkit apply .",
        "checked 2026-11-19 06:54 UTC",
        "(no label) 93 7.8 %",
    ):
        assert said in text, said


def test_a_page_without_background_leaves_the_plots_out() -> None:
    """A bare verdict makes a page too."""
    page = reports.html(VERDICT)
    assert "<figure" not in page
    assert "every label is a class of the project" in page
    assert "Passed: training may run" in reports.html(Verdict(VERDICT.outcomes[:1]))


@pytest.mark.slow
@pytest.mark.browser
def test_nothing_from_data_runs_in_chromium(tmp_path: Path, visits: tuple[int, list[str]]) -> None:
    """225 payloads in every field: none runs, none fetches anything, and the page is the one that was written."""
    port, asked = visits
    verdict, background = everywhere(hostile_texts(port))
    seen = opened(reports.html(verdict, background), tmp_path)
    assert "<title>Blocked · " in seen
    assert 'id="PWNED"' not in seen
    assert asked == []
    assert seen.count("<script") == 0
    assert seen.count('<article class="problem') == reports.html(verdict, background).count('<article class="problem')


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("guarded", [False, True], ids=["bare", "with the policy"])
def test_the_payloads_do_run_where_nothing_stops_them(
    tmp_path: Path, visits: tuple[int, list[str]], guarded: bool
) -> None:
    """The same texts, unescaped: a bare page runs them and asks for files; the policy alone stops all of it."""
    port, asked = visits
    policy = re.findall(r"<meta http-equiv[^>]*>", reports.html(VERDICT))[0] if guarded else ""
    texts = [text for text in hostile_texts(port) if "http-equiv=refresh" not in text and "<base" not in text]
    seen = opened(
        f"<!DOCTYPE html><html><head>{policy}<title>calm</title></head><body>{' '.join(texts)}</body></html>", tmp_path
    )
    assert ("<title>calm</title>" in seen) is guarded
    assert (asked == []) is guarded
