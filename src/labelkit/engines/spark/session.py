"""The Spark session that labelkit works in: the one that runs already, or one with the settings of labelkit.toml."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from typing import Any

from labelkit.errors import MachineError, UsageError, visible
from labelkit.labeling.faults import first_line

LOCAL = "local[*]"
LATEST = (4, 2)  # great_expectations knows no later one

OF_EVERY_SESSION: Mapping[str, str] = {
    "spark.sql.ansi.enabled": "true",  # a text that is no number is an error, not a null that passes a check
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",  # without it None becomes the text "None" or a NaN
}
OF_OWN_SESSIONS: Mapping[str, str] = {
    "spark.app.name": "labelkit",
    "spark.ui.enabled": "false",  # a page that nobody asked for listens on a port
    "spark.ui.showConsoleProgress": "false",
    # Silent: what fails comes back as an error, in a line instead of a page. "spark.log.level" undoes that.
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties')}",
}
ON_ONE_MACHINE: Mapping[str, str] = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


@dataclass(frozen=True)
class SparkPlace:
    """Where Spark runs: a master, or the server of Spark Connect, and the settings of a session there."""

    master: str = ""  # "" for the session's own, or this machine
    remote: str = ""  # sc://host:port of Spark Connect; goes before the master
    settings: Mapping[str, str] = field(default_factory=dict)  # spark.* of the session

    @property
    def where(self) -> str:
        """Server or master."""
        return self.remote or self.master or LOCAL


def spark_session(place: SparkPlace) -> Any:
    """The session that is active in this process, or a new one.

    Raises UsageError where pyspark is not installed, MachineError where Spark cannot be started or reached.
    """
    _check_installed()
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        return _prepared(active)
    builder = SparkSession.builder
    if place.remote:
        builder = builder.remote(place.remote)
    else:
        _check_java()
        builder = builder.master(place.where)
    for name, value in {**_defaults(place), **place.settings}.items():
        builder = builder.config(name, value)
    _without_pages()
    try:
        with _own_interrupts():
            return _prepared(builder.getOrCreate())
    except (PySparkException, OSError, RuntimeError) as error:
        raise MachineError(f"Spark at {visible(place.where)}: {visible(first_line(error))}") from error


def _without_pages() -> None:
    """What fails, or is interrupted, is raised: pages that py4j logs of it beside that are no help."""
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(lambda record: record.msg != "KeyboardInterrupt while sending command.")


@contextlib.contextmanager
def _own_interrupts() -> Iterator[None]:
    """Keep Ctrl-C as it is: pyspark's handler talks to Spark over the connection that it interrupts, and fails."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if main and before is not None:
            signal.signal(signal.SIGINT, before)


def _defaults(place: SparkPlace) -> Mapping[str, str]:
    """Settings of a session of our own, unless somebody set them; of a server, that is its owner's business."""
    if place.remote:
        return {}
    if not place.where.startswith("local"):
        return OF_OWN_SESSIONS
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    return {**OF_OWN_SESSIONS, **ON_ONE_MACHINE}


def _prepared(session: Any) -> Any:
    for name, value in OF_EVERY_SESSION.items():
        session.conf.set(name, value)
    return session


def _check_installed() -> None:
    if util.find_spec("pyspark") is None:
        raise UsageError('Spark needs pyspark: pip install "labelkit[spark]"')
    version = metadata.version("pyspark")
    if tuple(int(part) for part in version.split(".")[:2]) >= LATEST:
        raise UsageError(f'pyspark {version} is newer than labelkit knows: pip install "labelkit[spark]"')


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if (home and (Path(home) / "bin" / "java").exists()) or shutil.which("java"):
        return
    raise MachineError("Spark needs Java 17 or later, and there is none on PATH or under JAVA_HOME")
