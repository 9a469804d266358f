"""A real PostgreSQL server of one's own: made, started and removed again, beside any that runs on the machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PORT = 54329  # names the socket only


@dataclass(frozen=True)
class Cluster:
    """A running server that listens on a socket in its own folder."""

    programs: Path
    folder: Path

    def url(self, schema: str = "public", user: str = "postgres", password: str = "") -> str:
        """URL of a schema of its one database."""
        who = f"{user}:{password}" if password else user
        return f"postgresql://{who}@/postgres?host={self.folder}&port={PORT}&options=-csearch_path%3D{schema}"

    def create(self, schema: str) -> str:
        """Make an empty schema; its URL."""
        self.sql(f"CREATE SCHEMA {schema}")
        return self.url(schema)

    def sql(self, statement: str) -> str:
        """Run a statement as the server's owner; the first value it gives, as text."""
        import psycopg

        target = f"host={self.folder} port={PORT} user=postgres dbname=postgres"
        with psycopg.connect(target, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return "" if row is None else str(row[0])

    def stop(self, how: str = "immediate") -> None:
        """End it; immediate is what a crash looks like: the next start recovers from the log."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", how, "-w", "stop")

    def kill(self) -> None:
        """SIGKILL to every process of the server, the first one first: nothing is flushed, nobody is told.

        A killed process may stay as a zombie, which PostgreSQL would take for a server that still runs: its
        notes of who holds folder and socket go, as they do when a machine starts anew.
        """
        note = self.folder / "data" / "postmaster.pid"
        os.kill(int(note.read_text().split("\n", 1)[0]), signal.SIGKILL)
        while pids := self._pids():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        note.unlink()
        (self.folder / f".s.PGSQL.{PORT}.lock").unlink()

    def _pids(self) -> list[int]:
        """Processes that work in the data folder: the server's."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (process / "cwd").readlink() == self.folder / "data":
                    found.append(int(process.name))
        return found

    def start(self, **settings: str) -> None:
        """Start it, and wait until it answers."""
        given = {"listen_addresses": "''", "unix_socket_directories": str(self.folder), "port": str(PORT), **settings}
        options = " ".join(f"-c {name}={value}" for name, value in given.items())
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-l", log, "-o", options, "-w", "-t", "60", "start")

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs: as user postgres where we are root, whom it refuses."""
        command = [str(self.programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # pg_ctl's server would keep a pipe open for ever: output goes to a file.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(command, stdout=output, stderr=output, cwd="/", check=False, timeout=120)
            output.seek(0)
            text = output.read()
        if done.returncode:
            raise RuntimeError(f"{program} failed: {text}")
        return text


def programs() -> Path | None:
    """Where PostgreSQL's server programs are; None where it is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return folders[-1].parent if folders else None


@contextlib.contextmanager
def cluster(place: str | None = None) -> Iterator[Cluster]:
    """A server for the block, its data in a new folder below `place`, or in memory where the machine has room there:
    in tests it is processes that are killed, not the power. Raises RuntimeError where PostgreSQL is not installed."""
    found = programs()
    if found is None:
        raise RuntimeError("PostgreSQL is not installed; on Debian: apt-get install -y postgresql")
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1_000_000_000
    folder = Path(tempfile.mkdtemp(prefix="labelkit-pg-", dir=place or (memory if roomy else None)))
    server = Cluster(found, folder)
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        server.run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
