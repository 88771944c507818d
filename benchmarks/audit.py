"""The audit scan against what a responder would reach for: jq, ripgrep, duckdb; on one log, in one run, warm.

IRKIT_BENCH_MB sets the size of the log (1,000 unless told). Contestants that are not installed are left out, and said.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks._auditlog import VICTIM, make
from benchmarks._timing import Cost, race

MEGABYTES = int(os.environ.get("IRKIT_BENCH_MB", "1000"))
Command = Sequence[Sequence[str]]

POD = ("--pod", VICTIM.name, "-n", VICTIM.namespace, "--uid", VICTIM.uid)
FILTER = ("--where", "user = mallory@example.com and subresource = exec")
_REF = "objectRef: 'STRUCT(resource VARCHAR, subresource VARCHAR, namespace VARCHAR, name VARCHAR)'"
_CONTAINERS = 'STRUCT("name" VARCHAR, securityContext STRUCT(privileged BOOLEAN))[]'
_WHEN = "requestReceivedTimestamp: 'TIMESTAMP'"
_CODE = "responseStatus: 'STRUCT(code INTEGER)'"
# One rule of ours each: by columns, by what stands in a body, by counting, by grouping, by one event after another.
DUCK = {
    "exec into pods": (
        f"{{auditID: 'VARCHAR', verb: 'VARCHAR', {_REF}}}",
        "select auditID from log where objectRef.resource = 'pods' and objectRef.subresource = 'exec' "
        "and verb in ('create', 'get')",
    ),
    "privileged containers": (
        f"{{auditID: 'VARCHAR', verb: 'VARCHAR', {_REF}, "
        f"requestObject: 'STRUCT(spec STRUCT(containers {_CONTAINERS}, initContainers {_CONTAINERS}))'}}",
        "select auditID from log where objectRef.resource = 'pods' and objectRef.subresource is null "
        "and verb in ('create', 'update', 'patch') and len(list_filter(list_concat(requestObject.spec.containers, "
        "requestObject.spec.initContainers), lambda one: one.securityContext.privileged)) > 0",
    ),
    "secrets swept": (
        f"{{verb: 'VARCHAR', {_REF}, \"user\": 'STRUCT(username VARCHAR)', {_CODE}, {_WHEN}}}",
        'select "user".username, count(distinct (objectRef.namespace, objectRef.name)) from log '
        "where objectRef.resource = 'secrets' and verb in ('get', 'list', 'watch') and responseStatus.code < 400 "
        "and \"user\".username not like 'system:node:%' "
        "group by \"user\".username, time_bucket(interval '10 minutes', requestReceivedTimestamp) "
        "having count(distinct (objectRef.namespace, objectRef.name)) >= 10",
    ),
    "token on the move": (
        "{sourceIPs: 'VARCHAR[]', "
        '"user": \'STRUCT(extra STRUCT("authentication.kubernetes.io/pod-uid" VARCHAR[]))\'}',
        'select "user".extra."authentication.kubernetes.io/pod-uid"[1] pod, contains(sourceIPs[-1], \':\') family, '
        "count(distinct sourceIPs[-1]) places from log where pod is not null group by all having places > 1",
    ),
    # Over materialised tries: reading the log twice, or a window over all of it, takes longer.
    "allowed after refusal": (
        f"{{verb: 'VARCHAR', {_REF}, \"user\": 'STRUCT(username VARCHAR)', {_CODE}, {_WHEN}, "
        "impersonatedUser: 'STRUCT(username VARCHAR)', "
        "annotations: 'STRUCT(\"authorization.k8s.io/decision\" VARCHAR)'}",
        "from (with tries as materialized ("
        "select concat_ws(' ', \"user\".username, impersonatedUser.username, verb, objectRef.resource, "
        "objectRef.subresource, objectRef.namespace, "
        "case when verb = 'create' and objectRef.subresource is null then '' else objectRef.name end) attempt, "
        "responseStatus.code code, requestReceivedTimestamp moment from log "
        "where concat_ws('/', objectRef.resource, objectRef.subresource) in ('secrets', 'pods/exec', 'pods/attach', "
        "'serviceaccounts/token', 'nodes/proxy', 'clusterrolebindings', 'rolebindings') "
        "and (\"user\".username not like 'system:%' or \"user\".username like 'system:serviceaccount:%') "
        "and (code < 400 or (code = 403 and annotations.\"authorization.k8s.io/decision\" is distinct from 'allow'))) "
        "select attempt, min(was.moment), min(now.moment) from tries was join tries now using (attempt) "
        "where was.code = 403 and now.code < 400 and now.moment >= was.moment "
        "and now.moment - was.moment <= interval 1 hour group by attempt)",
    ),
}
# What a capture asks: all that is known of each pod.
CAPTURE = """
import sys
from benchmarks._auditlog import PODS
from irkit.audit.search import search_all
from irkit.model.pod import Target
known = [
    Target(one.namespace, one.name, one.uid, one.node, "Running", (one.address,), one.owner, "web")
    for one in PODS[: int(sys.argv[2])]
]
assert all(any(view.matches) for view in search_all([sys.argv[1]], known).views(None))
"""
JQ = f'select(.objectRef.name == "{VICTIM.name}" and .objectRef.namespace == "{VICTIM.namespace}")'


def irkit(*words: str) -> Command:
    """A whole command, as a responder types it."""
    return [[sys.executable, "-m", "irkit", "audit", *words, "--quiet"]]


def _capture(path: Path, pods: int) -> Command:
    return [[sys.executable, "-c", CAPTURE, str(path), str(pods)]]


def _duck(rule: str, path: Path) -> Command:
    columns, query = DUCK[rule]
    log = f"read_json('{path}', format='newline_delimited', columns={columns})"
    script = "import duckdb, sys; print(len(duckdb.sql(sys.argv[1]).fetchall()))"
    return [[sys.executable, "-c", script, f"with log as (from {log}) {query}"]]


def _rivals(path: Path) -> dict[str, Command]:
    rivals: dict[str, Command] = {"cat, nothing done with it": [["sh", "-c", f"cat {path} | cat > /dev/null"]]}
    if shutil.which("rg"):
        rivals["ripgrep, the uid"] = [["rg", "-c", "--no-mmap", VICTIM.uid, str(path)]]
    if shutil.which("jq"):
        rivals["jq, the pod's name"] = [["jq", "-c", JQ, str(path)]]
    if importlib.util.find_spec("duckdb"):
        rivals |= {f"duckdb, {rule}": _duck(rule, path) for rule in DUCK}
    return rivals


def _packed(path: Path) -> dict[str, Command]:
    """Who reads gzip; the floor is what a responder types."""
    contestants = {
        "irkit search, one pod": irkit("search", str(path), *POD),
        "irkit detect, all rules": irkit("detect", str(path)),
    }
    if shutil.which("rg") and shutil.which("gzip"):
        contestants["gzip -dc | rg, the uid"] = [["sh", "-c", f"gzip -dc {path} | rg -c {VICTIM.uid}"]]
    return contestants


def _show(costs: Sequence[Cost], size: int) -> None:
    slowest = max(cost.wall for cost in costs)
    print(f"  {'':30}  {'MB/s':>6}  {'seconds':>7}  {'CPU s':>6}  {'peak MiB':>8}  times as fast as the slowest")
    for cost in costs:
        rate = size / cost.wall / 1e6
        spent = f"{cost.wall:7.2f}  {cost.cpu:6.2f}  {cost.peak:8,.0f}"
        print(f"  {cost.name:30}  {rate:6,.0f}  {spent}  {slowest / cost.wall:5.1f}")


def _pack(path: Path) -> Path:
    packed = path.with_suffix(".log.gz")
    with path.open("rb") as plain, gzip.open(packed, "wb", compresslevel=6) as out:
        shutil.copyfileobj(plain, out, 1 << 20)
    path.unlink()
    return packed


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="irkit-bench-") as folder:
        path = Path(folder) / "audit.log"
        make(path, MEGABYTES * 1_000_000)
        size = path.stat().st_size
        ours = {
            "irkit search, one pod": irkit("search", str(path), *POD),
            "irkit search, a filter": irkit("search", str(path), *FILTER),
            "irkit for a capture, one pod": _capture(path, 1),
            "irkit for a capture, 200 pods": _capture(path, 200),
            "irkit detect, all rules": irkit("detect", str(path)),
            "irkit timeline, everything": irkit("timeline", str(path)),
        }
        rivals = _rivals(path)
        missing = {"rg", "jq", "duckdb"} - {name.split(",")[0].replace("ripgrep", "rg") for name in rivals}
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        print(f"one log of {size / 1e6:,.0f} MB, whole processes, median of 3 after a warm-up; load {load}")
        _show(race({**ours, **rivals}, rounds=3), size)
        packed = _pack(path)
        print("\nthe same log in gzip, by its unpacked size")
        _show(race(_packed(packed), rounds=3), size)
        print(f"not installed: {', '.join(sorted(missing))}" if missing else "")
