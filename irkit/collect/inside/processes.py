"""Processes: what runs in the pod, with its sockets, open files, maps, mounts and the hash of each executable."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from irkit.cluster.protocol import Cluster, Json, Stream
from irkit.cluster.resolve import check
from irkit.cluster.resources import PODS
from irkit.collect import gaps
from irkit.collect.collector import not_replaced, pod_of
from irkit.collect.folder import Folder
from irkit.collect.inside import frames, probe, script
from irkit.collect.inside.sockets import sockets
from irkit.collect.piece import Found, Piece
from irkit.collect.pod.containers import Container, containers
from irkit.errors import IrkitError
from irkit.model.evidence import Call
from irkit.model.isolation import Change
from irkit.model.permission import Permission
from irkit.model.pod import Target
from irkit.text import slug

EXEC = PODS.permission("get", "exec")
CREATE = PODS.permission("create", "exec")  # asked for since 1.35, whatever the verb of the request
_NO_SEAL = "name who may read it: --recipient; it holds secrets and goes into the sealed part alone"


@dataclass(frozen=True, slots=True)
class Processes:
    """processes/<container>/proc.jsonl, and processes.json and sockets.json read out of it.

    With `sealed` also processes/<container>/environ, which only recipients may read.
    """

    image: str  # of the probe; "": by exec in the container itself, with the tools it has
    sealed: bool
    intend: Callable[[Change], None]
    name: str = "processes"

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Exec; for a probe, an ephemeral container as well."""
        own = (PODS.permission("get"), EXEC, CREATE)
        return (*own, probe.PATCH) if self.image else own

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """Container by container; one that cannot be looked into costs no other."""
        whole = Piece(self.name, "", "the processes of its containers", probe.PATCH if self.image else EXEC)
        pod = check(pod_of(target), cluster).json()
        running = [each for each in containers(pod) if each.kind != "ephemeral" and "running" in _state(each)]
        if not running:
            yield gaps.gap(whole, gaps.NeverExisted("no container of the pod runs"))
            return
        names = [each.name for each in running]
        if not self.image:
            detail = f"exec of a shell in {', '.join(names)}: it runs beside the processes it looks at"
            self.intend(Change("exec", "Pod", target.namespace, target.name, detail))
        try:
            where = probe.placed(target, names, self.image, cluster, self.intend) if self.image else {}
        except IrkitError as error:
            yield gaps.gap(whole, error)
            return
        for name in names:
            yield from self._container(name, where.get(name, name), target, cluster, into)

    def _container(self, name: str, place: str, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        folder = f"processes/{slug(name)}"
        raw = Piece(self.name, f"{folder}/proc.jsonl", f"/proc of container {name}", EXEC)

        def taken(piece: Piece, text: str) -> Iterator[Found]:
            opener = partial(_opened, text, place, target, cluster, bool(self.image))
            return into.stream(piece, opener, proof=lambda _: not_replaced(target, cluster))

        yield from taken(raw, script.look(probe=bool(self.image)))
        if into.path(raw).exists():
            yield from _read_out(raw, name, folder, into)
        environment = Piece(self.name, f"{folder}/environ", f"environment of the processes of container {name}", EXEC)
        if self.sealed:
            yield from taken(environment, script.environment(probe=bool(self.image)))
        else:
            yield gaps.gap(environment, gaps.Unfit("not taken: nobody is named who may read it", _NO_SEAL))


@dataclass(slots=True)
class _Rows:
    """The probe's output as JSON lines."""

    output: Stream

    @property
    def call(self) -> Call:
        return self.output.call

    def __iter__(self) -> Iterator[bytes]:
        return frames.rows(self.output)


@contextmanager
def _opened(text: str, place: str, target: Target, cluster: Cluster, probed: bool) -> Iterator[_Rows]:
    if probed:
        probe.await_running(target, place, cluster)
    path = PODS.path(target.namespace, target.name, "exec")
    with cluster.execute(path, ["sh", "-c", text], place) as output:
        yield _Rows(output)


def _read_out(raw: Piece, name: str, folder: str, into: Folder) -> Iterator[Found]:
    table, tables = _table(raw, into)
    about = f"the processes of container {name}"
    if not table:
        why = f"no process of container {name} is seen: the runtime does not share its processes with the probe"
        yield gaps.gap(Piece("processes", "", about), gaps.Unfit(why, "try `--processes exec`"))
        return
    yield from into.compute(Piece("processes", f"{folder}/processes.json", about), lambda: _processes(table))
    owners = _owners(table)
    piece = Piece("processes", f"{folder}/sockets.json", f"the sockets that container {name} sees")
    yield from into.compute(piece, lambda: list(sockets(tables, owners)))
    hidden = sorted(pid for pid, files in table.items() if not files.get("exe") and " (zombie)" not in _state_of(files))
    if hidden:
        told = f"executable, maps and files of {len(hidden)} processes cannot be read, the first is {hidden[0]}"
        yield gaps.gap(Piece("processes", "", f"all of {about}"), gaps.Unfit(told, "it takes root and SYS_PTRACE"))


def _table(raw: Piece, into: Folder) -> tuple[dict[int, Json], dict[str, str]]:
    """Each process's files by name, and the tables of /proc/net; the last row of a cut stream may be half."""
    table: dict[int, Json] = defaultdict(dict)
    tables: dict[str, str] = {}
    with into.path(raw).open("rb") as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if row["file"].startswith("net/"):
                tables[row["file"].removeprefix("net/")] = row["text"]
            elif row["pid"]:
                table[row["pid"]][row["file"]] = row.get("args", row.get("fds", row.get("text")))
    return table, tables


def _processes(table: dict[int, Json]) -> list[Json]:
    """`{pid, ppid, name, state, uid, capabilities, args, exe, deleted, sha256, cwd}` by pid."""
    return [_process(pid, table[pid]) for pid in sorted(table)]


def _process(pid: int, files: Json) -> Json:
    status = _status(files)
    exe = str(files.get("exe") or "")
    return {
        "pid": pid,
        "ppid": status.get("PPid", ""),
        "name": status.get("Name", ""),
        "state": status.get("State", ""),
        "uid": status.get("Uid", "").split("\t")[0],
        "capabilities": status.get("CapEff", ""),
        "args": files.get("cmdline") or [],
        "exe": exe.removesuffix(" (deleted)"),
        "deleted": exe.endswith(" (deleted)"),
        "sha256": files.get("sha256") or "",
        "cwd": files.get("cwd") or "",
    }


def _status(files: Json) -> dict[str, str]:
    lines = (line.partition(":\t") for line in str(files.get("status") or "").splitlines())
    return {key: value.strip() for key, _, value in lines}


def _state_of(files: Json) -> str:
    return " " + _status(files).get("State", "")


def _owners(table: dict[int, Json]) -> dict[str, list[int]]:
    """Which processes hold a socket, by its inode."""
    held: dict[str, set[int]] = defaultdict(set)
    for pid, files in table.items():
        for name in (files.get("fd") or {}).values():
            if name.startswith("socket:["):
                held[name[8:-1]].add(pid)
    return {inode: sorted(pids) for inode, pids in held.items()}


def _state(container: Container) -> Json:
    found = container.status.get("state")
    return found if isinstance(found, dict) else {}
