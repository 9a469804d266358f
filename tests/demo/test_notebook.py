"""The notebook among the examples runs from its first cell to its last, and shows tables and a plot."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest

WINE = Path(__file__).resolve().parents[2] / "examples" / "wine"


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    """Every cell runs; functions, queue and curve show as HTML; the gate says what it found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nbclient
        import nbformat

    made = shutil.ignore_patterns("data", ".labelkit", "labels.parquet", "__pycache__", ".ipynb_checkpoints")
    shutil.copytree(WINE, tmp_path / "wine", ignore=made)
    notebook = nbformat.read(WINE / "wine.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path / "wine")}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = [output.data for output in outputs if "data" in output]
    html = [data["text/html"] for data in shown if "text/html" in data]
    assert sum("<table" in text for text in html) >= 2
    assert any("<svg" in text or "<img" in text for text in html)
    assert not [output for output in outputs if output.output_type == "error"]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "expectations" in printed
