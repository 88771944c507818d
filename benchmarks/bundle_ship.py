"""Shipping 1 GiB (IRKIT_BENCH_MIB changes that) to a real S3 server on this machine, against copying the file.

The server shares the cores, so the rate says little; the peak, which must not grow with the size, is the point.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from benchmarks._timing import race, table
from tests.ship import servers

SIZE = int(os.environ.get("IRKIT_BENCH_MIB", "1024")) << 20

SHIP = """
import sys, uuid
from pathlib import Path
from irkit.model.bundle import Bundle
from irkit.settings import StoreSettings
from irkit.ship.destination import destination
path, sha256, url, endpoint = sys.argv[1:]
bundle = Bundle(Path(path), sha256, Path(path).stat().st_size, 1)
destination(StoreSettings(f"{url}/{uuid.uuid4()}", s3_endpoint_url=endpoint or None)).put(bundle, "b.tar.gz")
"""


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch, servers.running("versitygw", Path(scratch)) as server:
        os.environ |= {"AWS_ACCESS_KEY_ID": servers.KEY, "AWS_SECRET_ACCESS_KEY": servers.SECRET}
        path = Path(scratch, "b.tar.gz")
        sha256 = _random_file(path)
        ship = [sys.executable, "-c", SHIP, str(path), sha256]
        contestants = {
            "cp": [["cp", str(path), f"{scratch}/copy"]],
            "irkit to a folder": [[*ship, f"file://{scratch}/out", ""]],
            "irkit to versitygw": [[*ship, f"s3://{server.fresh()}", server.url]],
        }
        table(race(contestants, rounds=1), against="cp")


def _random_file(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("wb") as out:
        for _ in range(SIZE >> 20):
            chunk = os.urandom(1 << 20)
            hasher.update(chunk)
            out.write(chunk)
    return hasher.hexdigest()
