"""Frozen settings: flags first, then `IRKIT_*` from the environment, then the default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_STORE = "file://./irkit-evidence"


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Which cluster, by the same rules as kubectl: flag, KUBECONFIG, ~/.kube/config, in-cluster credentials."""

    kubeconfig: str | None = None  # None: KUBECONFIG, the home folder, or in-cluster
    context: str | None = None  # None: the current context
    timeout: float = 30.0  # seconds for one call, retries included


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where bundles go. `url` is `file:///dir` or `s3://bucket/prefix`."""

    url: str = DEFAULT_STORE
    s3_endpoint_url: str | None = None  # None: AWS itself; operator-given only, never from evidence
    s3_lock: str | None = None  # None: no retention asked; "governance" or "compliance"
    s3_retain_days: int | None = None  # None unless s3_lock is set
    s3_sse_kms_key: str | None = None  # None: the bucket's own default encryption
    s3_legal_hold: bool = False
    s3_expected_owner: str | None = None  # None: whoever owns a bucket of that name; else a 12-digit AWS account
    s3_timeout: float = 60.0  # seconds for one answer, but that to the completion of a large upload


@dataclass(frozen=True, slots=True)
class SealSettings:
    """What a bundle gets besides its hashes. No secret stands here: keys are named by file, a passphrase never."""

    sign_keys: tuple[str, ...] = ()  # files with Ed25519 private keys; none: an unsigned bundle
    tsa_url: str | None = None  # None: no time stamp
    recipients: tuple[str, ...] = ()  # who may read originals: age1..., SSH public keys, files of them

    def anchored(self, here: Path) -> SealSettings:
        """The same, named so that it is the same from any other folder; `here` is the present one."""
        recipients = (str(here / who) if (here / who).is_file() else who for who in self.recipients)
        return SealSettings(tuple(str(here / key) for key in self.sign_keys), self.tsa_url, tuple(recipients))


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """Where runs keep journal, evidence and receipts: IRKIT_HOME, else `$XDG_STATE_HOME/irkit`."""
    if given := environ.get("IRKIT_HOME"):
        return Path(given)
    state = environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
    return Path(state) / "irkit"
