"""What a server says when it refuses never brings a secret into an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from irkit.bundle.redact.sayings import masked
from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster
from irkit.errors import ClusterError
from irkit.settings import ClusterSettings
from tests.collect.api import Execs, Route, Says, no, serving

OWN = "our-own-opaque-token-1"
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6cGF5bWVudHM6d2ViIn0.c2lnbmF0dXJl"
HOOK = 'admission webhook "v.example.org" denied the request: DB_PASSWORD=hunter2-Zebra-91 is too short'
POD = "/api/v1/namespaces/shop/pods/web"


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (no(403, "Forbidden", HOOK), "admission webhook"),
        (no(400, "BadRequest", f"invalid header\nAuthorization: Bearer {JWT}"), "invalid header"),
        (no(401, "Unauthorized", f"unknown token {OWN}"), "unknown token"),
        (Says(f"upstream refused: authorization: Bearer {JWT}\n".encode(), 400), "upstream refused"),
        (Says(f"no such session: {OWN}".encode(), 400), "no such session"),
        (no(400, "BadRequest", "x" * 480 + f" Bearer {JWT}"), "xxx"),
    ],
)
def test_a_refusal_is_told_without_the_secrets_in_it(tmp_path: Path, answer: Says, kept: str) -> None:
    with serving({POD: answer}) as api:
        with pytest.raises(ClusterError) as caught:
            _door(tmp_path, api.port).get(POD)
    _clean(caught.value, kept)


def test_so_is_what_a_command_complains_of(tmp_path: Path) -> None:
    failed = b'\3{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"1"}]}}'
    served: dict[str, Route] = {f"{POD}/exec": Execs([f"\2cannot log in with Bearer {JWT}".encode(), failed])}
    with serving(served) as api:
        with (
            pytest.raises(ClusterError) as caught,
            _door(tmp_path, api.port).execute(f"{POD}/exec", ["x"], "app") as it,
        ):
            list(it)
    _clean(caught.value, "cannot log in")


@pytest.mark.parametrize(
    "usual",
    [
        'previous terminated container "app" in pod "web-1" not found',
        'pods "web-1" not found',
        'pods "web" is forbidden: User "system:serviceaccount:a:b" cannot get resource "pods/log" in API group "" in '
        'the namespace "shop"',
    ],
)
def test_the_usual_words_stay_as_they_are(usual: str) -> None:
    assert masked(usual) == usual


def _door(folder: Path, port: int) -> Cluster:
    config = {
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "it", "user": {"token": OWN}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return connect(ClusterSettings(str(path), timeout=2), mask=masked)


def _clean(error: ClusterError, kept: str) -> None:
    told = f"{error.message} {error.hint}"
    assert kept in told
    for secret in (OWN, JWT, JWT[:24], "hunter2"):
        assert secret not in told
