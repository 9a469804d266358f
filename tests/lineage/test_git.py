"""What git knows of a project is read from its objects, and nothing of the repository is run for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelkit.errors import UsageError
from labelkit.lineage import GitState, files_at, git_state
from repositories import commit_all, git

PATHS = ("labelkit.toml", "labeling_functions")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in a folder of a repository, all of it committed."""
    made = tmp_path / "repository" / "project"
    (made / "labeling_functions" / "more").mkdir(parents=True)
    (made / "labelkit.toml").write_text("[project]\n")
    (made / "labeling_functions" / "first.py").write_text("one\n")
    (made / "labeling_functions" / "more" / "wörter.txt").write_text("two\r\n")
    (made.parent / "other.txt").write_text("beside the project")
    commit_all(made.parent)
    return made


def test_a_committed_project_is_clean(root: Path) -> None:
    """Nothing differs after a commit, whatever else the repository holds."""
    commit = git(root, "rev-parse", "HEAD")
    (root.parent / "other.txt").write_text("changed")
    (root / "labels.parquet").write_text("not code")
    (root / "labeling_functions" / "__pycache__").mkdir()
    (root / "labeling_functions" / "__pycache__" / "first.pyc").write_text("compiled")
    assert git_state(root, PATHS) == GitState(commit, ())


def test_every_change_since_the_commit_is_named(root: Path) -> None:
    """Changed, added and removed files are named, staged or not."""
    (root / "labeling_functions" / "first.py").write_text("another\n")
    (root / "labeling_functions" / "second.py").write_text("new\n")
    (root / "labeling_functions" / "more" / "wörter.txt").unlink()
    (root / "labelkit.toml").write_text("[project]\n# more\n")
    git(root, "add", "labelkit.toml")
    state = git_state(root, PATHS)
    assert state is not None
    folder = "labeling_functions"
    assert state.changed == (
        *(f"{folder}/{name}" for name in ("first.py", "more/wörter.txt", "second.py")),
        "labelkit.toml",
    )
    assert state.to_json()["dirty"] is True


@pytest.mark.parametrize("made", ["no repository", "no commit"])
def test_without_a_commit_there_is_nothing_to_say(tmp_path: Path, made: str) -> None:
    """A folder that git does not know, or knows no commit of, has no state."""
    if made == "no commit":
        git(tmp_path, "init", "--quiet")
    assert git_state(tmp_path, PATHS) is None


def test_a_machine_without_git_is_no_trouble(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lineage does without the commit where git is not installed."""
    monkeypatch.setenv("PATH", str(root))
    assert git_state(root, PATHS) is None


def test_a_hook_that_calls_labelkit_does_not_mislead_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git names its repository to hooks in the environment; the project's own is asked all the same."""
    elsewhere = root.parent.parent / "elsewhere"
    elsewhere.mkdir()
    commit_all(elsewhere)
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    assert git_state(root, PATHS) == GitState(git(root, "rev-parse", "HEAD"), ())


def test_files_of_a_revision_come_as_they_were(root: Path) -> None:
    """A branch, a tag or a short hash gives the files of then; nothing of the working tree is touched."""
    then = git(root, "rev-parse", "HEAD")
    (root / "labeling_functions" / "first.py").write_text("another\n")
    commit_all(root.parent)
    for revision in ("HEAD~1", then, then[:10], "main^"):
        commit, files = files_at(root, revision, "labeling_functions")
        assert commit == then
        assert files == {"first.py": b"one\n", "more/wörter.txt": b"two\r\n"}
    assert (root / "labeling_functions" / "first.py").read_text() == "another\n"
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "revision", ["nothing", "--help", "-x", "", "HEAD:labelkit.toml", "main..HEAD", "\x1b[2J", "a\0b"]
)
def test_what_is_no_revision_is_refused(root: Path, revision: str) -> None:
    """A typing error, an option in disguise or a file is no revision."""
    with pytest.raises(UsageError, match=r'^".*" is no run and no revision that git knows here$'):
        files_at(root, revision, "labeling_functions")


def test_a_revision_without_functions_says_so(root: Path) -> None:
    """Before the folder was there, there is nothing to compare with."""
    with pytest.raises(UsageError, match=r"^revision HEAD: no suites/ in it$"):
        files_at(root, "HEAD", "suites")


def test_a_link_of_a_revision_is_not_followed(root: Path) -> None:
    """A link could lead anywhere on this machine."""
    (root / "labeling_functions" / "words.txt").symlink_to("/etc/passwd")
    commit_all(root.parent)
    with pytest.raises(UsageError, match=r"^revision HEAD: labeling_functions/words\.txt is a link"):
        files_at(root, "HEAD", "labeling_functions")
    state = git_state(root, PATHS)
    assert state is not None
    assert state.changed == ()


def test_looking_at_a_strange_repository_runs_nothing_of_it(root: Path, tmp_path: Path) -> None:
    """Hooks, filters, monitors and fetch helpers that a repository asks for are not started."""
    ran = tmp_path / "ran"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
    evil.chmod(0o755)
    (root / "labeling_functions" / ".gitattributes").write_text("* filter=evil diff=evil\n")
    blob = git(root, "rev-parse", "HEAD:./labeling_functions/first.py")
    then = git(root, "rev-parse", "HEAD")
    commit_all(root.parent)
    for name in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv", "core.sshCommand"):
        git(root, "config", name, str(evil))
    for name, value in {
        "remote.origin.url": f"ext::{evil}",
        "remote.origin.promisor": "true",
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "extensions.partialClone": "origin",
        "core.repositoryFormatVersion": "1",
    }.items():
        git(root, "config", name, value)
    for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (root.parent / ".git" / "hooks" / hook).write_bytes(evil.read_bytes())
        (root.parent / ".git" / "hooks" / hook).chmod(0o755)
    (root / "labeling_functions" / "first.py").write_text("changed\n")
    assert git_state(root, PATHS) is not None
    files_at(root, "HEAD", "labeling_functions")
    (root.parent / ".git" / "objects" / blob[:2] / blob[2:]).unlink()  # now it would have to be fetched
    with pytest.raises(UsageError, match="git cannot give object"):
        files_at(root, then, "labeling_functions")
    assert not ran.exists()
