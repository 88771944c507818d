"""Peak memory of `irkit audit` on a log that grows; IRKIT_BENCH_GB says to how many GB (3 unless told, at most 20)."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from benchmarks._auditlog import make
from benchmarks._timing import run
from benchmarks.audit import POD, irkit

GIGABYTE = 1_000_000_000


def main() -> None:
    last = min(int(os.environ.get("IRKIT_BENCH_GB", "3")), 20)
    with tempfile.TemporaryDirectory(prefix="irkit-bench-") as folder:
        path = Path(folder) / "audit.log"
        for size in dict.fromkeys((1, last)):
            if shutil.disk_usage(folder).free < (size + 1) * GIGABYTE:
                print(f"  {size} GB: no room in {folder}")
                return
            make(path, size * GIGABYTE)
            for name, words in (("search, one pod", ("search", str(path), *POD)), ("detect", ("detect", str(path)))):
                wall, peak, _ = run(irkit(*words)[0])
                print(f"  {size:2} GB  {name:15}  {peak:6,.0f} MiB in its largest process  {wall:6.1f} s", flush=True)
