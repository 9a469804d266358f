"""A whole project on one page: data, functions, labels, people, the gate and the runs.

Pure functions from values to text: `labelkit.pipeline.report` gathers the values.
"""

from labelkit.reports.overview.content import Overview
from labelkit.reports.overview.page import overview_html

__all__ = ["Overview", "overview_html"]
