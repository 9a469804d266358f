"""`python -m labelkit` is `labelkit`."""

from labelkit.cli import run

run()
