"""Sealing and verifying against `tar czf` and `sha256sum`, over 1 GiB of log lines; IRKIT_BENCH_MIB changes the size.

In two shapes: logs of 10 MiB, at which the kubelet rotates them, are hashed side by side, files of 256 MiB one after
another. Wall time of whole processes, Python's start included. The peak must not grow with the size: try 10240, with
IRKIT_BENCH_ROUNDS=1 (3 otherwise). The others, to whom the shape is all one, are left out of the second, and from 4 GiB
on, where they take minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks._timing import race, table

SIZE = int(os.environ.get("IRKIT_BENCH_MIB", "1024")) << 20
ALONE = SIZE >= 4 << 30
ROUNDS = int(os.environ.get("IRKIT_BENCH_ROUNDS", "3"))
SHAPES = {"logs of 10 MiB": 10 << 20, "files of 256 MiB": 256 << 20}
NAME = "irkit-bench-web-20261123T030000Z"

# The bundle of the round before is moved away: to delete it would take a twelfth of the time.
SEAL = f"""
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from irkit.bundle.seal import seal
data, out = map(Path, sys.argv[1:])
if (out / "{NAME}.tar.gz").exists():
    (out / "{NAME}.tar.gz").rename(out / str(os.getpid()))
seal("{NAME}", data, out, info={{"Case": "bench"}}, custody=[{{"a": 1}}], at=datetime(2026, 11, 23, 3, tzinfo=UTC))
"""
VERIFY = """
import sys
from pathlib import Path
from irkit.bundle.verify import verify
sys.exit(not verify(Path(sys.argv[1])).ok)
"""
# Access-log lines with addresses, numbers and request ids that differ, shuffled anew every 60 MiB or so.
PAYLOAD = """
import random, sys
from pathlib import Path
data, size, each = Path(sys.argv[1]), *map(int, sys.argv[2:])
dice = random.Random(1)

def line():
    at = f"2026-11-23T03:{dice.randrange(60):02d}:{dice.randrange(60):02d}.{dice.randrange(10**9):09d}Z"
    address = ".".join(str(dice.randrange(256)) for _ in range(4))
    request = f'"GET /api/v1/{dice.choice(("users", "orders", "cart"))}/{dice.randrange(10**6)} HTTP/1.1"'
    tail = f"{dice.choice((200, 200, 404))} Mozilla/5.0 (X11; Linux x86_64) rid={dice.getrandbits(128):032x}"
    return f"{at} {address} - - {request} {tail}\\n".encode()

data.mkdir()
lines, text = [line() for _ in range(300_000)], b""
for number in range(-(-size // each)):
    left = min(each, size - number * each)
    with (data / f"app-{number:04d}.current.log").open("wb") as log:
        while left:
            if not text:
                dice.shuffle(lines)
                text = b"".join(lines)
            text, left = text[left:], left - log.write(text[:left])
"""


def main() -> None:
    """Print two tables and the rates for each shape."""
    for shape, each in SHAPES.items():
        with tempfile.TemporaryDirectory() as scratch:
            print(f" {SIZE >> 20} MiB in {shape}")
            _measured(Path(scratch), each, alone=ALONE or each != min(SHAPES.values()))


def _measured(scratch: Path, each: int, *, alone: bool) -> None:
    data, out = scratch / "data", scratch / "out"
    out.mkdir()
    # In a process of its own: a child inherits the peak of its parent.
    subprocess.run([sys.executable, "-c", PAYLOAD, str(data), str(SIZE), str(each)], check=True)
    ours, plain = out / f"{NAME}.tar.gz", out / "plain.tar.gz"
    theirs = {"tar czf": [["tar", "czf", str(plain), "-C", str(scratch), "data"]]}
    _raced({} if alone else theirs, "irkit seal", [[sys.executable, "-c", SEAL, str(data), str(out)]])
    print(f"  size: irkit {ours.stat().st_size >> 20} MiB, tar {_size(plain)}")
    theirs = {
        "sha256sum": [["bash", "-c", f"sha256sum {data}/*"]],
        "gzip -dc | sha256sum": [["bash", "-c", f"gzip -dc {ours} | sha256sum"]],
    }
    _raced({} if alone else theirs, "irkit verify", [[sys.executable, "-c", VERIFY, str(ours)]])


def _raced(theirs: dict[str, list[list[str]]], name: str, command: list[list[str]]) -> None:
    """The table, and irkit's rate by the clock and by the processor: two cores can do twice the latter."""
    costs = race({**theirs, name: command}, rounds=ROUNDS, warm=not ALONE)
    table(costs, against=next(iter(theirs), name))
    wall, cpu = next((cost.wall, cost.cpu) for cost in costs if cost.name == name)
    print(f"  {name}: {SIZE / wall / 1e6:.0f} MB/s of payload, {SIZE / cpu / 1e6:.0f} MB per CPU second")


def _size(path: Path) -> str:
    return f"{path.stat().st_size >> 20} MiB" if path.exists() else "not measured"
