"""A server that is no API server, at an address of the operator's, spoken to alike: raw, recorded, bounded."""

from __future__ import annotations

from urllib.parse import urlsplit

import urllib3

from irkit.cluster.protocol import Cluster
from irkit.cluster.wire.api import Api
from irkit.cluster.wire.sender import Pace, Sender
from irkit.errors import UsageError
from irkit.text import safe

PATIENCE = 30.0  # seconds for one call


def checked(url: str) -> str:
    """`url` without a slash at its end; raises UsageError for one that is no plain http(s) address."""
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        named = None
    if not named or parts.query or parts.fragment or url != safe(url) or " " in url:
        raise UsageError(f"not an address: {safe(url)[:200]!r}", "http(s)://host:port, and a path where it has one")
    if "@" in parts.netloc:
        raise UsageError("an address holds no password", "IRKIT_PROMETHEUS_TOKEN holds a bearer token")
    return url.rstrip("/")


def server(url: str, token: str = "") -> Cluster:
    """The server at `url`, logged in to with a bearer `token` where there is one. Its certificate is verified."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Api(Sender(urllib3.PoolManager(), checked(url), lambda: headers, Pace()), "", PATIENCE)
