"""A real cluster in the hands of a test: kubectl, the audit log, the policy enforcer."""

from __future__ import annotations

import fcntl
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
# Of those who switch the enforcement of policies one runs at a time anyway: on one worker they wait for nobody.
ONE_AT_A_TIME = pytest.mark.xdist_group("enforcement")


@dataclass(frozen=True, slots=True)
class RealCluster:
    """`audit_log` is None where it cannot be read here; `enforceable`: NetworkPolicy can be switched on and off."""

    kubeconfig: Path
    kubectl_path: str
    version: str
    origin: str
    audit_log: Path | None = None
    enforceable: bool = False

    def kubectl(self, *arguments: str, given: str = "", kubeconfig: Path | None = None) -> str:
        """What kubectl prints; fails the test with kubectl's own words where it fails."""
        command = [self.kubectl_path, "--kubeconfig", str(kubeconfig or self.kubeconfig), *arguments]
        done = subprocess.run(command, check=False, input=given, text=True, capture_output=True, timeout=180)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Create or change objects."""
        self.kubectl("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))

    def enforce(self, on: bool) -> None:
        """Start or stop enforcing NetworkPolicy with real packets, for everybody; prefer `enforcing`."""
        assert self.enforceable, "this cluster's policy engine is not ours to switch"
        subprocess.run([HERE / "cluster", "enforce", "on" if on else "off"], check=True, capture_output=True)

    def images(self) -> None:
        """Have the images of the tests; a cluster that runs may be older than one of them."""
        subprocess.run([HERE / "cluster", "images"], check=True, capture_output=True)

    @contextmanager
    def enforcing(self, on: bool = True) -> Iterator[None]:
        """NetworkPolicy enforced, or certainly not, while the context lasts; tests elsewhere wait their turn."""
        with (self.kubeconfig.parent / "enforce.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.enforce(on)
            try:
                yield
            finally:
                self.enforce(False)

    def limited(self, namespace: str, account: str, folder: Path) -> Path:
        """A kubeconfig in `folder` for service account `account`, which holds no more than it is bound to."""
        token = self.kubectl("create", "token", account, "-n", namespace, "--duration=1h").strip()
        config = json.loads(self.kubectl("config", "view", "--raw", "--flatten", "--minify", "-o", "json"))
        config["users"] = [{"name": "limited", "user": {"token": token}}]
        config["contexts"][0]["context"]["user"] = "limited"
        path = folder / f"{account}.conf"
        path.write_text(json.dumps(config))
        return path
