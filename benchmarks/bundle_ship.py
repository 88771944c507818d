"""Shipping 1 GiB (IRKIT_BENCH_MIB changes that) to a folder and to real S3 servers on this machine.

The servers share the cores, so the rate says little; the peak, which must not grow with the size, is the point, and how
much of it all is the reading back.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks._timing import race, table
from tests.ship import servers

SIZE = int(os.environ.get("IRKIT_BENCH_MIB", "1024")) << 20

SHIP = """
import sys
from pathlib import Path
from irkit.model.bundle import Bundle
from irkit.settings import StoreSettings
from irkit.ship.destination import destination
path, sha256, url, endpoint = sys.argv[1:]
bundle = Bundle(Path(path), sha256, Path(path).stat().st_size, 1)
destination(StoreSettings(url, s3_endpoint_url=endpoint or None)).put(bundle, "b.tar.gz")
"""


def main() -> None:
    """Print a table for each server."""
    os.environ |= {"AWS_ACCESS_KEY_ID": servers.KEY, "AWS_SECRET_ACCESS_KEY": servers.SECRET}
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "b.tar.gz")
        sha256 = _random_file(path)
        ship = [sys.executable, "-c", SHIP, str(path), sha256]
        _raced("a folder", [*ship, Path(scratch, "out").as_uri(), ""])
        shutil.rmtree(Path(scratch, "out"))
        for name in ("versitygw", "minio"):
            with tempfile.TemporaryDirectory() as home, servers.running(name, Path(home)) as server:
                _raced(name, [*ship, f"s3://{server.fresh()}", server.url])


def _raced(name: str, ship: list[str]) -> None:
    """Shipping, then shipping again what is there: that is the reading back alone."""
    costs = race({f"irkit to {name}": [ship], "read back alone": [ship]}, rounds=1, warm=False)
    table(costs, against=f"irkit to {name}")
    print(f"  {SIZE / costs[0].wall / 1e6:.0f} MB/s, reading back included; {costs[0].cpu:.1f} CPU seconds")


def _random_file(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("wb") as out:
        for _ in range(SIZE >> 20):
            chunk = os.urandom(1 << 20)
            hasher.update(chunk)
            out.write(chunk)
    return hasher.hexdigest()
