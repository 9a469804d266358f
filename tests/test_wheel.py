"""The wheel, outside the clone."""

from __future__ import annotations

import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this clone, built from its source distribution as an index would."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_alone(wheel: Path) -> None:
    """No tests, no demo data, no settings of a machine; the template of `init` and the type marker are in it."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert all(name.startswith(("labelkit/", "labelkit-")) for name in names)
    assert "labelkit/py.typed" in names
    assert "labelkit/pipeline/template/dot-gitignore" in names
    assert not any("__pycache__" in name for name in names)


def in_environment(python: Path, folder: Path, *arguments: str) -> str:
    """Run a module in another environment, far from the clone, and return what it prints."""
    done = subprocess.run([python, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_init_and_apply(python: Path, folder: Path) -> None:
    """`init` and `apply` run from the installed wheel."""
    where = in_environment(python, folder, "-c", "import labelkit; print(labelkit.__file__)").strip()
    assert not Path(where).is_relative_to(ROOT)
    in_environment(python, folder, "-m", "labelkit", "init", "new")
    assert "links" in in_environment(python, folder / "new", "-m", "labelkit", "apply")
    assert in_environment(python, folder / "new", "-m", "labelkit", "validate").startswith("PASS")


@pytest.mark.slow
def test_the_installed_wheel_runs(wheel: Path, tmp_path: Path) -> None:
    """Installed into a new environment that borrows only the dependencies, the wheel runs the loop."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], check=True)
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()))
    check_init_and_apply(python, tmp_path)


@pytest.mark.slow
def test_the_wheel_installs_into_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """pip, the wheel and the constraints are all that a new environment needs."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*install, "torch==2.13.0"], check=True)
    subprocess.run([*install, str(wheel)], check=True)
    check_init_and_apply(python, tmp_path)
