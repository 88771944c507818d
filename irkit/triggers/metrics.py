"""What the server counts, in OpenMetrics text: no label holds anything that a sender chose."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

Labels = tuple[tuple[str, str], ...]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


@dataclass(slots=True)
class Metrics:
    """Counters of this process since it started; safe for threads."""

    _requests: Counter[Labels] = field(default_factory=Counter)
    _alerts: Counter[Labels] = field(default_factory=Counter)
    _took: Counter[float] = field(default_factory=Counter)
    _seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(self, source: str, outcome: str, seconds: float) -> None:
        """One request answered; `source` is a configured name, or "" for a path that is none's."""
        bucket = next((most for most in _SECONDS if seconds <= most), float("inf"))
        with self._lock:
            self._requests[("source", source), ("outcome", outcome)] += 1
            self._took[bucket] += 1
            self._seconds += seconds

    def alerts(self, source: str, fates: Iterable[str]) -> None:
        """What became of the alerts of one delivery."""
        with self._lock:
            self._alerts.update((("source", source), ("fate", fate)) for fate in fates)

    def text(self, jobs: Mapping[str, int] | None) -> str:
        """The whole page; `jobs` are the queue's by state, None when it cannot be read."""
        with self._lock:
            lines = [
                *_family("irkit_requests", "counter", "Requests by source and outcome.", self._requests),
                *_family("irkit_alerts", "counter", "Alerts by source and fate.", self._alerts),
                *_histogram(self._took, self._seconds),
            ]
        states: dict[Labels, int] = {(("state", state),): count for state, count in (jobs or {}).items()}
        lines += _family("irkit_queue_jobs", "gauge", "Jobs in the queue by state.", states)
        lines += _family("irkit_queue_up", "gauge", "Whether the queue can be read.", {(): int(jobs is not None)})
        return "\n".join([*lines, "# EOF", ""])


def _family(name: str, kind: str, about: str, values: Mapping[Labels, float]) -> Iterator[str]:
    yield from (f"# TYPE {name} {kind}", f"# HELP {name} {about}")
    suffix = "_total" if kind == "counter" else ""
    for labels, value in sorted(values.items()):
        inner = ",".join(f'{key}="{text}"' for key, text in labels)
        yield f"{name}{suffix}{{{inner}}} {value}" if inner else f"{name}{suffix} {value}"


def _histogram(took: Mapping[float, int], seconds: float) -> Iterator[str]:
    name = "irkit_request_seconds"
    yield from (f"# TYPE {name} histogram", f"# UNIT {name} seconds", f"# HELP {name} Time to answer.")
    below = 0
    for most in (*_SECONDS, float("inf")):
        below += took.get(most, 0)
        yield f'{name}_bucket{{le="{"+Inf" if most == float("inf") else most}"}} {below}'
    yield from (f"{name}_sum {seconds:.6f}", f"{name}_count {below}")
