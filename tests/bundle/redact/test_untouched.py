"""What is no secret stays as it is, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

from irkit.bundle.redact.redactor import Redactor, Unread
from irkit.bundle.redact.rewrite import Replaced
from irkit.bundle.redact.secrets import Secrets

KEY = bytes(32)
UID = "7ee52be0-9045-4653-aa5e-0da57b8dccdc"
DIGEST = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"


def pod() -> dict[str, Any]:
    env = {
        "LOG_LEVEL": "info",
        "PORT": "8080",
        "DEBUG": "true",
        "PWD": "/srv/app",
        "API_URL": "https://api.shop.svc.cluster.local:8443/v2/items?limit=100&sort=asc",
        "JAVA_OPTS": "-Xms512m -Xmx2048m -XX:+UseG1GC -Dspring.profiles.active=production",
        "GIT_COMMIT": "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "IMAGE": f"registry.example.com/shop/web@{DIGEST}",
        "TZ": "Europe/Berlin",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "NODE": "ip-10-0-12-34.eu-central-1.compute.internal",
        "PEER": "web-6d4cf56db6-x2x7k",
        "OWNER": UID,
        "TOKEN_EXPIRATION_SECONDS": "3600",
        "TLS_SECRET_NAME": "web-tls",
        "PASSWORD_FILE": "/run/secrets/db/password",
        "DB_PASSWORD": "$(OTHER_VARIABLE)",
    }
    pairs: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in env.items()]
    pairs.append({"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "db-credentials", "key": "password"}}})
    container = {
        "name": "app",
        "image": f"registry.example.com/shop/web:v1.2.3@{DIGEST}",
        "args": ["--listen=:8080", "--token-ttl=15m", "--config", "/etc/app/config.yaml", "--max-tokens", "4096"],
        "command": ["/bin/sh", "-c", "exec /srv/app --port 8080"],
        "env": pairs,
        "envFrom": [{"secretRef": {"name": "web-env-7f9c6b5d4c"}}],
        "volumeMounts": [
            {"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "kube-api-access-x2v5k"}
        ],
        "livenessProbe": {"httpGet": {"path": "/healthz", "httpHeaders": [{"name": "Accept", "value": "text/plain"}]}},
    }
    token = {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    volumes = [
        {"name": "kube-api-access-x2v5k", "projected": {"defaultMode": 420, "sources": [token]}},
        {"name": "tls", "secret": {"secretName": "web-tls", "items": [{"key": "tls.key", "path": "key.pem"}]}},
    ]
    fields: dict[str, Any] = {'k:{"name":"DB_PASSWORD"}': {"f:value": {}}}
    managed = {"f:spec": {"f:env": fields, "f:imagePullSecrets": {}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-6d4cf56db6-x2x7k",
            "uid": UID,
            "resourceVersion": "918273645",
            "creationTimestamp": "2026-11-24T03:00:00Z",
            "labels": {"pod-template-hash": "6d4cf56db6", "app": "web"},
            "annotations": {"kubernetes.io/enforce-mountable-secrets": "true", "checksum/config": DIGEST[7:]},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-6d4cf56db6", "uid": UID}],
            "managedFields": [{"manager": "kubectl-client-side-apply", "fieldsV1": managed}],
        },
        "spec": {
            "automountServiceAccountToken": True,
            "containers": [container],
            "imagePullSecrets": [{"name": "registry-credentials"}],
            "volumes": volumes,
        },
        "status": {
            "containerStatuses": [{"containerID": "containerd://" + DIGEST[7:], "imageID": f"docker.io/{DIGEST}"}]
        },
    }


def audit() -> dict[str, Any]:
    return {
        "kind": "Event",
        "level": "RequestResponse",
        "auditID": UID,
        "requestURI": "/api/v1/namespaces/shop/pods/web-6d4cf56db6-x2x7k/exec?command=sh&container=app&stdin=true",
        "verb": "create",
        "user": {
            "username": "system:serviceaccount:shop:token-reviewer",
            "extra": {"authentication.kubernetes.io/credential-id": [f"JTI={UID}"]},
        },
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web-6d4cf56db6-x2x7k"},
        "requestObject": pod(),
        "annotations": {
            "authorization.k8s.io/decision": "allow",
            "authorization.k8s.io/reason": 'RBAC: allowed by ClusterRoleBinding "secrets-reader" of ClusterRole "view"',
        },
    }


LOG = f"""\
2026-11-24T03:00:00.000000123Z INFO request id={UID} path=/api/v1/items/17 status=200 bytes=1234
2026-11-24T03:00:01.5Z WARN invalid token: expired at 2026-11-24T02:00:00Z
2026-11-24T03:00:02Z ERROR password: incorrect for user bob (attempt 3)
Pulled image docker.io/library/postgres@{DIGEST} in 1.234s (token cache: hit)
I1124 03:00:03.123456       1 reconciler.go:42] "Synced" secret="default/db-tls" resourceVersion="918273645"
{{"level":"info","ts":1732417203.123,"msg":"token refreshed","tokens":4096,"uid":"{UID}"}}
http://10.0.0.1:8080/healthz 200, https://example.com:8443/@scope/package
Basic authentication is required; Bearer authentication is not
usage: login <token> [--password-file PATH]
max_tokens=4096 tokenizer=cl100k_base secret_name=web-tls credential-id=JTI
commit 9fceb02d0ae598e95dc970b74767f19372d61af8 pod web-6d4cf56db6-x2x7k node ip-10-0-12-34
"""


def through(path: str, content: bytes) -> tuple[bytes, list[Replaced | Unread]]:
    secrets, notes = Secrets(KEY), list[Replaced | Unread]()
    secrets.learn(path, [content])
    return b"".join(Redactor(secrets).redact(path, [content], notes.append)), notes


@pytest.mark.parametrize("indent", [None, 2])
def test_an_ordinary_pod(indent: int | None) -> None:
    content = json.dumps(pod(), indent=indent).encode()
    assert through("data/pod/pod.json", content) == (content, [])


def test_the_pod_as_it_was_applied() -> None:
    applied = json.dumps(pod()) + "\n"
    annotated = {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}}}
    content = json.dumps(annotated).encode()
    assert through("data/pod/pod.json", content) == (content, [])


def test_an_ordinary_audit_event() -> None:
    content = json.dumps(audit()).encode() + b"\n"
    assert through("data/audit/events.jsonl", content * 3) == (content * 3, [])


@pytest.mark.parametrize("line", LOG.splitlines())
def test_ordinary_log_lines(line: str) -> None:
    assert through("data/logs/app.current.log", line.encode()) == (line.encode(), [])


def test_a_whole_log_with_bytes_that_are_no_text() -> None:
    content = LOG.encode() + b"\xff\xfe\x00\x80\xc3 \x1b[31m torn \xed\xa0\x80\r\n"
    assert through("data/logs/app.current.log", content) == (content, [])
