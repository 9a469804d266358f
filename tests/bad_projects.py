"""Run commands on projects of which one file was mutated; a program of its own.

    python tests/bad_projects.py FOLDER COUNT SEED

FOLDER holds `before`, a finished project. Prints one JSON object: how often which exit code, and what was wrong.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections import Counter
from pathlib import Path

from exit_codes import COMMANDS, load_everything, run
from forked import in_child
from mutations import mutated

FILES = [
    "labelkit.toml", "data/comments.csv", "expectations/labels.json", "expectations/records.json", "answers.jsonl",
    "labels.parquet", ".labelkit/verdict.json", ".labelkit/annotations.db", ".labelkit/runs/*/run.json",
    ".labelkit/runs/*/votes.arrow", ".labelkit/runs/*/model.json", ".labelkit/runs/*/model.npz",
    ".labelkit/runs/*/verdict.json", ".labelkit/runs/*/rules.json", ".labelkit/runs/*/labels.parquet",
]  # fmt: skip


def main() -> None:
    """See above."""
    folder, chance = Path(sys.argv[1]), random.Random(int(sys.argv[3]))
    before, scratch = folder / "before", folder / "scratch"
    load_everything(before, scratch)
    codes, wrong = Counter[str](), list[str]()
    for _ in range(int(sys.argv[2])):
        os.chdir("/")
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(before, scratch)
        name = chance.choice(FILES)
        for path in scratch.glob(name):
            path.write_bytes(mutated(path.read_bytes(), chance))
        command = chance.choice(list(COMMANDS))
        ended = in_child(lambda command=command: run("nothing", command, scratch))  # type: ignore[misc]
        codes[f"exit {ended.code}"] += 1
        refused = ended.code in (2, 3, 4) and "labelkit: error: " in ended.said
        if not (refused or ended.code in (0, 1)) or "Traceback" in ended.said or "\x1b" in ended.said:
            wrong.append(f"{command}, {name}: exit {ended.code}: {ended.said[:300]}")
    print(json.dumps({"tried": sum(codes.values()), "codes": codes, "wrong": wrong}), flush=True)
    os._exit(0)  # as in kill_points


if __name__ == "__main__":
    main()
