"""Kill copies of a store, and look whether a row is lost or doubled; run as a program of its own.

    python tests/kill_transfer.py SOURCE TARGETS COPIES SEED

SOURCE is the URL of a store, TARGETS that of empty places with {} for 0, 1, 2, ... of them, COPIES their number. Each
copy is killed at a line of labelkit's own code, gone on with and killed again, up to three times, and then let come to
its end. After each kill the target must refuse to be opened, or be whole or empty. Prints one JSON object: the kills,
and all that was wrong.
"""

from __future__ import annotations

import functools
import json
import random
import sys

from forked import Ended, ExitCode, in_child
from kill_points import Killer
from labelkit.annotations import AnnotationStore, contents
from labelkit.annotations.database import database_at
from labelkit.annotations.transfer import transfer
from labelkit.errors import ArtifactError

contents.PAGE = 7  # many transactions, though there are few rows


def copy(source: str, target: str, at: int | None) -> str:
    """Copy a store, and die at a line; the lines it took where it does not."""
    with Killer(at) as killer:
        transfer(database_at(source), database_at(target))
    return str(killer.lines)


def said(url: str) -> list[object]:
    """All that people said in a store."""
    store = AnnotationStore.open(url)
    return [*store.history(), *store.remarks.history()]


def look(source: str, target: str) -> str:
    """What is in a target whose copy may have been killed."""
    try:
        found = said(target)
    except ArtifactError as error:
        return "a part" if "some are missing" in str(error) else f"wrong: {error}"
    return "empty" if not found else "whole" if found == said(source) else f"wrong: {len(found)} rows"


def ended_well(ended: Ended) -> bool:
    """Whether a copy came to its end."""
    return not ended.killed and ended.code == 0


def main() -> None:
    """See above."""
    source, targets, copies, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    chance, kills, wrong = random.Random(seed), 0, list[str]()
    first = in_child(functools.partial(copy, source, targets.format(0), None))
    if not ended_well(first):
        raise ExitCode(1, first.said)
    lines = int(first.said)
    seen = dict.fromkeys(("a part", "empty", "whole"), 0)
    for number in range(1, copies + 1):
        target = targets.format(number)
        for _ in range(3):
            ended = in_child(functools.partial(copy, source, target, chance.randrange(1, lines)))
            if not ended.killed:
                wrong += [] if ended.code == 0 else [f"{number}: {ended.said}"]
                break
            kills += 1
            found = in_child(functools.partial(look, source, target)).said
            wrong += [] if found in seen else [f"{number}: {found}"]
            seen[found] = seen.get(found, 0) + 1
        last = in_child(functools.partial(copy, source, target, None))
        if not ended_well(last) or in_child(functools.partial(look, source, target)).said != "whole":
            wrong.append(f"{number}: {last.said}")
    print(json.dumps({"lines": lines, "kills": kills, "seen": seen, "wrong": wrong[:20]}))


if __name__ == "__main__":
    main()
