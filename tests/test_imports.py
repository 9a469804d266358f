"""What is loaded when, and that every public name is there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import labelkit as lk

HEAVY = {
    "great_expectations", "jinja2", "modAL", "numpy", "pandas", "pyarrow", "pydantic", "re2", "rich", "scipy", "skorch",
    "sklearn", "snorkel", "sqlalchemy", "torch",
}  # fmt: skip


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after the code."""
    report = "\nimport json, sys; print('\\n' + json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_labelkit_loads_the_standard_library_only() -> None:
    """`import labelkit` loads nothing but the standard library."""
    added = loaded_by("import labelkit") - loaded_by("") - {"labelkit"}
    assert added <= set(sys.stdlib_module_names), added - set(sys.stdlib_module_names)


@pytest.mark.parametrize("arguments", [["--help"], ["apply", "--help"], ["annotate", "--help"], ["--version"]])
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    """`labelkit --help` answers before anything heavy is loaded."""
    code = (
        f"import sys; sys.argv[1:] = {arguments!r}\nfrom labelkit.cli import run\ntry: run()\nexcept SystemExit: pass"
    )
    assert not loaded_by(code) & HEAVY


def test_casting_votes_loads_no_library_of_the_other_verbs() -> None:
    """Casting votes needs none of the libraries of the other verbs. (pyarrow itself looks for pandas.)"""
    code = (
        "import labelkit as lk, pyarrow as pa\n"
        "lk.apply_lfs([lk.rules.pattern('a', 'a', field='text', label=1)], pa.table({'id': ['1'], 'text': ['a']}))"
    )
    assert not loaded_by(code) & {"great_expectations", "sklearn", "modAL", "sqlalchemy", "snorkel", "torch"}


@pytest.mark.parametrize("name", lk.__all__)
def test_every_public_name_resolves(name: str) -> None:
    """Every name in `__all__` can be had, and says what it is."""
    value = getattr(lk, name)
    assert name in dir(lk)
    assert isinstance(value, int) or value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails like that of any module."""
    with pytest.raises(AttributeError, match="no attribute 'aply'"):
        _ = lk.aply
