"""Forty secrets of ten kinds, planted in every place of a pod's life where they occur."""

from __future__ import annotations

import base64
import gzip
import json
from random import Random
from typing import Any
from urllib.parse import quote

_RANDOM = Random(20261124)  # noqa: S311 - reproducible, not secret
_ALL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _chars(count: int, alphabet: str = _ALL) -> str:
    return "".join(_RANDOM.choice(alphabet) for _ in range(count))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _jwt() -> str:
    claims = {"sub": f"system:serviceaccount:shop:{_chars(8)}", "jti": _chars(20)}
    head = _b64(json.dumps({"alg": "RS256", "kid": _chars(12)}, separators=(",", ":")).encode())
    return f"{head}.{_b64(json.dumps(claims, separators=(',', ':')).encode())}.{_b64(_RANDOM.randbytes(64))}"


def _private_key() -> str:
    body = base64.b64encode(_RANDOM.randbytes(150)).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])


KINDS: dict[str, list[str]] = {
    "password": ["S3cr3t&<pass>!", 'quo"te\\9back', "hunter2-Zebra", "pässwört-7x"],
    "jwt": [_jwt() for _ in range(4)],
    "aws": [f"AKIA{_chars(16, _ALL[:26] + '234567')}" for _ in range(2)] + [_chars(38) + "/+" for _ in range(2)],
    "github": ["ghp_" + _chars(36), "gho_" + _chars(36), "ghs_" + _chars(36), "github_pat_" + _chars(60)],
    "gitlab": ["glpat-" + _chars(20) for _ in range(4)],
    "slack": ["xoxb-" + _chars(40), "xoxp-" + _chars(40), "xapp-1-" + _chars(40), "xoxa-" + _chars(30)],
    "stripe": ["sk_live_" + _chars(24), "rk_live_" + _chars(24), "sk_test_" + _chars(24), "whsec_" + _chars(32)],
    "private key": [_private_key() for _ in range(4)],
    "connection string": [f"postgres://shop:{_chars(14)}@db.shop.svc:5432/shop" for _ in range(4)],
    "random": [_chars(32), _chars(40, "0123456789abcdef"), _chars(24), _chars(48)],
}
SECRETS = [secret for kind in KINDS.values() for secret in kind]


def needles(secret: str) -> list[bytes]:
    """What must not be left of a secret: its odd part, line by line, in every way it may be written."""
    core = secret.split("@")[0].rpartition(":")[2] if secret.startswith("postgres") else secret
    lines = [line for line in core.split("\n") if line and "-----" not in line and len(line) > 3]
    found = []
    for line in [*lines, core]:
        escaped = json.dumps(line)[1:-1]
        found += [escaped.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")]  # as Go writes it
        found += [line, escaped, json.dumps(line, ensure_ascii=False)[1:-1], json.dumps(escaped)[1:-1], quote(line)]
        found += [base64.b64encode(bytes(pad) + line.encode()).decode()[4 : len(line)] for pad in range(3)]
    return [one.encode() for one in found if len(one) > 6]


def _env() -> list[dict[str, str]]:
    return [{"name": f"APP_SECRET_{number}", "value": secret} for number, secret in enumerate(SECRETS)]


def _spec() -> dict[str, Any]:
    flags = [f"--token-{number}={secret}" for number, secret in enumerate(SECRETS[::2])]
    pairs = [word for number, secret in enumerate(SECRETS[1::2]) for word in (f"--api-key{number}", secret)]
    headers = [{"name": "Authorization", "value": f"Bearer {secret}"} for secret in SECRETS]
    shell = ["sh", "-c", " && ".join(f"export DB_PASSWORD='{secret}'" for secret in SECRETS)]
    probe = {"httpGet": {"path": "/", "port": 80, "httpHeaders": headers}, "initialDelaySeconds": 3600}
    container = {"name": "app", "args": flags + pairs, "command": shell, "env": _env(), "livenessProbe": probe}
    return {"containers": [container], "initContainers": [{"name": "init", "env": _env()[::-1]}]}


def pod() -> dict[str, Any]:
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": _spec()}
    notes = {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps(bare) + "\n",
        "example.com/api-token": SECRETS[4],
        "example.com/notes": f"see {SECRETS[36]} and https://h/x?access_token={quote(SECRETS[37])}",
        "example.com/config": json.dumps({"users": [{"password": secret} for secret in SECRETS]}),
    }
    return {**bare, "metadata": {"name": "web", "annotations": notes}}


def secret_object() -> dict[str, Any]:
    data = {f"k{number}": base64.b64encode(secret.encode()).decode() for number, secret in enumerate(SECRETS)}
    plain = {f"s{number}": secret for number, secret in enumerate(SECRETS)}
    return {"kind": "Secret", "metadata": {"name": "db"}, "type": "Opaque", "data": data, "stringData": plain}


def release() -> dict[str, Any]:
    release = {
        "config": {"auth": [{"password": secret} for secret in SECRETS]},
        "manifest": json.dumps(secret_object()),
    }
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    data = {"release": base64.b64encode(packed).decode()}
    return {
        "kind": "Secret",
        "metadata": {"name": "sh.helm.release.v1.web.v1"},
        "type": "helm.sh/release.v1",
        "data": data,
    }


def config() -> dict[str, Any]:
    properties = "\n".join(
        f"app.secret.{number}={secret}" for number, secret in enumerate(SECRETS) if "\n" not in secret
    )
    document = json.dumps({"api_key": SECRETS})
    return {
        "kind": "ConfigMap",
        "data": {"app.properties": properties, "app.json": document, "db_password": SECRETS[0]},
    }


def _audit() -> bytes:
    patch = [
        {"op": "replace", "path": "/data/token", "value": base64.b64encode(one.encode()).decode()} for one in SECRETS
    ]
    events = [
        {
            "objectRef": {"resource": "secrets"},
            "requestObject": {"data": secret_object()["data"]},
            "responseObject": secret_object(),
        },
        {"objectRef": {"resource": "secrets"}, "requestObject": patch},
        {"objectRef": {"resource": "pods"}, "requestObject": pod(), "responseObject": pod()},
        *({"requestURI": f"/api/v1/x?token={quote(secret)}"} for secret in SECRETS),
    ]
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def said() -> list[str]:
    """The lines of a log."""
    lines = []
    for number, secret in enumerate(SECRETS):
        lines += [
            f"connecting with {secret} now",
            f'{{"level":"info","msg":{json.dumps(secret)}}}',
            f"GET /?k={quote(secret)}",
        ]
        lines += [
            f"Authorization: Basic {base64.b64encode(f'u{number}:{secret}'.encode()).decode()}",
            f"password={secret}",
        ]
    return "\n".join(lines).split("\n")


def _log() -> bytes:
    return "".join(f"2026-11-24T03:00:00.{at:09}Z {line}\n" for at, line in enumerate(said())).encode()


def _events() -> dict[str, Any]:
    said = [{"kind": "Event", "message": f"Liveness probe failed: token {secret!s} refused"} for secret in SECRETS]
    return {"kind": "EventList", "items": said}


def files() -> dict[str, bytes]:
    """Path in the bundle to content."""
    documents = {
        "data/pod/pod.json": pod(),
        "data/owners/secret.json": secret_object(),
        "data/owners/release.json": release(),
        "data/owners/configmap.json": config(),
        "data/events/events.json": _events(),
    }
    told = {path: json.dumps(one, separators=(",", ":")).encode() for path, one in documents.items()}
    pretty = {"data/pod/pretty.json": json.dumps(pod(), indent=2, ensure_ascii=False).encode()}
    logs = {"data/logs/app.current.log": _log(), "data/logs/app.previous.log": _log()[::1] + b"\xff\xfe torn"}
    return told | pretty | logs | {"data/audit/events.jsonl": _audit()}
