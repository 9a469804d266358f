"""A verdict as others read it: HTML, JSON, JUnit, Markdown, GitHub annotations. Pure functions from verdict to text.

    verdict = labelkit.Project(".").validate()
    Path("report.html").write_text(reports.html(verdict), encoding="utf-8")

Whatever stands in records, labels or suites is text in every one of them: it can neither run nor steer a reader.
"""

from labelkit.reports.annotations import github
from labelkit.reports.background import BINS, NOTHING, Background, Check, Since, continued
from labelkit.reports.document import SCHEMA, to_json
from labelkit.reports.junit import junit
from labelkit.reports.markdown import markdown
from labelkit.reports.page import html

__all__ = [
    "BINS",
    "NOTHING",
    "SCHEMA",
    "Background",
    "Check",
    "Since",
    "continued",
    "github",
    "html",
    "junit",
    "markdown",
    "to_json",
]
