"""A PostgreSQL of our own: in a temporary folder, by an unprivileged user, reached by a socket that nobody shares."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

_DEBIAN = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """The folder of initdb and pg_ctl; None where PostgreSQL is not installed. Debian keeps them off the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@dataclass(frozen=True)
class Server:
    """A running server; every `schema` is an empty place."""

    folder: Path
    programs: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def _address(self) -> str:
        return f"postgresql://irkit@/postgres?host={quote(str(self.folder), safe='')}"

    def schema(self) -> str:
        """The address of a new schema."""
        name = f"s{next(self.numbers)}"
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{self._address}&options=-csearch_path%3D{name}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses='' -k {self.folder}"
        self.control("-l", str(self.folder / "server.log"), "-o", options, "start")

    def control(self, *arguments: str) -> None:
        """Have pg_ctl do something, and wait until it is done."""
        run([self.programs / "pg_ctl", "-D", self.folder / "data", "-w", "-s", *arguments], self.folder)


def run(command: list[Any], folder: Path) -> None:
    """Run a program of PostgreSQL, which refuses to run as root."""
    user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    log = folder / "programs.log"
    with log.open("ab") as out:
        ended = subprocess.run(
            command, check=False, cwd=folder, stdout=out, stderr=out, stdin=subprocess.DEVNULL, timeout=120, **user
        )
    assert ended.returncode == 0, log.read_text()


@contextmanager
def started(bin_folder: Path) -> Iterator[Server]:
    """A server, gone with its folder when left."""
    # Not under pytest's own folders: a socket's path has at most 107 bytes, and root's folders are closed to others.
    with tempfile.TemporaryDirectory(prefix="irkit-pg-") as name:
        folder = Path(name)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        server = Server(folder, bin_folder)
        run([bin_folder / "initdb", "-D", folder / "data", "-U", "irkit", "-A", "trust", "-E", "UTF8"], folder)
        server.start()
        try:
            yield server
        finally:
            server.control("-m", "immediate", "stop")
