"""Whole processes, timed in turn so that a drifting machine drifts for all alike; the median counts."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one contestant: median wall seconds, largest peak memory in MiB, least CPU seconds of all its processes.

    CPU seconds say more than wall seconds on a machine that others use.
    """

    name: str
    wall: float
    peak: float
    cpu: float


def run(command: Sequence[str], env: Mapping[str, str] | None = None) -> tuple[float, float, float]:
    """Wall seconds, peak MiB and CPU seconds of one run of `command`; raises where it does not end well."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(env or os.environ))
    said = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stderr:
        process.stderr.close()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said.decode()[-500:]}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def race(
    contestants: Mapping[str, Sequence[Sequence[str]] | Callable[[], None]], rounds: int = 5, *, warm: bool = True
) -> list[Cost]:
    """Time each contestant (commands run one after another, or a call) `rounds` times in turn, after one warm-up.

    Without `warm` there is none: for what takes minutes and warms itself up.
    """
    walls: dict[str, list[float]] = {name: [] for name in contestants}
    peaks: dict[str, float] = dict.fromkeys(contestants, 0.0)
    cpus: dict[str, float] = dict.fromkeys(contestants, float("inf"))
    for number in range(0 if warm else 1, rounds + 1):
        for name, work in contestants.items():
            wall, peak, cpu = _once(work)
            if number:
                walls[name].append(wall)
                peaks[name] = max(peaks[name], peak)
                cpus[name] = min(cpus[name], cpu)
    return [Cost(name, statistics.median(walls[name]), peaks[name], cpus[name]) for name in contestants]


def _once(work: Sequence[Sequence[str]] | Callable[[], None]) -> tuple[float, float, float]:
    if callable(work):
        began, burnt = time.perf_counter(), _burnt()
        work()
        return time.perf_counter() - began, 0.0, _burnt() - burnt
    walls, peaks, cpus = zip(*(run(command) for command in work), strict=True)
    return sum(walls), max(peaks), sum(cpus)


def _burnt() -> float:
    """CPU seconds of this process and of all its children that have ended."""
    return sum(os.times()[:4])


def table(costs: Sequence[Cost], against: str) -> None:
    """Print the costs with the ratios of each to `against`, by the clock and by the processor."""
    base = next(cost for cost in costs if cost.name == against)
    width = max(len(cost.name) for cost in costs)
    for cost in costs:
        peak = f"{cost.peak:7.0f} MiB" if cost.peak else " " * 11
        ratios = f"{cost.wall / base.wall:6.2f} x, CPU {cost.cpu / base.cpu:6.2f} x {against}"
        print(f"  {cost.name:<{width}}  {cost.wall:8.3f} s  {cost.cpu:8.3f} CPU s  {peak}  {ratios}")
