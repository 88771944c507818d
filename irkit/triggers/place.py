"""Where to listen, and how: told without the web framework."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM. With `client_ca`, nobody speaks without a certificate of that authority."""

    certificate: Path
    key: Path
    client_ca: Path | None = None  # None: clients need no certificate


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen. `behind_proxy`: something in front ends TLS, so plain HTTP from elsewhere is meant."""

    host: str = "127.0.0.1"
    port: int = 8484
    tls: Tls | None = None  # None: plain HTTP
    behind_proxy: bool = False
