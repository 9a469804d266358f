"""What git knows of a project: the commit, what was changed since, files at a revision.

git is asked for objects only, with everything off that a repository's configuration could start (hooks, filters, a
file-system monitor, fetching what is missing): looking at somebody else's project runs nothing of it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from labelkit.errors import UsageError, shortened, visible
from labelkit.files import machine_errors
from labelkit.lineage.urls import public_url

SECONDS = 20  # git may take; a repository on a dead network drive shall not hold up a run
_OFF = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "protocol.allow=never")
_FILE, _LINK = (b"100644", b"100755"), b"120000"


@dataclass(frozen=True)
class GitState:
    """The commit that a project stands on, and which of some files are not as it has them."""

    commit: str  # in hexadecimal
    changed: tuple[str, ...]  # changed, added or removed since, seen from the project

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {"commit": self.commit, "dirty": bool(self.changed), "changed": list(self.changed)}


def git_state(root: Path, paths: Sequence[str]) -> GitState | None:
    """The commit of a project, and which files in or below `paths` differ from it; None where git knows nothing.

    Files are compared by content, so that neither an index nor a filter has a say. Compiled Python is left out.
    """
    said = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    commit = "" if said is None else said.decode("ascii", "replace").strip()
    if not commit:
        return None
    listed = _listed(root, commit, paths)
    if listed is None:
        return None
    known = {entry.path: entry for entry in listed}
    found = {path.relative_to(root).as_posix(): path for path in _files(root, paths)}
    changed = [
        name
        for name in known.keys() | found.keys()
        if name not in known or name not in found or _blob(found[name], len(commit)) != known[name].blob
    ]
    return GitState(commit, tuple(sorted(changed)))


def files_at(root: Path, revision: str, folder: str) -> tuple[str, dict[str, bytes]]:
    """The commit that a revision names, and the files that `folder` of the project holds there, by path within it.

    Raises UsageError where git does not know the revision, or the folder is not in it.
    """
    shown = shortened(revision)
    said = None
    if not revision.startswith("-"):
        said = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if said is None:
        raise UsageError(f'"{shown}" is no run and no revision that git knows here')
    commit = said.decode("ascii", "replace").strip()
    entries = [entry for entry in _listed(root, commit, [folder]) or () if "__pycache__" not in entry.path]
    if not entries:
        raise UsageError(f"revision {shown}: no {folder}/ in it")
    links = [entry.path for entry in entries if entry.mode == _LINK]
    if links:
        raise UsageError(f"revision {shown}: {visible(links[0])} is a link, which is not followed")
    return commit, {entry.path.removeprefix(f"{folder}/"): _content(root, entry.blob) for entry in entries}


def repository_of(root: Path) -> tuple[str, str]:
    """URI of the repository that a project is from, without a login, and the project's place in it; ("", "") for none.

    A repository that was cloned from nowhere is named by its folder.
    """
    top, prefix = _line(root, "rev-parse", "--show-toplevel"), _line(root, "rev-parse", "--show-prefix")
    if not top:
        return "", ""
    return _uri(_line(root, "config", "--get", "remote.origin.url"), Path(top)), prefix


def _uri(origin: str, top: Path) -> str:
    """What git calls an origin, as a URI: a URL, host:path by ssh, or a path seen from the repository."""
    if "://" in origin:
        return public_url(origin) or top.as_uri()
    host, colon, path = origin.partition(":")
    if colon and "/" not in host:
        return f"ssh://{host.rpartition('@')[2]}/{quote(path.lstrip('/'))}"
    return Path(os.path.normpath(top / origin)).as_uri()


def _line(root: Path, *arguments: str) -> str:
    """A line that git prints; empty where it says no."""
    said = _git(root, *arguments)
    return "" if said is None else os.fsdecode(said).rstrip("\n")


@dataclass(frozen=True)
class _Entry:
    path: str  # seen from the project
    mode: bytes
    blob: str


def _listed(root: Path, commit: str, paths: Sequence[str]) -> list[_Entry] | None:
    said = _git(root, "ls-tree", "-r", "-z", commit, "--", *paths)
    return None if said is None else list(_entries(said))


def _entries(listing: bytes) -> Iterator[_Entry]:
    for line in listing.split(b"\0"):
        about, _, path = line.partition(b"\t")
        if path:
            mode, _kind, blob = about.split(b" ")
            if mode in {*_FILE, _LINK}:  # what is left is another repository within this one
                yield _Entry(os.fsdecode(path), mode, blob.decode("ascii"))


def _content(root: Path, blob: str) -> bytes:
    said = _git(root, "cat-file", "blob", blob)
    if said is None:
        raise UsageError(f"git cannot give object {blob}; is this a partial clone?")
    return said


def _files(root: Path, paths: Sequence[str]) -> Iterator[Path]:
    for name in paths:
        path = root / name
        with machine_errors(path):
            below = [each for each in path.rglob("*") if "__pycache__" not in each.parts] if path.is_dir() else [path]
            yield from (each for each in below if each.is_file() or each.is_symlink())


def _blob(path: Path, digits: int) -> str:
    """The name that git gives to a file's content; a repository's hashes have 40 or 64 digits."""
    digest = hashlib.sha256() if digits == 64 else hashlib.sha1(usedforsecurity=False)
    with machine_errors(path):
        if path.is_symlink():
            target = os.fsencode(path.readlink())
            digest.update(b"blob %d\0" % len(target) + target)
            return digest.hexdigest()
        with path.open("rb") as file:
            digest.update(b"blob %d\0" % os.fstat(file.fileno()).st_size)
            while part := file.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()


def _git(root: Path, *arguments: str) -> bytes | None:
    """What git prints; None where there is no git, no repository, or git says no."""
    settings = [part for setting in _OFF for part in ("-c", setting)]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *settings, *arguments],
            env={**outside, **quiet, "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
