"""A look at a pod's processes: through an ephemeral container, or by exec."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.collect.capture import Bounds, capture
from irkit.collect.inside import frames
from irkit.collect.inside.processes import Processes
from irkit.collect.inside.sockets import sockets
from irkit.collect.piece import Found
from irkit.model.evidence import GapReason
from irkit.model.isolation import Change
from tests.collect.api import SUCCESS, Cut, Execs, Query, Route, Says, no, ok, serving
from tests.collect.scene import POD, TARGET, artifacts, gaps, pod, routes

EXEC = f"{POD}/exec"
PROBES = f"PATCH {POD}/ephemeralcontainers"
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 71 1 0 100 0 0 10 0
   1: 0A00F40A:A3C2 057100CB:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 72 1 0 100 0 0 10 0
"""
TCP6 = """  sl  local_address remote_address st
   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 73 1 0
"""
UNIX = """Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 81 /run/my socket
0000000000000000: 00000003 00000000 00000000 0001 03 82
"""
PACKET = "sk RefCnt Type Proto Iface R Rmem User Inode\n0000 3 3 0003 2 1 0 0 91\n"


def line(pid: int, what: str, content: bytes) -> bytes:
    return b"%d %s %s\n" % (pid, what.encode(), b64encode(content))


MINER = [
    line(0, "net/tcp", TCP.encode()),
    line(0, "net/unix", UNIX.encode()),
    line(
        7, "status", b"Name:\tkdevtmpfsi\nState:\tS (sleeping)\nPPid:\t1\nUid:\t1000\t1000\t1000\t1000\nCapEff:\t00a8\n"
    ),
    line(7, "cmdline", b"./kdevtmpfsi\0--token\0hunter2hunter2\0"),
    line(7, "maps", b"00400000-00401000 r-xp /tmp/kdevtmpfsi (deleted)\n"),
    line(7, "exe", b"/tmp/kdevtmpfsi (deleted)"),
    line(7, "cwd", b"/tmp"),
    line(7, "sha256", b"ab" * 32),
    line(7, "fd", b"0\0/dev/null\0003\0socket:[72]\0"),
    line(7, "mountinfo", b"22 1 0:20 / / rw - overlay overlay rw\n"),
]
ENVIRON = line(7, "environ", b"DB_PASSWORD=hunter2hunter2\0")


def executed(query: Query, *more: bytes) -> Execs:
    """Only the last `command` is left of the query: the script."""
    lines = [ENVIRON] if "environ" in query["command"] else [*MINER, *more]
    output = b"".join(lines)
    return Execs([b"\1" + output[at : at + 100] for at in range(0, len(output), 100)] + [b"\2not found\n", SUCCESS])


def living(**containers: dict[str, Any]) -> dict[str, Any]:
    """The pod with one running container, and what stands in it."""
    there = pod()
    there["spec"] = {"containers": [{"name": "app", "image": "app:1"}]}
    there["spec"]["imagePullSecrets"] = [{"name": "db"}]
    there["metadata"]["resourceVersion"] = "7"
    there["status"] = {"containerStatuses": [{"name": "app", "state": {"running": {}}}]}
    if containers:
        there["spec"]["ephemeralContainers"] = [{"name": name, "image": "tools"} for name in containers]
        there["status"]["ephemeralContainerStatuses"] = [{"name": n, "state": s} for n, s in containers.items()]
    return there


def scene(state: dict[str, Any] | None = None, **changes: Route) -> dict[str, Route]:
    """A pod whose probe, once it is put there, is in `state`."""
    there: dict[str, Any] = {}

    def patched(query: Query) -> Says:
        there["irkit-probe-a172cedc-1"] = state or {"running": {}}
        return ok({})

    mine: dict[str, Route] = {POD: lambda query: ok(living(**there)), PROBES: patched, EXEC: executed}
    return routes() | mine | changes


def look(
    tmp_path: Path,
    served: dict[str, Route],
    *,
    image: str = "tools",
    sealed: bool = False,
    told: list[Change] | None = None,
    deadline: float = 20,
) -> list[Found]:
    changes: list[Change] = [] if told is None else told
    with serving(served) as api:
        collector = Processes(image, sealed, changes.append)
        cluster = api.connect(tmp_path)
        return list(
            capture(TARGET, cluster, tmp_path / "data", collectors=[collector], bounds=Bounds(deadline=deadline))
        )


def read(tmp_path: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((tmp_path / "data/processes/app" / name).read_bytes())
    return rows


def test_what_runs_is_seen_through_an_ephemeral_container(tmp_path: Path) -> None:
    changes: list[Change] = []
    found = look(tmp_path, scene(), told=changes)
    (change,) = changes
    assert (change.kind, change.action, change.name) == ("Pod", "patch", "web")
    assert change.body[:2] == [
        {"op": "test", "path": "/metadata/uid", "value": TARGET.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
    ]
    probe = change.body[2]["value"][0]
    assert (probe["targetContainerName"], probe["image"], probe["command"]) == ("app", "tools", ["sleep", "600"])
    assert probe["securityContext"]["capabilities"] == {"add": ["SYS_PTRACE"]}
    assert set(artifacts(found)) == {
        f"processes/app/{name}" for name in ("proc.jsonl", "processes.json", "sockets.json")
    }
    (process,) = read(tmp_path, "processes.json")
    assert process == {
        "pid": 7,
        "ppid": "1",
        "name": "kdevtmpfsi",
        "state": "S (sleeping)",
        "uid": "1000",
        "capabilities": "00a8",
        "args": ["./kdevtmpfsi", "--token", "hunter2hunter2"],
        "exe": "/tmp/kdevtmpfsi",  # noqa: S108
        "deleted": True,
        "sha256": "ab" * 32,
        "cwd": "/tmp",  # noqa: S108
    }
    talking = next(each for each in read(tmp_path, "sockets.json") if each["pids"])
    assert (talking["local"], talking["remote"], talking["state"]) == (
        "10.244.0.10:41922",
        "203.0.113.5:443",
        "ESTABLISHED",
    )
    source = artifacts(found)["processes/app/proc.jsonl"].source
    assert source is not None
    assert (source.status, source.method) == (101, "GET")


def test_the_environment_is_not_taken_where_nobody_is_named_to_read_it(tmp_path: Path) -> None:
    found = look(tmp_path, scene())
    gap = gaps(found)["environment of the processes of container app"]
    assert "--recipient" in gap.remedy
    assert not (tmp_path / "data/processes/app/environ").exists()
    assert b"DB_PASSWORD" not in (tmp_path / "data/processes/app/proc.jsonl").read_bytes()


def test_the_environment_is_a_file_of_its_own_for_the_sealed_part(tmp_path: Path) -> None:
    found = look(tmp_path, scene(), sealed=True)
    assert not gaps(found)
    row = json.loads((tmp_path / "data/processes/app/environ").read_bytes())
    assert row == {"pid": 7, "file": "environ", "text": "DB_PASSWORD=hunter2hunter2\0"}


def test_a_probe_that_runs_already_is_used_again(tmp_path: Path) -> None:
    changes: list[Change] = []
    there = living(**{"irkit-probe-a172cedc-1": {"terminated": {}}, "irkit-probe-a172cedc-2": {"running": {}}})
    found = look(tmp_path, scene() | {POD: ok(there)}, told=changes)
    assert changes == []
    source = artifacts(found)["processes/app/proc.jsonl"].source
    assert source is not None
    assert "container=irkit-probe-a172cedc-2" in source.url


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ({"waiting": {"reason": "ErrImagePull", "message": "no such image"}}, "ErrImagePull: no such image"),
        ({"terminated": {"reason": "Error", "exitCode": 127}}, "Error: exit code 127"),
    ],
)
def test_a_probe_that_cannot_run_is_a_gap_at_once(tmp_path: Path, state: dict[str, Any], word: str) -> None:
    gap = gaps(look(tmp_path, scene(state)))["/proc of container app"]
    assert word in gap.detail
    assert "--probe-image" in gap.remedy


def test_a_probe_that_never_starts_ends_with_the_deadline(tmp_path: Path) -> None:
    found = look(tmp_path, scene({"waiting": {"reason": "ContainerCreating"}}), deadline=0.8)
    assert gaps(found)["/proc of container app"].reason is GapReason.DEADLINE


def test_a_pod_that_may_not_have_one_says_why(tmp_path: Path) -> None:
    words = 'violates PodSecurity "restricted:latest": unrestricted capabilities'
    found = look(tmp_path, scene() | {PROBES: no(403, "Forbidden", words)})
    gap = gaps(found)["the processes of its containers"]
    assert gap.reason is GapReason.DENIED
    assert "PodSecurity" in gap.detail


def test_by_exec_nothing_is_put_into_the_pod(tmp_path: Path) -> None:
    changes: list[Change] = []
    found = look(tmp_path, scene(), image="", told=changes)
    assert [each.action for each in changes] == ["exec"]
    source = artifacts(found)["processes/app/proc.jsonl"].source
    assert source is not None
    assert "container=app&" in source.url


def test_a_container_without_a_shell(tmp_path: Path) -> None:
    status = json.dumps(
        {
            "status": "Failure",
            "reason": "NonZeroExitCode",
            "message": "command terminated with non-zero exit code",
            "details": {"causes": [{"reason": "ExitCode", "message": "127"}]},
        }
    ).encode()
    served = scene() | {EXEC: Execs([b"\2sh: not found\n", b"\3" + status])}
    gap = gaps(look(tmp_path, served, image=""))["/proc of container app"]
    assert (gap.reason, gap.detail) == (GapReason.FAILED, "the command ended with 127: sh: not found")


def test_a_pod_in_which_nothing_runs(tmp_path: Path) -> None:
    ended = living()
    ended["status"]["containerStatuses"][0]["state"] = {"terminated": {}}
    found = look(tmp_path, scene() | {POD: ok(ended)})
    assert [each.reason for each in gaps(found).values()] == [GapReason.NEVER_EXISTED]


def test_a_runtime_that_shares_no_processes_is_told(tmp_path: Path) -> None:
    served = scene() | {EXEC: Execs([b"\1" + MINER[0], SUCCESS])}
    assert "does not share" in gaps(look(tmp_path, served))["the processes of container app"].detail


def test_processes_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    hidden = line(8, "status", b"Name:\tsecret\nState:\tR (running)\n") + line(8, "exe", b"")
    zombie = line(9, "status", b"Name:\tdead\nState:\tZ (zombie)\n") + line(9, "exe", b"")
    found = look(tmp_path, scene() | {EXEC: lambda query: executed(query, hidden, zombie)})
    gap = gaps(found)["all of the processes of container app"]
    assert "of 1 processes cannot be read, the first is 8" in gap.detail


def cut(query: Query) -> Execs:
    def messages() -> Iterator[bytes]:
        yield b"\1" + b"".join(MINER[:4]) + MINER[4][:9]
        raise Cut

    return Execs(messages())


def test_what_came_before_a_cut_is_kept_and_read(tmp_path: Path) -> None:
    found = look(tmp_path, scene() | {EXEC: cut})
    assert artifacts(found)["processes/app/proc.jsonl"].truncated
    assert gaps(found)["/proc of container app"].reason is GapReason.TRUNCATED
    assert [each["name"] for each in read(tmp_path, "processes.json")] == ["kdevtmpfsi"]


def test_a_silent_probe_is_left_at_the_deadline(tmp_path: Path) -> None:
    over = Event()

    def silent(query: Query) -> Execs:
        def messages() -> Iterator[bytes]:
            over.wait(20)
            yield SUCCESS

        return Execs(messages())

    found = look(tmp_path, scene() | {EXEC: silent}, deadline=1)
    over.set()
    assert gaps(found)["/proc of container app"].reason is GapReason.DEADLINE


@pytest.mark.parametrize("broken", [no(403, "Forbidden", "no"), no(500, "InternalError", "sorry"), Says(b"hello")])
def test_exec_refused_is_a_gap(tmp_path: Path, broken: Says) -> None:
    gap = gaps(look(tmp_path, scene() | {EXEC: broken}))["/proc of container app"]
    assert gap.reason in (GapReason.DENIED, GapReason.UNREACHABLE, GapReason.INVALID)


def test_a_successor_is_never_looked_into(tmp_path: Path) -> None:
    with serving(scene()) as api:

        def replaced(query: Query) -> Execs:
            api.routes[POD] = ok(pod("another-uid"))
            return executed(query)

        api.routes[EXEC] = replaced
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[Processes("", False, _no)]))
    assert artifacts(found) == {}
    assert gaps(found)["/proc of container app"].reason is GapReason.REPLACED


def _no(_: Change) -> None: ...


def test_sockets_of_every_kind() -> None:
    rows = list(sockets({"tcp6": TCP6, "unix": UNIX, "packet": PACKET, "udp": "header\nnonsense\n"}, {"73": [4]}))
    assert rows == [
        {
            "protocol": "tcp6",
            "local": "[::1]:8080",
            "remote": "[::]:0",
            "state": "LISTEN",
            "uid": 0,
            "inode": "73",
            "pids": [4],
        },
        {"protocol": "unix", "path": "/run/my socket", "state": "LISTEN", "inode": "81", "pids": []},
        {"protocol": "unix", "path": "", "state": "ESTABLISHED", "inode": "82", "pids": []},
        {"protocol": "packet", "state": "SNIFFING", "uid": 0, "inode": "91", "pids": []},
        {"protocol": "udp", "unread": "nonsense", "inode": "", "pids": []},
    ]


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=60), max_size=6), st.integers(1, 20))
def test_no_output_breaks_the_reading(lines: list[bytes], size: int) -> None:
    whole = b"\n".join(lines)
    rows = list(frames.rows(whole[at : at + size] for at in range(0, len(whole), size)))
    assert len(rows) == sum(bool(each) for each in whole.split(b"\n"))
    assert all(isinstance(json.loads(each)["pid"], int) for each in rows)


def test_a_process_cannot_forge_a_line() -> None:
    row = frames.row(line(7, "cmdline", b"x\n8 exe L3Vzci9iaW4vZmFrZQ==\n\0\xff\0")[:-1])
    assert row == {"pid": 7, "file": "cmdline", "args": ["x\n8 exe L3Vzci9iaW4vZmFrZQ==\n", "\\xff"]}
