"""`labelkit annotate --web`: what it asks for and what it says."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from labelkit.ui.web import listening
from projects import Made, MakeProject

NAMES = "--host and --url let others in: name each of them, such as --annotator ana,ben"


@pytest.fixture
def bare(make_project: MakeProject) -> Made:
    """A project that was never applied."""
    return make_project()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "1"], "--port is for --web"),
        (["--host", "::1", "--url", "http://x"], "--host and --url are for --web"),
        (
            ["--web", "--agreement"],
            "--web asks people on a page; --queue, --answers, --simulate and --agreement do not",
        ),
        (
            ["--agreement", "--engine", "spark"],
            "--engine is for drawing questions; --answers, --simulate and --agreement ask nobody",
        ),
        (["--web", "--host", "192.0.2.7"], NAMES),
        (["--web", "--url", "https://labels.example.org"], NAMES),
        (["--web", "--annotator", "ana,,ben"], '--annotator "ana,,ben": write each name once, separated by commas'),
        (["--web", "--annotator", "ana,ana"], '--annotator "ana,ana": write each name once, separated by commas'),
    ],
)
def test_what_cannot_be_served_is_said(bare: Made, arguments: list[str], message: str) -> None:
    """Exit code 2 and one line."""
    assert bare.run("annotate", *arguments, code=2).stderr == f"labelkit: error: {message}\n"


@pytest.mark.slow
def test_links_are_on_stdout_and_a_warning_where_there_is_no_tls(make_project: MakeProject) -> None:
    """One link per person; SIGTERM ends it with 143; a port that is taken is exit code 3."""
    made = make_project(toml="[model]\nname = 'majority'\n[annotate]\nretrain = false\n")
    made.project.apply()
    with listening("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        said = made.run("annotate", "--web", "--port", port, code=3).stderr
    assert said == (
        f"labelkit: error: cannot listen at 127.0.0.1, port {port}: somebody listens there already; "
        "end that, or give another --port\n"
    )
    options = ["--web", "--annotator", "ana,ben", "--port", "0", "--url", "http://labels.example.org"]
    process = subprocess.Popen(
        [sys.executable, "-m", "labelkit", "annotate", *options],
        cwd=made.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    links = [process.stdout.readline() for _ in range(2)]
    assert [link.partition("#token=")[0] for link in links] == [
        "ana: http://labels.example.org/", "ben: http://labels.example.org/",
    ]  # fmt: skip
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "warning: this page goes over the network without TLS" in stderr
