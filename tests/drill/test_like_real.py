"""The practice cluster answers as a real API server does: the same requests to both, the same words back."""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from irkit.drill.range import server
from tests.cluster.real import RealCluster
from tests.drill.exchanges import Exchange, exchanges, plain

LIKE = "1.37"  # the wording of answers changes from version to version; what irkit relies on is in tests/contracts
NAMESPACE = f"drill-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def proxied(real_cluster: RealCluster) -> Iterator[str]:
    """The real API server over plain HTTP."""
    command = [real_cluster.kubectl_path, "--kubeconfig", str(real_cluster.kubeconfig), "proxy", "--port=0",
               "--reject-paths=^$"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
        try:
            assert proxy.stdout is not None
            found = re.search(r"127\.0\.0\.1:\d+", proxy.stdout.readline())
            assert found is not None
            yield f"http://{found[0]}"
        finally:
            proxy.terminate()


def said(pool: urllib3.PoolManager, url: str, exchange: Exchange) -> str:
    """Status, media type, warnings and body of an answer."""
    raw = exchange.body if isinstance(exchange.body, str | None) else json.dumps(exchange.body)
    headers = {
        "User-Agent": "practice/1",
        **({} if raw is None else {"Content-Type": exchange.media}),
        **exchange.headers,
    }
    path = exchange.path.replace("{ns}", NAMESPACE)
    body = raw.replace("{ns}", NAMESPACE).encode() if raw is not None else None
    answer = pool.request(exchange.method, url + path, body=body, headers=headers)
    media = answer.headers.get("Content-Type", "").partition(";")[0]
    warned = answer.headers.get("Warning", "")
    return f"{answer.status} {media} {warned}\n{plain(answer.data)}"


@pytest.mark.real
def test_the_same_requests_have_the_same_answers(real_cluster: RealCluster, proxied: str, tmp_path: Path) -> None:
    if not real_cluster.version.startswith(f"v{LIKE}."):
        pytest.skip(f"LEFT OUT: the practice cluster words its answers as {LIKE} does, not as {real_cluster.version}")
    pool = urllib3.PoolManager(retries=False, timeout=20)
    space = Exchange("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    away = Exchange("DELETE", f"/api/v1/namespaces/{NAMESPACE}")
    differences = []
    with server.start(home=tmp_path, scenario=None) as practice:
        try:
            said(pool, proxied, space), said(pool, practice.url, space)
            for exchange in exchanges():
                real, ours = said(pool, proxied, exchange), said(pool, practice.url, exchange)
                diff = "\n".join(difflib.unified_diff(real.splitlines(), ours.splitlines(), "real", "ours", n=1))
                differences += [f"== {exchange}\n{diff}"] if diff else []
        finally:
            said(pool, proxied, away)
            pool.clear()
    assert not differences, f"{len(differences)} differ:\n" + "\n".join(differences)
