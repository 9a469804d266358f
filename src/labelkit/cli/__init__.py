"""The command line. A command is parse, one call of the pipeline, print; no heavy library is loaded before that."""

from labelkit.cli.main import run

__all__ = ["run"]
