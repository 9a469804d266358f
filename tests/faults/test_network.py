"""Nobody is called: what watches over that does see who tries, and a whole loop of verbs tries nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fault_figures import Figure
from kills import alone
from projects import MakeProject

OFFLINE = Path(__file__).parents[2] / ".ci" / "offline"

pytestmark = pytest.mark.usefixtures("root")

SERVE = "sock = create_server(('127.0.0.1', 0)); create_connection(sock.getsockname())"

CALLS = {
    "nobody": ("pass", False),
    "this machine": (SERVE, False),
    "a stranger": ("create_connection(('192.0.2.1', 80), 1)", True),
    "a stranger, with one datagram": ("socket(type=SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))", True),
    "a stranger, over IPv6": ("socket(AF_INET6).connect(('2001:db8::1', 80))", True),
    "a stranger, from a child": ("os.fork() or (time.sleep(0.2), create_connection(('192.0.2.1', 80), 1))", True),
}


def offline(*command: str, cwd: Path | None = None) -> tuple[int, int]:
    """Exit code, and how often something tried to leave this machine."""
    done = subprocess.run(
        [sys.executable, str(OFFLINE), *command],
        capture_output=True, text=True, check=False, cwd=cwd, env=alone(), timeout=300,
    )  # fmt: skip
    found = re.search(r"^\.ci/offline: (\d+) attempts to leave this machine$", done.stderr, flags=re.MULTILINE)
    assert found, done.stderr
    return done.returncode, int(found[1])


@pytest.mark.parametrize("whom", CALLS)
def test_who_calls_is_seen(whom: str) -> None:
    """Connections and datagrams beyond loopback are counted, even where the caller says nothing of its failure."""
    code, leaves = CALLS[whom]
    quietly = f"import os, time\nfrom socket import *\ntry:\n    {code}\nexcept OSError:\n    pass"
    ended, attempts = offline(sys.executable, "-c", quietly)
    assert (ended, attempts > 0) == (int(leaves), leaves)


@pytest.mark.slow
def test_a_loop_of_verbs_calls_nobody(make_project: MakeProject, figure: Figure) -> None:
    """From a new project to a page about it, in a network that has a loopback only."""
    made = make_project(toml="[annotate]\nretrain = false\n")
    verbs = [
        "apply", "annotate --queue 5 --annotator ana --out q.jsonl", "annotate --simulate gold --budget 5", "apply",
        "validate", "report", "explain c3", "runs list", "runs show", "runs diff", "replay", "lf list", "lf test",
        "lf errors money", "init new",
    ]  # fmt: skip
    tried = 0
    for verb in verbs:
        code, attempts = offline(sys.executable, "-m", "labelkit", *verb.split(), cwd=made.root)
        assert (code in (0, 1, 2), attempts) == (True, 0), verb
        tried += attempts
    figure("network", "verbs in a network namespace: attempts to leave it", len(verbs), attempts=tried)
