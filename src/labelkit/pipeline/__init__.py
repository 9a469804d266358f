"""One file per verb; `Project` is the door to all of them."""

from labelkit.pipeline.project import Project

__all__ = ["Project"]
