"""The page of a project: everything on it, made of our own elements alone, and nothing in it runs in a real browser."""

from __future__ import annotations

import html as html_text
import json
import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from browsing import opened, skeleton
from labelkit.reports.overview import Overview, overview_html
from labelkit.reports.overview.content import RunLine, Share, Spread
from labelkit.reports.overview.graph import LEFT, ROW, graph
from labelkit.reports.overview.pictures import covered, place, round_values, spread_ticks, whisker, widest_first
from overview_samples import APPLY, FUNCTIONS, OVERVIEW, crowded, everywhere
from projects import Made, write_csv
from report_samples import hostile_texts
from suite_files import IN_SET, check, suite_content

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GOLDEN = Path(__file__).parent / "golden" / "overview.txt"
PAYLOADS = len(hostile_texts())


class Words(HTMLParser):
    """What a reader sees, and what a screen reader says of the pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag in {"style", "head"} or (self._silent and tag in {"meta", "title"})
        self.said += [f"[{value}]" for name, value in attrs if name == "aria-label" and value]
        if tag in {"p", "tr", "li", "h1", "h2", "figcaption", "section", "text"}:
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(data)


def words(page: str) -> str:
    """The page as lines of text."""
    parser = Words()
    parser.feed(page)
    lines = [" ".join(line.split()) for line in " ".join(parser.said).split("\n")]
    return "\n".join(line for line in lines if line) + "\n"


def test_the_page_says_what_it_shows() -> None:
    """Every part in words, as a reader without pictures has it."""
    assert words(overview_html(OVERVIEW)) == GOLDEN.read_text(encoding="utf-8")


def test_hostile_text_adds_no_element_and_no_attribute() -> None:
    """Payloads in every field give, element for element, the page of harmless words."""
    hostile = overview_html(everywhere(hostile_texts()))
    harmless = overview_html(everywhere([f"word {i}" for i in range(PAYLOADS)]))
    assert skeleton(hostile) == skeleton(harmless)
    assert not {tag for tag, *_ in skeleton(hostile)} & {"script", "iframe", "object", "img", "link", "base", "form"}


def test_the_page_refers_to_nothing_outside() -> None:
    """No address, no script, no inline style: the file is all there is."""
    page = overview_html(OVERVIEW)
    assert "://" not in page
    assert not re.search(r"""\s(on\w+|style|src|action)=""", page)
    assert set(re.findall(r'href="(.)', page)) == {"#"}
    assert page.index("Content-Security-Policy") < page.index("<style>")
    assert "default-src 'none'" in html_text.unescape(page)


@pytest.mark.parametrize("part", ["data", "labels", "calibration", "curve", "asking", "people", "gate"])
def test_a_part_that_is_missing_is_left_out(part: str) -> None:
    """Each part can be missing alone; what would bring it is said at the end where labelkit knows."""
    without: dict[str, Any] = {part: None}
    page = overview_html(replace(OVERVIEW, **without))
    assert overview_html(OVERVIEW) != page
    assert ("Not on this page yet" in page) is (part != "data")


def test_nothing_at_all_is_a_page_too() -> None:
    """A project without anything has a page that says so."""
    page = overview_html(Overview("comments", ("ham", "spam")))
    assert "Nothing here yet." in page
    assert "<figure" not in page


def test_many_functions_unfold() -> None:
    """Beyond forty, functions are there but folded away."""
    many = tuple(replace(FUNCTIONS[0], name=f"f{i}") for i in range(100))
    page = overview_html(replace(OVERVIEW, functions=many))
    assert "60 more functions" in page
    assert page.index(">f39<") < page.index("<details>") < page.index(">f40<")


def test_the_functions_that_cover_most_are_shown() -> None:
    """What unfolds is what covers least, whichever class it is for; the order by class stays."""
    many = [replace(FUNCTIONS[0], name=f"f{i}", classes=(i // 50,), coverage=i % 50 / 100) for i in range(100)]
    shown, others = widest_first(many)
    assert (len(shown), len(others)) == (40, 60)
    assert min(function.coverage for function in shown) >= max(function.coverage for function in others)
    assert {function.classes for function in shown} == {(0,), (1,)}
    assert shown == sorted(shown, key=many.index)


def test_every_field_reaches_the_page() -> None:
    """No part is gathered for nothing."""
    whole = overview_html(OVERVIEW)
    for field in fields(Overview):
        empty: Any = {"str": "", "int": 0}.get(str(field.type), None if "None" in str(field.type) else ())
        if field.name != "classes":
            without = {field.name: empty}
            assert overview_html(replace(OVERVIEW, **without)) != whole, field.name


def test_bars_and_whiskers_stay_in_their_frame() -> None:
    """A bar's parts add up to the coverage, and an interval holds its value."""
    parts = covered(FUNCTIONS[1], 0.31)
    assert sum(part.size for part in parts) == pytest.approx(100 * 0.24 / 0.31, abs=0.05)
    at = whisker(Share(9, 10))
    assert 0 <= at.low < at.at < at.high <= 100


def test_axes_have_round_marks_inside() -> None:
    """Marks of numbers are round and lie within the axis, also for odd ranges."""
    for low, high in ((0.0, 1.0), (-3.7, 12.2), (1e-7, 3e-7), (0, 1e12), (5, 5)):
        values = round_values(low, high, 4)
        assert values
        assert all(low <= value <= high * 1.0001 or low == high for value in values)
    spread = Spread("price", "", -2.0, 8.0, False, ())
    assert [tick.text for tick in spread_ticks(spread)] == ["-2", "0", "2", "4", "6", "8"]
    assert place(spread, 1e9) == 100


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 100), st.integers(1, 8))
def test_marks_are_few_in_order_and_inside(low: float, span: float, about: int) -> None:
    """Whatever the range, an axis has some marks, about as many as asked for, none twice and none outside."""
    high = low + span * max(abs(low), 1)
    values = round_values(low, high, about)
    assert values == sorted(set(values))
    assert 1 <= len(values) <= 2 * about + 3
    slack = 1e-9 * max(abs(low), abs(high), 1)
    assert all(low - slack <= value <= high + slack for value in values)


@given(st.floats(allow_nan=False), st.floats(-1e9, 1e9), st.floats(0, 1e9), st.booleans())
def test_no_value_leaves_its_picture(value: float, low: float, span: float, logarithmic: bool) -> None:
    """Any value has a place on any axis."""
    axis = Spread("price", "", low, low + span, logarithmic, ())
    assert 0 <= place(axis, value) <= 100


@given(st.lists(st.tuples(st.sampled_from(["apply", "annotate", "validate", "train", "init", "x"]), st.integers(0, 9))))
def test_any_history_is_a_graph(runs: list[tuple[str, int]]) -> None:
    """Dots lie in the picture and paths are made of numbers alone, whoever stands on whom."""
    lines = [RunLine(str(i), verb, "", "", None, "", (), (str(parent),)) for i, (verb, parent) in enumerate(runs)]
    drawn = graph(lines)
    assert all(0 < node.x < drawn.width and 0 < node.y < drawn.height for node in drawn.nodes)
    assert all(re.fullmatch(r"[MCQV0-9 ]+", edge) for edge in drawn.edges)
    assert len(drawn.edges) == sum(i < parent < len(runs) for i, (_, parent) in enumerate(runs))


def test_the_graph_has_a_dot_per_run_and_an_edge_per_parent() -> None:
    """Edges lead down to runs that are shown; one that is not shown has none."""
    drawn = graph(OVERVIEW.runs)
    assert (len(drawn.nodes), len(drawn.edges), drawn.height) == (3, 2, 3 * ROW)
    assert [node.current for node in drawn.nodes] == [run.id == APPLY for run in OVERVIEW.runs]
    assert graph(OVERVIEW.runs[:1]).edges == ()
    assert graph(()).width == 2 * LEFT


@pytest.mark.slow
@pytest.mark.browser
def test_nothing_from_data_runs_in_chromium(tmp_path: Path, visits: tuple[int, list[str]]) -> None:
    """Payloads in every field: none runs, none fetches anything, and the page is the one that was written."""
    port, asked = visits
    page = overview_html(everywhere(hostile_texts(port)))
    seen = opened(page, tmp_path)
    assert " · labelkit report</title>" in seen
    assert 'id="PWNED"' not in seen
    assert asked == []
    assert seen.count("<script") == 0
    assert seen.count("<section") == page.count("<section")


NAMES = {
    "project": "<script>JS</script>",
    "ham": """'"><img src=x onerror="JS">""",
    "spam": "</style><svg onload=JS>",
    "column": "</title><script>JS</script>",
    "split": "<details open ontoggle=JS>",
    "person": "<iframe srcdoc='<script>JS</script>'></iframe>",
    "suite": "<style>@import 'http://127.0.0.1:PORT/pwned'</style>",
    "function": "<meta http-equiv=refresh content='0;url=http://127.0.0.1:PORT/pwned'>",
    "record": "<base href=http://127.0.0.1:PORT/>",
}
RUN_ME = "document.title='PWNED';document.body.id='PWNED';new Image().src='http://127.0.0.1:PORT/pwned'"


@pytest.mark.slow
@pytest.mark.browser
def test_nothing_of_a_hostile_project_runs(tmp_path: Path, visits: tuple[int, list[str]]) -> None:
    """Markup in every name that a person can give, through all verbs: `labelkit report` shows it as text."""
    port, asked = visits
    evil = {name: text.replace("JS", RUN_ME).replace("PORT", str(port)) for name, text in NAMES.items()}
    made = hostile_project(tmp_path / "project", evil)
    made.run("apply")
    for row in range(12):
        made.project.answer(f"{row} {evil['record']}", evil["ham"], annotator=evil["person"])
        made.project.answer(f"{row} {evil['record']}", evil["spam"] if row % 3 else evil["ham"], annotator="ben")
    made.run("apply")
    made.run("validate", code=1)
    made.run("report")
    page = (made.root / "report.html").read_text(encoding="utf-8")
    for name in set(evil) - {"record"}:
        assert html_text.escape(evil[name][:12]) in page.replace("&#34;", "&quot;").replace("&#39;", "&#x27;"), name
    seen = opened(page, tmp_path)
    assert "PWNED</title>" not in seen
    assert 'id="PWNED"' not in seen
    assert asked == []
    assert not {tag for tag, *_ in skeleton(seen)} & {"script", "iframe", "object", "img", "link", "base"}


def hostile_project(root: Path, evil: dict[str, str]) -> Made:
    """A project in which every name that a person can give is markup."""
    made = Made(root)
    rows = [
        {
            "id": f"{i} {evil['record']}",
            evil["column"]: f"{'win' if i % 2 else 'song'} {i}",
            "gold": evil["spam" if i % 2 else "ham"],
            "split": evil["split"] if i % 3 else "train",
        }
        for i in range(60)
    ]
    write_csv(root / "data.csv", rows)
    words = {name: json.dumps(text) for name, text in evil.items()}
    made.write(
        "labelkit.toml",
        f"[project]\nname = {words['project']}\nclasses = [{words['ham']}, {words['spam']}]\n"
        f'[data]\npath = "data.csv"\nfields = [{words["column"]}]\ngold = "gold"\nsplit = "split"\n'
        '[model]\nname = "majority"\n[annotate]\noverlap = 2\n',
    )
    rule = "import labelkit as lk\n" + "".join(
        f"f{c} = lk.rules.keywords({name}, [{word!r}], field={words['column']}, label={c})\n"
        for c, (name, word) in enumerate(((words["function"], "song"), ('"plain"', "win")))
    )
    made.write("labeling_functions/first.py", rule)
    never = check(IN_SET, column="label", value_set=["x"], description=evil["suite"], notes=evil["project"])
    content = suite_content(never, table="labels", name=evil["suite"])
    made.write("expectations/labels.json", json.dumps(content))
    return made


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 375, 600, 768, 1024, 1600])
@pytest.mark.parametrize(
    "shown", [OVERVIEW, crowded(), Overview("comments", ("ham", "spam"))], ids=["all", "many", "none"]
)
def test_the_page_fits_every_screen(browser: Browser, tmp_path: Path, width: int, shown: Overview) -> None:
    """Nothing sticks out at any width, no text is wider than its box, and the browser has nothing to complain about."""
    file = tmp_path / "page.html"
    file.write_text(overview_html(shown), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sticking_out = page.evaluate(
        """() => [...document.querySelectorAll('figure, .top, table, td, th, li, h1, figcaption')]
             .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert sticking_out == []
    assert said == []
    page.close()
