"""The client against servers that misbehave."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol

import pytest

from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster
from irkit.cluster.wire.lacking import remedy
from irkit.cluster.wire.sender import Pace
from irkit.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    DeadlineExceeded,
    Forbidden,
    Gone,
    Invalid,
    IrkitError,
    NotFound,
    Overloaded,
    Unauthorized,
    Unreachable,
)
from irkit.settings import ClusterSettings
from irkit.times import now
from tests.cluster.scripted import Answer, Script, cut, hang, kubeconfig, refuse, reply, serving

POD = "/api/v1/namespaces/a/pods/b"
PODS = "/api/v1/namespaces/a/pods"


class Play(Protocol):
    """Starts a server with these answers; gives the server and a client of it."""

    def __call__(self, *answers: Answer, timeout: float = 5) -> tuple[Script, Cluster]: ...


@pytest.fixture
def pauses() -> list[float]:
    """What the client slept, without sleeping."""
    return []


@pytest.fixture
def play(tmp_path: Path, pauses: list[float]) -> Iterator[Play]:
    with ExitStack() as stack:

        def start(*answers: Answer, timeout: float = 5) -> tuple[Script, Cluster]:
            script = stack.enter_context(serving(*answers))
            settings = ClusterSettings(str(kubeconfig(tmp_path, script.url)), timeout=timeout)
            return script, connect(settings, pace=Pace(sleep=pauses.append))

        yield start


def test_a_reply_is_the_bytes_and_the_call_that_brought_them(play: Play) -> None:
    body = b'{ "kind":"Pod",\n "unknownField": 1.0 }'
    script, cluster = play(reply(body, Audit_Id="abc"))
    found = cluster.get(POD, {"pretty": "a b"})
    assert found.body == body
    assert found.consistent
    assert found.json()["unknownField"] == 1.0
    assert (found.call.method, found.call.url, found.call.status) == ("GET", POD + "?pretty=a+b", 200)
    assert found.call.audit_id == "abc"
    assert found.call.server_date is not None
    assert 0 < found.call.elapsed < 5
    assert abs((found.call.started - now()).total_seconds()) < 5
    asked = script.asked[0]
    assert asked.headers["authorization"] == "Bearer s3cret"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.headers["user-agent"].startswith("irkit/")
    assert (cluster.server, cluster.context) == (script.url, "test")


def test_a_proxy_that_compresses_all_the_same_is_undone(play: Play) -> None:
    body = b'{"kind":"Pod"}' * 1000
    _, cluster = play(reply(gzip.compress(body), Content_Encoding="gzip"))
    assert cluster.get(POD).body == body


@pytest.mark.parametrize("status", [429, 502, 503, 504, 500])
def test_a_failing_server_is_asked_again(play: Play, pauses: list[float], status: int) -> None:
    script, cluster = play(refuse(status), refuse(status), reply())
    assert cluster.get(POD).body == b"{}"
    assert len(script.asked) == 3
    assert len(pauses) == 2
    assert 0 < pauses[0] < 1 < 2 * pauses[1]


def test_retry_after_is_honoured_in_seconds_and_as_a_date(play: Play, pauses: list[float]) -> None:
    date = format_datetime(now() + timedelta(seconds=3), usegmt=True)
    _, cluster = play(reply(status=429, Retry_After="2"), reply(status=503, Retry_After=date), reply())
    cluster.get(POD)
    assert pauses[0] == 2
    assert 1 < pauses[1] <= 3


def test_an_unreadable_retry_after_is_not_followed(play: Play, pauses: list[float]) -> None:
    _, cluster = play(reply(status=429, Retry_After="soon"), reply())
    cluster.get(POD)
    assert 0 < pauses[0] <= 0.5


def test_a_server_that_asks_for_more_time_than_there_is_ends_the_call(play: Play, pauses: list[float]) -> None:
    script, cluster = play(reply(b"busy", 429, Retry_After="60"))
    with pytest.raises(Overloaded, match="HTTP 429 to GET /api/v1/namespaces/a/pods/b: busy") as caught:
        cluster.get(POD)
    assert (len(script.asked), pauses) == (1, [])
    assert caught.value.status == 429
    assert caught.value.hint


def test_a_plain_500_is_not_asked_for_ever(play: Play) -> None:
    script, cluster = play(refuse(500, "InternalError", "dial tcp 10.0.0.1:10250: connect: connection refused"))
    with pytest.raises(Overloaded, match="dial tcp"):
        cluster.get(POD)
    assert len(script.asked) == 3


@pytest.mark.parametrize("answer", [refuse(500), refuse(503), refuse(504), cut()])
def test_a_change_that_may_have_been_made_is_never_repeated(play: Play, answer: Answer) -> None:
    script, cluster = play(answer, reply())
    with pytest.raises((Overloaded, Unreachable)):
        cluster.create(PODS, {})
    assert len(script.asked) == 1


@pytest.mark.parametrize("answer", [refuse(429), reply(status=503, Retry_After="1")])
def test_a_change_that_was_turned_away_is_repeated(play: Play, answer: Answer) -> None:
    script, cluster = play(answer, reply())
    cluster.create(PODS, {})
    assert len(script.asked) == 2


def test_a_dry_run_and_an_apply_may_be_repeated(play: Play) -> None:
    script, cluster = play(cut(), reply(), cut(), reply())
    cluster.create(PODS, {}, dry_run=True)
    cluster.apply(POD, {})
    assert len(script.asked) == 4


def test_a_read_over_a_broken_connection_is_repeated(play: Play) -> None:
    script, cluster = play(cut(), cut(), reply())
    assert cluster.get(POD).body == b"{}"
    assert len(script.asked) == 3


def test_a_hung_server_costs_no_more_than_the_deadline(play: Play) -> None:
    _, cluster = play(hang(b'{"half":'))
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        cluster.within(0.3).get(POD)
    assert time.monotonic() - began < 2


def test_a_dripping_server_costs_no_more_than_the_deadline(play: Play) -> None:
    _, cluster = play(hang(pause=0.05))
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        cluster.within(0.3).get(POD)
    assert time.monotonic() - began < 2


def test_all_calls_of_a_view_share_its_deadline(play: Play) -> None:
    _, cluster = play(reply(), hang())
    view = cluster.within(0.3)
    view.get(POD)
    with pytest.raises(DeadlineExceeded):
        view.get(POD)
    with pytest.raises(DeadlineExceeded):
        view.within(60).get(POD)


def test_the_timeout_bounds_one_call(play: Play) -> None:
    _, cluster = play(hang(), reply(), timeout=0.3)
    with pytest.raises(DeadlineExceeded):
        cluster.get(POD)
    assert cluster.get(POD).body == b"{}"


def test_a_stream_is_bounded_by_silence_not_by_length(play: Play) -> None:
    _, cluster = play(hang(b"first", pause=0.05), timeout=0.3)
    with cluster.stream(POD + "/log") as stream:
        began, seen = time.monotonic(), b""
        for chunk in stream:
            seen += chunk
            if time.monotonic() - began > 0.5:
                break
    assert seen.startswith(b"first.....")
    assert stream.call.elapsed >= 0.5


def test_a_silent_stream_is_late(play: Play) -> None:
    _, cluster = play(hang(b"first"), timeout=0.3)
    with cluster.stream(POD + "/log") as stream:
        chunks = iter(stream)
        assert next(chunks) == b"first"
        with pytest.raises(DeadlineExceeded):
            next(chunks)


def test_a_stream_within_a_deadline_is_late_although_it_flows(play: Play) -> None:
    _, cluster = play(hang(pause=0.02))
    with cluster.within(0.3).stream(POD + "/log") as stream, pytest.raises(DeadlineExceeded):
        list(stream)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_cut_stream_is_known_to_be_cut(play: Play, chunked: bool) -> None:
    _, cluster = play(cut(b"half a log", chunked=chunked))
    seen: list[bytes] = []
    with cluster.stream(POD + "/log") as stream, pytest.raises(Unreachable, match="no whole answer"):
        seen.extend(stream)
    assert b"".join(seen) in (b"half a log", b"")


def test_a_refused_stream_is_an_error(play: Play) -> None:
    _, cluster = play(refuse(400, "BadRequest", "previous terminated container not found"))
    with pytest.raises(Invalid, match="previous terminated"), cluster.stream(POD + "/log"):
        pytest.fail("there is no stream")


def test_connections_are_kept_and_shared_by_threads(play: Play) -> None:
    _, cluster = play(reply(b"x" * 100_000))
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda _: len(cluster.get(POD).body), range(40)))
    assert sizes == [100_000] * 40


def test_a_reply_too_large_for_memory_is_refused(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("irkit.cluster.wire.api.WHOLE", 1 << 20)
    _, cluster = play(reply(b"x" * (2 << 20)))
    with pytest.raises(ClusterError, match="larger than 1 MiB"):
        cluster.get(POD)


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"[1]", b'{"half":', b"", b"[" * 100_000])
def test_an_answer_that_is_not_the_api_s_is_named(play: Play, body: bytes) -> None:
    _, cluster = play(reply(body))
    with pytest.raises(ClusterError, match="not a JSON object") as caught:
        cluster.get(POD).json()
    assert "API server" in caught.value.hint


RBAC = 'pods "b" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "a"'


@pytest.mark.parametrize(
    ("message", "command"),
    [
        (RBAC, "kubectl create role irkit-get-pods-log --verb=get --resource=pods/log -n a`, then bind it"),
        (
            'User "j" cannot list resource "namespaces" in API group "" at the cluster scope',
            "kubectl create clusterrole irkit-list-namespaces --verb=list --resource=namespaces`",
        ),
        (
            'cannot patch resource "deployments/scale" in API group "apps" in the namespace "a b"',
            "irkit-patch-deployments-scale --verb=patch --resource=deployments.apps/scale -n 'a b'`",
        ),
        ('User "j" cannot get path "/logs/x"', "irkit-get-logs-x --verb=get --non-resource-url=/logs/x`"),
        (
            'cannot create resource "tier.globalnetworkpolicies" in API group "projectcalico.org" at the cluster scope',
            "tier.globalnetworkpolicies.projectcalico.org in the whole cluster: add it to a ClusterRole",
        ),
    ],
)
def test_the_remedy_grants_what_is_missing_and_names_no_other_command(message: str, command: str) -> None:
    assert command in remedy(message)
    assert "irkit rbac" not in remedy(message)


@pytest.mark.parametrize(
    ("answer", "kind", "message", "hint"),
    [
        (refuse(401, "Unauthorized", "Unauthorized"), Unauthorized, "Unauthorized", "log in again"),
        (refuse(403, "Forbidden", RBAC), Forbidden, "jane", "permission to get pods/log in namespace a: `kubectl"),
        (
            refuse(403, "Forbidden", RBAC.replace('group ""', 'group "apps"')),
            Forbidden,
            "jane",
            "get pods/log.apps",
        ),
        (refuse(403, "Forbidden", "exceeded quota: cpu"), Forbidden, "quota", "not a lacking permission"),
        (refuse(404, "NotFound", 'pods "b" not found'), NotFound, "not found", ""),
        (refuse(409, "AlreadyExists", "taken"), AlreadyExists, "taken", "not ours"),
        (refuse(409, "Conflict", "modified"), Conflict, "modified", "read it again"),
        (refuse(410, "Expired", "too old"), Gone, "too old", "start it again"),
        (refuse(422, "Invalid", "spec is wrong"), Invalid, "spec is wrong", ""),
        (refuse(400, "BadRequest", "a\nb\x1b[2J"), Invalid, r"a b\\x1b\[2J", ""),
        (reply(b"<html>", 302, Location="http://elsewhere/"), Invalid, "HTTP 302", "is this an API server"),
        (reply(b"", 403), Forbidden, "HTTP 403 to GET", ""),
        (reply(b"[]", 404), NotFound, "HTTP 404 to GET", ""),
        (reply({"kind": "Status", "details": 1, "metadata": 2}, 404), NotFound, "HTTP 404", ""),
    ],
)
def test_each_refusal_has_its_error(
    play: Play, answer: Answer, kind: type[ClusterError], message: str, hint: str
) -> None:
    script, cluster = play(answer)
    with pytest.raises(kind, match=message) as caught:
        cluster.get(POD)
    assert type(caught.value) is kind
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
    assert len(script.asked) == 1


TESTED = [{"op": "test", "path": "/metadata/uid", "value": "x"}]


def test_a_failed_test_of_a_patch_is_a_conflict(play: Play) -> None:
    bare = refuse(422, "Invalid", "the server rejected our request due to an error in our request", details={})
    script, cluster = play(bare)
    with pytest.raises(Conflict, match="not as it was read"):
        cluster.patch(POD, TESTED)
    with pytest.raises(Invalid):
        cluster.patch(POD, [{"op": "add", "path": "/x", "value": 1}])
    assert script.asked[0].headers["content-type"] == "application/json-patch+json"
    assert json.loads(script.asked[0].body) == TESTED


def test_an_invalid_patch_with_tests_is_still_invalid(play: Play) -> None:
    _, cluster = play(refuse(422, "Invalid", "bad label", details={"kind": "Pod", "causes": []}))
    with pytest.raises(Invalid, match="bad label"):
        cluster.patch(POD, TESTED)


def test_changes_carry_manager_dry_run_and_preconditions(play: Play) -> None:
    script, cluster = play(reply())
    cluster.create(PODS, {"kind": "Pod"})
    cluster.apply(POD, {"kind": "Pod"}, dry_run=True)
    cluster.delete(POD, uid="u", resource_version="7")
    cluster.delete(POD, uid="u", dry_run=True)
    created, applied, deleted, tried = script.asked
    assert (created.method, created.query) == ("POST", {"fieldManager": "irkit"})
    assert (applied.method, applied.headers["content-type"]) == ("PATCH", "application/apply-patch+yaml")
    assert applied.query == {"fieldManager": "irkit", "force": "false", "dryRun": "All"}
    assert json.loads(deleted.body)["preconditions"] == {"uid": "u", "resourceVersion": "7"}
    assert json.loads(tried.body)["preconditions"] == {"uid": "u"}
    assert json.loads(tried.body)["dryRun"] == ["All"]


def test_a_refused_connection_is_one_clear_line(tmp_path: Path, pauses: list[float]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    cluster = connect(ClusterSettings(str(kubeconfig(tmp_path, url))), pace=Pace(sleep=pauses.append))
    with pytest.raises(Unreachable, match="no connection to http://127.0.0.1:.*[Rr]efused") as caught:
        cluster.create(PODS, {})
    assert len(pauses) == 2, "it never left, so trying again is safe even for a change"
    assert "API server" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://no-such-host.invalid", "unknown host"),
        ("http://[::bad", "cannot be used"),
        ("ftp://a", "no request to"),
    ],
)
def test_a_server_that_does_not_exist(tmp_path: Path, pauses: list[float], url: str, message: str) -> None:
    with pytest.raises(IrkitError, match=message):
        connect(ClusterSettings(str(kubeconfig(tmp_path, url))), pace=Pace(sleep=pauses.append)).get(POD)
