"""Spark as a process of its own: executors that die, a server of Spark Connect, executors without a checkout."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import util
from pathlib import Path

import pytest

from labelkit.cli.main import Terminated
from labelkit.errors import MachineError
from projects import FUNCTIONS, Made
from spark_projects import MAJORITY, spark_project, spark_toml

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("installed")]

SMALL = '[engine.spark]\ndriver.memory = "700m"\n'


@pytest.fixture
def installed() -> None:
    """Where there is no Spark, CI fails and a laptop skips."""
    if util.find_spec("pyspark") is None and not os.environ.get("CI"):
        pytest.skip("Spark is not installed; make services installs it")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A small project with records in Parquet."""
    return spark_project(tmp_path / "project", spark_toml(MAJORITY + SMALL))


def test_a_task_that_dies_is_done_again(made: Made, tmp_path: Path) -> None:
    """A process of Spark's that is killed in the middle changes no label and no run."""
    once = tmp_path / "once"
    killer = f"""
import os, signal
from pathlib import Path

@lk.labeling_function()
def kills(x):
    if not Path({str(once)!r}).exists():
        Path({str(once)!r}).touch()
        os.kill(os.getppid(), signal.SIGKILL)
    return -1
"""
    made.write("labeling_functions/first.py", FUNCTIONS + killer)
    there = json.loads(made.run("apply", "--engine", "spark", "--master", "local[2,3]", "--json").stdout)
    assert once.exists()
    assert there == json.loads(made.run("apply", "--json").stdout)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_interrupts_gets_the_prompt_back(made: Made, sent: signal.Signals, code: int) -> None:
    """With the exit code of that signal, a line instead of a traceback, and nothing published or left behind."""
    waits = "import time\n@lk.labeling_function()\ndef waits(x):\n    time.sleep(1)\n    return -1\n"
    made.write("labeling_functions/first.py", FUNCTIONS + waits)
    command = [sys.executable, "-m", "labelkit", "apply", "--engine", "spark", "--master", "local[1]"]
    votes = made.root / ".labelkit" / ".staging" / "votes.arrow"
    process = subprocess.Popen(command, cwd=made.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 200
    while not (votes.is_dir() and any(votes.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert said.splitlines()[-1] in ("labelkit: interrupted", "labelkit: terminated")
    assert "Traceback" not in said
    assert sorted(path.name for path in (made.root / ".labelkit").iterdir()) == ["lock"]
    assert not (made.root / "labels.parquet").exists()


def test_an_interrupt_stays_one_when_the_connection_breaks() -> None:
    """What pyspark then fails to tidy up is not what happened."""
    from py4j.protocol import Py4JNetworkError

    from labelkit.engines.spark.blocks import spark_errors

    def tidy_up() -> None:
        try:
            raise OSError("closed")
        except OSError as error:
            raise Py4JNetworkError("Answer from Java side is empty") from error

    def interrupted() -> None:
        with spark_errors():
            try:
                raise Terminated
            finally:
                tidy_up()

    with pytest.raises(Terminated):
        interrupted()
    with pytest.raises(MachineError, match=r"^Spark: Answer from Java side is empty$"), spark_errors():
        tidy_up()


def test_a_server_of_spark_connect_does_the_same(made: Made, tmp_path: Path) -> None:
    """Whose executors have neither this labelkit nor the project's functions, but what comes over the wire."""
    with _server(tmp_path) as url:
        there = json.loads(made.run("apply", "--engine", "spark", "--remote", url, "--json").stdout)
    here = json.loads(made.run("apply", "--json").stdout)
    assert there == here


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[str]:
    """A server of Spark Connect on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = Path(str(util.find_spec("pyspark").submodule_search_locations[0]))  # type: ignore[union-attr,index]
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.driver.memory": "700m",
    }
    options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    starts = ["--master", "local[2]", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    jar = next((home / "jars").glob("spark-connect_*.jar"))
    environment = {
        **os.environ,
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [str(home / "bin" / "spark-submit"), *starts, *options, str(jar)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(port, server)
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise AssertionError("the server of Spark Connect did not start")
