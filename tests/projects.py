"""Small projects for the tests."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import labelkit as lk

HAM_WORDS = ("song", "voice", "guitar", "lyrics", "album", "melody", "chorus", "singer")
SPAM_WORDS = ("subscribe", "win", "free", "click", "cash", "visit", "channel", "giveaway")
FILLER = ("this", "really", "so", "my", "the", "now", "here", "today", "all", "with", "for", "and")

FUNCTIONS = """
import labelkit as lk

HAM, SPAM = 0, 1

@lk.labeling_function()
def begs(x):
    return SPAM if "subscribe" in x.text or "click" in x.text else lk.ABSTAIN

@lk.labeling_function()
def sings(x):
    return HAM if "song" in x.text or "voice" in x.text else lk.ABSTAIN

money = lk.rules.keywords("money", ["win", "free", "cash"], field="text", label="spam")
music = lk.rules.keywords("music", ["guitar", "lyrics", "album"], field="text", label="ham")
place = lk.rules.pattern("place", r"\\b(visit|channel)\\b", field="text", label=SPAM)
"""


@dataclass(frozen=True)
class Made:
    """A project on disk with the means to run the command line in it."""

    root: Path

    @property
    def project(self) -> lk.Project:
        """The project from Python."""
        return lk.Project(self.root)

    def run(self, *arguments: str, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `labelkit ARGUMENTS` in the project as a process of its own and check its exit code."""
        done = labelkit(*arguments, cwd=self.root)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def write(self, name: str, content: str) -> Path:
        """Write a text file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path


def labelkit(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    command = [sys.executable, "-m", "labelkit", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def printed(made: Made, *arguments: str, code: int = 0) -> str:
    """What a command prints on stdout, run in this process."""
    from click.testing import CliRunner

    from labelkit.cli.main import labelkit as group

    done = CliRunner().invoke(group, [*arguments, "--project", str(made.root)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    assert int(done.return_value or 0) == code, done.output
    return done.stdout


def comments(n: int, seed: int) -> list[dict[str, str]]:
    """n records with id, text, gold and split; texts are distinct, gold is mostly told by the words."""
    rng, rows, texts = random.Random(seed), list[dict[str, str]](), set[str]()
    while len(rows) < n:
        gold = rng.choice(("ham", "spam"))
        own, other = (HAM_WORDS, SPAM_WORDS) if gold == "ham" else (SPAM_WORDS, HAM_WORDS)
        words = rng.sample(FILLER, 5) + rng.sample(own, 2) + ([rng.choice(other)] if rng.random() < 0.2 else [])
        rng.shuffle(words)
        text = " ".join(words)
        if text not in texts:
            texts.add(text)
            split = "dev" if len(rows) < n // 10 else rng.choice(("train", "train", "train", "test"))
            rows.append({"id": f"c{len(rows)}", "text": text, "gold": gold, "split": split})
    return rows


def write_csv(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write records as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


MakeProject = Callable[..., Made]
