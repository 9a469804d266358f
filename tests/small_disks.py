"""Run a verb where the room runs out, a little later each time, until there is enough; as root, a program of its own.

    unshare -m python tests/small_disks.py FOLDER VERB bytes|inodes LIMIT

FOLDER holds `before`, a project on which the verb has something to do. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from forked import in_child
from kill_points import ARTIFACTS, NAMED, Points, content, judged, run

PAGE = 4096


def mounted(place: Path, before: Path, what: str, free: int) -> None:
    """A file system in memory with the project in it, and so many pages or inodes left."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], check=True)
    shutil.copytree(before, place / "project")
    about = os.statvfs(place)
    if what == "bytes":
        limit = f"size={(about.f_blocks - about.f_bfree + free) * PAGE}"
    else:
        limit = f"nr_inodes={about.f_files - about.f_ffree + free}"
    subprocess.run(["mount", "-o", f"remount,{limit}", str(place)], check=True)


def main() -> None:
    """See above."""
    folder, verb, what, limit = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    known = Points(verb, folder)  # loads everything, and says what the verb should make of the project
    known.fresh()
    place = folder / "small"
    place.mkdir()
    wrong, points, refused, enough = list[str](), 0, 0, 0
    for free in range(limit):
        mounted(place, folder / "before", what, free)
        root = place / "project"
        ended = in_child(lambda root=root: run(verb, root))  # type: ignore[misc]
        points += 1
        refused += ended.code == 3
        if ended.code not in (0, 3) or (ended.code == 3 and not re.search(NAMED, ended.said)):
            wrong.append(f"{free} free: exit {ended.code}: {ended.said[:300]}")
        for path in ARTIFACTS[verb]:
            if ended.code == 0 and verb == "apply" and content(root / path) != known.new[path]:
                wrong.append(f"{free} free: exit 0, and {path} is not what it should be")
        subprocess.run(["mount", "-o", "remount,size=64m,nr_inodes=10000", str(place)], check=True)
        wrong += [f"{free} free: {problem}" for problem in judged(verb, root, known.old, known.new)]
        os.chdir("/")
        subprocess.run(["umount", str(place)], check=True)
        enough = enough + 1 if ended.code == 0 else 0
        if enough == 2:
            break
    print(json.dumps({"points": points, "refused": refused, "enough": enough, "wrong": wrong}), flush=True)
    os._exit(0)  # as in kill_points


if __name__ == "__main__":
    main()
